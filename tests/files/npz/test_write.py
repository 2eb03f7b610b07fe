import io
import zipfile
import zlib
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.dense.network import DenseNetwork
from service.errors import InvalidRequest
from service.files.body.pieces import Piece
from service.files.npy import HEADER_BYTES
from service.files.npz import write
from service.files.npz.checksum import Checksum
from service.files.npz.zip_records import descriptor, directory, local_header
from tests.bodies import cut_small, elements_of, made, network_as_npz, values_of, whole, whole_out_of_order
from tests.networks import WITH_NPY, dense_networks, network_from

# zlib.crc32 over 6,400,000,000 zero bytes, taken once: it would take seconds each time.
CRC_OF_ZEROS = 0x76A782D9


@given(dense_networks(dtypes=WITH_NPY))
def test_numpy_reads_every_tensor_by_name(network: DenseNetwork) -> None:
    with cut_small():
        made = whole(network_as_npz(network))
    with np.load(io.BytesIO(made), allow_pickle=False) as read:
        assert read.files == [tensor.name for tensor in network.plan.tensors]
        for tensor in network.plan.tensors:
            assert (read[tensor.name].shape, read[tensor.name].dtype.name) == (tensor.shape, network.description.dtype)
            assert read[tensor.name].tobytes() == values_of(tensor.whole())


@given(dense_networks(dtypes=WITH_NPY), st.randoms(use_true_random=False))
def test_every_checksum_is_right_in_whatever_order_pieces_are_made(network: DenseNetwork, random: Random) -> None:
    with cut_small():
        body = network_as_npz(network)
        made = whole_out_of_order(body, random)
        assert made == whole(body)
    with zipfile.ZipFile(io.BytesIO(made)) as read:
        assert read.testzip() is None


@given(dense_networks(dtypes=WITH_NPY))
def test_the_length_is_known_before_anything_is_made(network: DenseNetwork) -> None:
    body = network_as_npz(network)
    assert body.length == len(whole(body))
    assert elements_of(body) == network.plan.elements


@given(dense_networks(dtypes=WITH_NPY))
def test_entries_are_stored_in_plan_order_with_a_fixed_date_and_a_descriptor(network: DenseNetwork) -> None:
    with zipfile.ZipFile(io.BytesIO(whole(network_as_npz(network)))) as read:
        infos = read.infolist()
    assert [info.filename for info in infos] == [f"{tensor.name}.npy" for tensor in network.plan.tensors]
    for info, tensor in zip(infos, network.plan.tensors, strict=True):
        assert (info.compress_type, info.flag_bits) == (zipfile.ZIP_STORED, 1 << 3)
        assert info.date_time == (1980, 1, 1, 0, 0, 0)
        assert info.file_size == info.compress_size == 128 + tensor.byte_count


def test_an_archive_is_the_same_each_time_it_is_made() -> None:
    body = network_as_npz(network_from("layers=30,20,10&activation=relu"))
    assert whole(body) == whole(body)


@given(dense_networks(dtypes=WITH_NPY), st.integers(1, 4000), st.integers(1, 5))
def test_which_entries_are_made_together_changes_no_byte(network: DenseNetwork, size: int, entries: int) -> None:
    with cut_small():
        alone = whole(network_as_npz(network))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(write, "GROUP_BYTES", size)
        patch.setattr(write, "GROUP_ENTRIES", entries)
        assert whole(network_as_npz(network)) == alone


def test_many_small_entries_are_made_in_few_pieces() -> None:
    body = network_as_npz(network_from(f"layers={','.join(['8'] * 65)}&activation=relu"))
    assert len(list(body.pieces())) < len(body.files) / 10


def test_only_descriptors_and_the_directory_wait_for_what_stands_before_them() -> None:
    with cut_small():
        pieces = list(network_as_npz(network_from("layers=30,20,10&activation=relu")).pieces())
    waiting = [piece for piece in pieces if isinstance(piece, Piece) and piece.after_all_before]
    assert [made(piece)[:4] for piece in waiting] == [b"PK\x07\x08"] * 4 + [b"PK\x01\x02"]
    assert len(pieces) > 3 * len(waiting)


def test_bfloat16_is_refused_and_the_refusal_names_dtype() -> None:
    with pytest.raises(InvalidRequest) as refusal:
        network_as_npz(network_from("layers=3,2&activation=relu&dtype=bfloat16"))
    assert [error.field for error in refusal.value.errors] == ["dtype"]


def test_an_archive_beyond_4_gib_is_read_to_its_last_entry(tmp_path: Path) -> None:
    # The large tensor stays a hole in the file, which reads as zeros: the rest is made as always.
    network = network_from("layers=40000,40000,3&activation=relu")
    body = network_as_npz(network)
    crcs = []
    path = tmp_path / "large.npz"
    with path.open("wb") as file:
        for entry, data in body.files:
            file.seek(entry.offset)
            file.write(local_header(entry))
            if entry.size_is_64:
                header = whole(data.cut(0, HEADER_BYTES))
                file.write(header)
                file.seek(data.length - HEADER_BYTES, io.SEEK_CUR)
                crcs.append((Checksum.of(header) + Checksum(CRC_OF_ZEROS, data.length - HEADER_BYTES)).crc)
            else:
                file.write(whole(data))
                crcs.append(zlib.crc32(whole(data)))
            file.write(descriptor(entry, crcs[-1]))
        file.write(directory([entry for entry, _ in body.files], crcs))
        assert file.tell() == body.length
    with np.load(path, allow_pickle=False) as read:
        assert read.files == [tensor.name for tensor in network.plan.tensors]
        for tensor in network.plan.tensors[1:]:
            assert read[tensor.name].tobytes() == values_of(tensor.whole())
    with zipfile.ZipFile(path) as archive, archive.open("layers.0.weight.npy") as large:
        assert archive.getinfo("layers.0.bias.npy").header_offset > 2**32
        assert np.lib.format.read_magic(large) == (1, 0)
        assert np.lib.format.read_array_header_1_0(large)[0] == (40_000, 40_000)


def test_the_checksum_of_many_zeros_is_reached_by_addition() -> None:
    doubled = [Checksum.of(bytes(1))]
    while len(doubled) < 33:
        doubled.append(doubled[-1] + doubled[-1])
    parts = (doubled[bit] for bit in range(33) if 6_400_000_000 >> bit & 1)
    assert sum(parts, Checksum()) == Checksum(CRC_OF_ZEROS, 6_400_000_000)
