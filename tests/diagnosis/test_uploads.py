import contextlib
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import safetensors.numpy
from hypothesis import example, given
from hypothesis import strategies as st

from service.describe.network import Layout
from service.diagnosis.uploads import OwnWeights
from service.errors import InvalidRequest, TooLarge
from tests.diagnosis import uploading
from tests.diagnosis.uploading import Arrays, bfloat16, network, npz, npz_compressed, own_weights, saved

WRITERS: dict[str, Callable[[Arrays], bytes]] = {
    "npz": npz,
    "npz_compressed": npz_compressed,
    "safetensors": saved,
    "safetensors_bfloat16": lambda arrays: saved(bfloat16(arrays)),
}


def same(own: OwnWeights, arrays: Arrays) -> bool:
    """Say whether the weights are these, as arrays of the promised kind."""
    values = [*own.weights, *own.biases, own.inputs]
    count = len(own.weights)
    names = [f"layers.{number}.{kind}" for kind in ("weight", "bias") for number in range(count)] + ["inputs"]
    for array, name in zip(values, names, strict=True):
        if array is None or name not in arrays:
            assert array is None and name not in arrays  # noqa: PT018
            continue
        assert array.dtype == np.float32
        assert array.flags.c_contiguous
        assert array.flags.aligned
        np.testing.assert_array_equal(array, arrays[name].astype(np.float32))
    return True


def transposed(arrays: Arrays) -> Arrays:
    return {name: array.T.copy() if "weight" in name else array for name, array in arrays.items()}


@pytest.mark.parametrize("writer", WRITERS)
def test_what_a_library_wrote_is_read_back(writer: str) -> None:
    assert same(own_weights(WRITERS[writer](network()), Layout.IN_OUT), network())


@pytest.mark.parametrize("writer", WRITERS)
def test_out_in_is_transposed(writer: str) -> None:
    body = WRITERS[writer](transposed(network()))
    assert same(own_weights(body, Layout.OUT_IN), network())


def test_a_saved_file_is_read_back(tmp_path: Path) -> None:
    safetensors.numpy.save_file(network(), tmp_path / "weights.safetensors", {"made": "by hand"})
    assert same(own_weights((tmp_path / "weights.safetensors").read_bytes(), Layout.IN_OUT), network())


def test_one_weight_is_enough() -> None:
    arrays = {"layers.0.weight": np.eye(3, dtype=np.float32)}
    own = own_weights(npz(arrays), Layout.IN_OUT)
    assert own.biases == (None,)
    assert own.inputs is None
    assert same(own, arrays)


@pytest.mark.parametrize("code", ["<f4", ">f4", "<f8", ">f8", "<f2", ">f2"])
@pytest.mark.parametrize("writer", [npz, npz_compressed])
def test_every_npy_dtype_is_read(code: str, writer: Callable[[Arrays], bytes]) -> None:
    arrays = {name: array.astype(code) for name, array in network().items()}
    assert same(own_weights(writer(arrays), Layout.IN_OUT), network())


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
def test_every_safetensors_dtype_is_read(dtype: npt.DTypeLike) -> None:
    arrays = {name: array.astype(dtype) for name, array in network().items()}
    assert same(own_weights(saved(arrays), Layout.IN_OUT), network())


@pytest.mark.parametrize("layout", Layout)
def test_fortran_order_is_read(layout: Layout) -> None:
    arrays = network() if layout is Layout.IN_OUT else transposed(network())
    body = npz({name: np.asfortranarray(array) for name, array in arrays.items()})
    assert b"'fortran_order': True" in body
    assert same(own_weights(body, layout), network())


def test_version_2_of_npy_is_read() -> None:
    own = own_weights(uploading.described(version=2), Layout.IN_OUT)
    assert same(own, {"layers.0.weight": np.zeros((1, 1))})


def test_zip64_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    # The limit below which zipfile writes the short forms of sizes and offsets.
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 0)
    body = npz(network())
    assert b"PK\x06\x06" in body
    assert same(own_weights(body, Layout.IN_OUT), network())


def test_values_are_rounded_to_float32() -> None:
    arrays = {"layers.0.weight": np.array([[0.1, 1e-300, -3.4e38]])}
    assert same(own_weights(saved(arrays), Layout.IN_OUT), arrays)


def test_a_thousand_layers_are_read() -> None:
    arrays = {f"layers.{number}.weight": np.ones((1, 1), np.float32) for number in range(1000)}
    assert len(own_weights(npz(arrays), Layout.IN_OUT).weights) == 1000
    assert len(own_weights(saved(arrays), Layout.IN_OUT).weights) == 1000


BODIES = {name: write(network()) for name, write in WRITERS.items()}


def read_or_refused(body: bytes) -> None:
    """Read it; only the two failures that a client is told of may come out. Warnings are errors in every test."""
    with contextlib.suppress(InvalidRequest, TooLarge):
        own = own_weights(body, Layout.IN_OUT)
        assert all(np.isfinite(weight).all() for weight in own.weights)


@pytest.mark.parametrize("name", BODIES)
def test_every_truncation_is_refused(name: str) -> None:
    body = BODIES[name]
    for length in range(len(body)):
        with pytest.raises(InvalidRequest):
            own_weights(body[:length], Layout.IN_OUT)


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("flip", [0x01, 0x80, 0xFF])
def test_a_changed_byte_is_read_or_refused(name: str, flip: int) -> None:
    body = bytearray(BODIES[name])
    for place in range(len(body)):
        body[place] ^= flip
        read_or_refused(bytes(body))
        body[place] ^= flip


@given(st.sampled_from(sorted(BODIES)), st.data())
def test_changed_bytes_are_read_or_refused(name: str, data: st.DataObject) -> None:
    body = bytearray(BODIES[name])
    for place in data.draw(st.lists(st.integers(0, len(body) - 1), max_size=4)):
        body[place] = data.draw(st.integers(0, 255))
    read_or_refused(bytes(body))


@given(st.sampled_from([b"", b"PK\x03\x04", b"PK\x05\x06", b"\x40\0\0\0\0\0\0\0{"]), st.binary(max_size=400))
@example(b"PK\x05\x06", bytes(18))
@example(b"PK\x03\x04", b"PK\x05\x06" + bytes(18))
def test_any_bytes_are_refused(start: bytes, rest: bytes) -> None:
    with pytest.raises(InvalidRequest):
        own_weights(start + rest, Layout.IN_OUT)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(["dtype", "shape"]), inner),
)


@given(st.dictionaries(st.sampled_from(["__metadata__", "inputs", "layers.0.weight"]), JSON), st.binary())
def test_any_header_is_read_or_refused(header: object, data: bytes) -> None:
    read_or_refused(uploading.by_hand(header, data))


@given(JSON, JSON, JSON)
def test_any_entry_of_a_header_is_read_or_refused(dtype: object, shape: object, offsets: object) -> None:
    entry = {"dtype": dtype, "shape": shape, "data_offsets": offsets}
    read_or_refused(uploading.by_hand({"layers.0.weight": entry}, bytes(4)))
    read_or_refused(uploading.by_hand({"layers.0.weight": entry | {"dtype": "F32", "shape": [1, 1]}}, bytes(4)))


@given(st.text(), st.binary(max_size=8))
def test_any_npy_header_is_read_or_refused(text: str, data: bytes) -> None:
    text = text.encode(errors="replace").decode()
    read_or_refused(uploading.archive({"layers.0.weight.npy": uploading.npy(text, data)}))
    read_or_refused(uploading.described(shape=f"({text})"))
    read_or_refused(uploading.described(descr=repr(text)))
