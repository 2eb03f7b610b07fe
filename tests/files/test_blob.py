from collections.abc import Callable, Iterator
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.dense.network import DenseNetwork
from service.documents.weights import network_as_json
from service.files.body.blob import GROUP_BYTES, Blob
from service.files.body.pieces import Body, Piece
from tests.bodies import (
    PATHS,
    cut_small,
    elements_of,
    network_as_npy,
    network_as_npz,
    network_as_safetensors,
    values_of,
    whole,
    whole_out_of_order,
)
from tests.networks import dense_networks, network_from

SIZES = {"float32": 4, "float64": 8, "float16": 2, "bfloat16": 2}


@pytest.fixture(params=["as_shipped", "cut_small"], autouse=True, scope="module")
def _sizes(request: pytest.FixtureRequest) -> Iterator[None]:
    if request.param == "as_shipped":
        yield
    else:
        with cut_small():
            yield


def blob_of(network: DenseNetwork) -> Blob:
    """Return all tensors of a network with bytes before, between and after them."""
    parts: list[bytes | object] = [b"header"]
    for number, tensor in enumerate(network.plan.tensors):
        parts += [tensor.whole(), b"." * number]
    return Blob.of(*parts)  # type: ignore[arg-type]  # bytes and blocks, taking turns


def expected(network: DenseNetwork) -> bytes:
    return b"header" + b"".join(values_of(tensor.whole()) + b"." * n for n, tensor in enumerate(network.plan.tensors))


@st.composite
def cuts(draw: st.DrawFn, length: int) -> tuple[int, int]:
    start, stop = sorted(draw(st.tuples(st.integers(0, length), st.integers(0, length))))
    return start, stop


@given(dense_networks())
def test_a_blob_is_its_parts_laid_end_to_end(network: DenseNetwork) -> None:
    blob = blob_of(network)
    assert whole(blob) == expected(network)
    assert blob.length == len(expected(network))


@given(dense_networks(), st.data(), st.randoms(use_true_random=False))
def test_any_cut_is_those_bytes_of_the_whole(network: DenseNetwork, data: st.DataObject, random: Random) -> None:
    blob = blob_of(network)
    start, stop = data.draw(cuts(blob.length))
    cut = blob.cut(start, stop)
    assert cut.length == stop - start
    assert whole(cut) == whole_out_of_order(cut, random) == expected(network)[start:stop]


@given(dense_networks(), st.data())
def test_a_cut_of_a_cut_is_a_cut(network: DenseNetwork, data: st.DataObject) -> None:
    blob = blob_of(network)
    start, stop = data.draw(cuts(blob.length))
    first, end = data.draw(cuts(stop - start))
    assert whole(blob.cut(start, stop).cut(first, end)) == expected(network)[start + first : start + end]


@given(dense_networks())
def test_the_pieces_of_the_whole_draw_every_value_once(network: DenseNetwork) -> None:
    assert elements_of(blob_of(network)) == network.plan.elements


@given(dense_networks(), st.data())
def test_the_pieces_of_a_cut_draw_the_values_that_it_touches(network: DenseNetwork, data: st.DataObject) -> None:
    owners: list[int | None] = [None] * len("header")  # which value each byte belongs to
    for number, tensor in enumerate(network.plan.tensors):
        size = SIZES[network.description.dtype]
        before = network.plan.offsets[tensor.name]
        owners += [(before + byte) // size for byte in range(tensor.byte_count)] + [None] * number
    start, stop = data.draw(cuts(len(owners)))
    assert elements_of(blob_of(network).cut(start, stop)) == len({*owners[start:stop]} - {None})


def test_every_single_byte_is_that_byte_of_the_whole() -> None:
    for dtype in SIZES:
        network = network_from(f"layers=3,2,2&activation=relu&dtype={dtype}")
        blob = blob_of(network)
        assert b"".join(whole(blob.cut(at, at + 1)) for at in range(blob.length)) == expected(network)


@pytest.mark.parametrize("layout", ["in_out", "out_in"])
@pytest.mark.parametrize("dtype", SIZES)
@given(lead=st.integers(0, 17), gap=st.integers(0, 9), data=st.data())
def test_values_need_not_be_aligned_nor_whole(
    dtype: str, layout: str, lead: int, gap: int, data: st.DataObject
) -> None:
    network = network_from(f"layers=7,5,3&activation=relu&dtype={dtype}&layout={layout}&bias=none")
    first, second = (tensor.whole() for tensor in network.plan.tensors)
    blob = Blob.of(b"h" * lead, first, b"g" * gap, second, b"end")
    laid_out = b"h" * lead + values_of(first) + b"g" * gap + values_of(second) + b"end"
    start, stop = data.draw(cuts(blob.length))
    assert whole(blob.cut(start, stop)) == laid_out[start:stop]


BODIES: dict[str, Callable[[DenseNetwork], Body]] = {
    "npy": network_as_npy,
    "npz": network_as_npz,
    "safetensors": network_as_safetensors,
    "json": lambda network: network_as_json(network, PATHS),
    "an odd blob": lambda network: blob_of(network).cut(3, blob_of(network).length - 1),
}


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize("name", BODIES)
def test_a_piece_fills_its_room_whatever_stood_there_and_nothing_outside_of_it(name: str, dtype: str) -> None:
    body = BODIES[name](network_from(f"layers=70,30,5&activation=relu&dtype={dtype}"))
    for piece in body.pieces():
        if isinstance(piece, bytes):
            continue
        made = []
        for before in (0x00, 0xFF):
            memory = bytearray([before]) * (piece.buffer_bytes + 64)
            made.append(bytes(piece.make(memoryview(memory)[32:-32])))
            assert set(memory[:32] + memory[-32:]) == {before}
            if piece.buffer_bytes:
                assert made[-1] == memory[32:-32]
        assert made[0] == made[1]


def test_a_blob_without_bytes_has_no_piece() -> None:
    blob = blob_of(network_from("layers=3,2&activation=relu"))
    assert [list(blob.cut(at, at).pieces()) for at in (0, 6, 7, blob.length)] == [[], [], [], []]


def test_small_parts_are_made_together() -> None:
    network = network_from(f"layers={','.join(['2'] * 60)}&activation=relu")
    pieces = list(network_as_npy(network).pieces())
    assert len(pieces) < len(network.plan.tensors) / 3
    assert all(isinstance(piece, Piece) and not piece.after_all_before for piece in pieces)


def test_the_end_of_a_huge_blob_is_reached_by_drawing_the_end_alone() -> None:
    blob = network_as_npy(network_from("layers=100000,1000000,1&activation=relu&bias=none"))
    assert blob.length == 128 + 4 * (10**11 + 10**6)
    assert elements_of(blob.cut(blob.length - 5, blob.length)) == 2
    assert len(whole(blob.cut(blob.length - 5, blob.length))) == 5


def test_the_pieces_of_a_large_tensor_are_no_larger_than_memory_allows() -> None:
    for layout, most in (("in_out", GROUP_BYTES), ("out_in", 8 * GROUP_BYTES)):
        blob = network_as_npy(network_from(f"layers=3000,1000&activation=relu&bias=none&layout={layout}"))
        sizes = [piece.elements * 4 for piece in blob.pieces() if isinstance(piece, Piece)]
        assert sum(sizes) == 12_000_000
        assert max(sizes) <= most
