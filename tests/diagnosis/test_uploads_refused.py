"""What is not a network, or too much of one, and the words that the client must be told."""

import tracemalloc
import zipfile
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from service.describe.network import Layout, OwnWeightsRequest
from service.diagnosis.experiments import memory_needed
from service.diagnosis.uploads import declared_weights
from service.errors import InvalidRequest, TooLarge
from service.files.stored import PIECE_BYTES
from tests.diagnosis.uploading import (
    W0,
    Arrays,
    archive,
    bfloat16,
    bomb,
    check,
    network,
    npy,
    npz,
    npz_compressed,
    one_weight,
    own_weights,
    refused,
    saved,
)


def ones(*shape: int) -> npt.NDArray[np.float32]:
    return np.ones(shape, np.float32)


def changed(**tensors: npt.NDArray[Any]) -> Arrays:
    """Return the network with other tensors in place: W0 is layers.0.weight, B1 is layers.1.bias."""
    kinds = {"W": "weight", "B": "bias"}
    names = {name: f"layers.{name[1:]}.{kinds[name[0]]}" if name[0] in kinds else name for name in tensors}
    return network() | {names[name]: tensor for name, tensor in tensors.items()}


OTHER_DIGIT = "layers.\N{ARABIC-INDIC DIGIT ONE}.weight"
NETWORKS: dict[str, tuple[Arrays, str, str]] = {
    "no weights": ({"inputs": ones(2, 3)}, "body", "at least layers.0.weight"),
    "no tensors": ({}, "body", "at least layers.0.weight"),
    "gap": (changed(W3=ones(2, 2)), "layers.2.weight", "missing without a gap"),
    "bias of no layer": (changed(B2=ones(2)), "layers.2.weight", "missing each has a weight"),
    "broken chain": (changed(W1=ones(5, 2)), "layers.1.weight", "fan_in 4 fan_out layers.0.weight 5 [5, 2] in_out"),
    "long bias": (changed(B1=ones(3)), "layers.1.bias", "[2] [3] fan_out layers.1.weight"),
    "2-D bias": (changed(B1=ones(1, 2)), "layers.1.bias", "one axis width [1, 2]"),
    "1-D weight": (changed(W0=ones(3)), W0, "two axes fan_in fan_out 1: [3]"),
    "3-D weight": (changed(W0=ones(3, 4, 1)), W0, "two axes 3: [3, 4, 1]"),
    "0-D weight": (changed(W0=ones()), W0, "two axes"),
    "empty weight": (changed(W0=ones(0, 4)), W0, "sizes from 1 [0, 4]"),
    "narrow inputs": (changed(inputs=ones(5, 2)), "inputs", "width 3 layers.0.weight 2 [5, 2]"),
    "no rows": (changed(inputs=ones(0, 3)), "inputs", "sizes from 1 [0, 3]"),
    "1-D inputs": (changed(inputs=ones(3)), "inputs", "samples width [3]"),
    "unknown name": (changed(extra=ones(3)), "extra", "known layers.N.weight layers.N.bias inputs"),
    "number with a zero": (changed(W01=ones(2, 2)), "layers.01.weight", "known layers.N.weight"),
    "other digits": (network() | {OTHER_DIGIT: ones(2, 2)}, OTHER_DIGIT, "known layers.N.weight"),
    "huge number": (changed(**{"W" + "9" * 5000: ones(2, 2)}), f"layers.{'9' * 73}…", "known"),
    "too many layers": (changed(W1000=ones(2, 2)), "layers.1000.weight", "at most 1000 layers"),
    "NaN": (changed(W0=np.full((3, 4), np.nan, np.float32)), W0, "finite nan [0, 0]"),
    "infinity": (changed(B0=np.array([0, 1, -np.inf, 0], np.float32)), "layers.0.bias", "finite -inf [2]"),
    "beyond float32": (changed(W0=np.full((3, 4), 1e39)), W0, "finite float32 3.4e38 1e+39 [0, 0]"),
    "half NaN": (changed(W0=np.full((3, 4), np.nan, np.float16)), W0, "finite nan"),
    "integers": (changed(W0=np.ones((3, 4), np.int32)), W0, "dtypes"),
    "complex": (changed(W0=np.ones((3, 4), np.complex64)), W0, "dtypes"),
    "truth values": (changed(W0=np.ones((3, 4), np.bool_)), W0, "dtypes"),
}
FORMATS = {"npz": npz, "npz_compressed": npz_compressed, "safetensors": saved}


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("row", NETWORKS)
def test_what_is_not_a_network_is_refused(form: str, row: str) -> None:
    arrays, field, words = NETWORKS[row]
    check(refused(FORMATS[form](arrays)), field, words)


def test_the_chain_is_read_in_the_layout_of_the_file() -> None:
    check(refused(npz(network()), Layout.OUT_IN), "layers.1.weight", "fan_in 3 layers.0.weight 2 [4, 2] out_in")


def test_bfloat16_infinity_is_refused() -> None:
    arrays = bfloat16({W0: np.array([[1, np.inf]])})
    check(refused(saved(arrays)), W0, "finite inf [0, 1]")


@pytest.mark.parametrize("write", [npz, npz_compressed, saved])
@pytest.mark.parametrize("code", ["<f4", "<f8", "<f2"])
@pytest.mark.parametrize("layout", Layout)
def test_a_header_tells_what_a_diagnosis_takes_whatever_the_dtype(write: Any, code: str, layout: Layout) -> None:
    arrays = {name: array.astype(code) for name, array in network().items()}
    if layout is Layout.OUT_IN:
        arrays = {name: array.T if "weight" in name else array for name, array in arrays.items()}
    declared = declared_weights(write(arrays), layout)
    assert (declared.widths, declared.samples) == ((3, 4, 2), 5)


@pytest.mark.parametrize("samples", [1, 1_000_001])
def test_as_many_samples_as_a_description_may_name(samples: int) -> None:
    body = saved({W0: np.ones((1, 1), np.float32), "inputs": np.ones((samples, 1), np.float32)})
    check(refused(body), "inputs", f"from 2 to 1000000 samples {samples}")


def peak_of_refusing(body: bytes, error: type[Exception]) -> int:
    tracemalloc.start()
    try:
        with pytest.raises(error):
            own_weights(body, Layout.IN_OUT)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_bomb_that_declares_its_size_is_never_inflated() -> None:
    body = npz_compressed({W0: np.zeros((4096, 4096), np.float32)})
    assert len(body) < 1 << 17
    asked = OwnWeightsRequest.of({"activation": "relu"})
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            memory_needed(asked, declared_weights(body, Layout.IN_OUT).widths, 1000, 2**25)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_what_is_inflated_takes_four_bytes_a_value_and_a_few_pieces() -> None:
    body = npz_compressed({W0: np.zeros((1024, 4096), np.float64)})
    declared = declared_weights(body, Layout.IN_OUT)
    tracemalloc.start()
    try:
        declared.read()
        assert tracemalloc.get_traced_memory()[1] < 4 * 1024 * 4096 + 8 * 2**20
    finally:
        tracemalloc.stop()


def test_a_bomb_that_lies_is_inflated_to_what_it_declares() -> None:
    # By pieces of at most PIECE_BYTES, of which two may be held at once.
    assert peak_of_refusing(bomb("(1, 1)", 1 << 26), InvalidRequest) < 3 * PIECE_BYTES


def test_an_entry_larger_than_its_array_is_never_inflated() -> None:
    text = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1), }\n"
    body = archive({f"{W0}.npy": npy(text, bytes(1 << 26))}, zipfile.ZIP_DEFLATED)
    check(refused(body), W0, "bytes .npy header")
    assert peak_of_refusing(body, InvalidRequest) < 1 << 20


def test_a_shape_that_the_file_does_not_hold_is_never_allocated() -> None:
    assert peak_of_refusing(one_weight(2**20, 2**20, offsets=(0, 2**42)), InvalidRequest) < 1 << 20
