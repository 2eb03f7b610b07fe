import json
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
import safetensors
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st
from pydantic import MISSING

from service.dense.network import DenseNetwork
from service.describe.network import Layout, Network
from service.describe.url import parameters, request_of
from tests.bodies import cut_small, elements_of, network_as_safetensors, values_of, whole, whole_out_of_order
from tests.networks import WITH_NPY, dense_networks, network_from

CODES = {"float32": "F32", "float64": "F64", "float16": "F16", "bfloat16": "BF16"}


def header_of(made: bytes) -> dict[str, Any]:
    header: dict[str, Any] = json.loads(made[8 : 8 + int.from_bytes(made[:8], "little")])
    return header


@given(dense_networks(), st.randoms(use_true_random=False))
def test_the_reference_reader_finds_every_tensor(network: DenseNetwork, random: Random) -> None:
    with cut_small():
        made = whole_out_of_order(network_as_safetensors(network), random)
    found = dict(safetensors.deserialize(made))  # type: ignore[no-untyped-call]
    assert found.keys() == {tensor.name for tensor in network.plan.tensors}
    for tensor in network.plan.tensors:
        read = found[tensor.name]
        assert (read["dtype"], read["shape"]) == (CODES[network.description.dtype], list(tensor.shape))
        assert bytes(read["data"]) == values_of(tensor.whole())


@given(dense_networks(dtypes=WITH_NPY))
def test_numpy_arrays_come_in_shape_and_dtype(network: DenseNetwork) -> None:
    found = safetensors.numpy.load(whole(network_as_safetensors(network)))
    for tensor in network.plan.tensors:
        array = found[tensor.name]
        assert (array.shape, array.dtype.name) == (tensor.shape, network.description.dtype)
        assert array.tobytes() == values_of(tensor.whole())


@given(dense_networks())
def test_the_length_is_known_before_anything_is_made(network: DenseNetwork) -> None:
    body = network_as_safetensors(network)
    assert body.length == len(whole(body))
    assert elements_of(body) == network.plan.elements


@given(dense_networks())
def test_data_starts_aligned_and_fills_the_file_without_holes_in_plan_order(network: DenseNetwork) -> None:
    body = network_as_safetensors(network)
    made = whole(body)
    start = 8 + int.from_bytes(made[:8], "little")
    header = header_of(made)
    header.pop("__metadata__")
    assert start % 8 == 0
    assert list(header) == [tensor.name for tensor in network.plan.tensors]
    end = 0
    for described in header.values():
        assert described["data_offsets"][0] == end
        end = described["data_offsets"][1]
    assert start + end == len(made) == body.length


@given(dense_networks())
def test_the_metadata_describe_the_same_network(network: DenseNetwork) -> None:
    metadata = header_of(whole(network_as_safetensors(network)))["__metadata__"]
    is_module = network.description.names is not MISSING and network.description.layout is Layout.OUT_IN
    assert list(metadata) == ["fanin", "format"] if is_module else ["fanin"]
    assert metadata.get("format", "pt") == "pt"
    assert request_of(Network, parameters(metadata["fanin"])) == network.description.model_copy(
        update={"seed": network.seed}
    )


def test_a_known_header_is_laid_out_as_the_format_asks() -> None:
    made = whole(network_as_safetensors(network_from("layers=2,1&activation=relu&seed=7&layout=out_in")))
    text = (
        b'{"__metadata__":{"fanin":"layers=2,1&activation=relu&layout=out_in&seed=7"},'
        b'"layers.0.weight":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},'
        b'"layers.0.bias":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}'
    )
    padded = text + b" " * (-len(text) % 8)
    assert made[:-12] == len(padded).to_bytes(8, "little") + padded


@pytest.mark.parametrize("dtype", CODES)
def test_a_file_opens_in_place(tmp_path: Path, dtype: str) -> None:
    path = tmp_path / "weights.safetensors"
    network = network_from(f"layers=9,5,3&activation=relu&seed=7&dtype={dtype}")
    path.write_bytes(whole(network_as_safetensors(network)))
    with safetensors.safe_open(path, framework="np") as file:
        assert set(file.keys()) == {tensor.name for tensor in network.plan.tensors}
        suffix = "" if dtype == "float32" else f"&dtype={dtype}"
        assert file.metadata() == {"fanin": f"layers=9,5,3&activation=relu{suffix}&seed=7"}
        assert file.get_slice("layers.0.weight").get_shape() == [9, 5]


def test_float32_is_aligned_where_a_reader_maps_it() -> None:
    for width in range(1, 12):
        made = whole(network_as_safetensors(network_from(f"layers={width},1&activation=relu&dtype=float64")))
        start = 8 + int.from_bytes(made[:8], "little")
        found = np.frombuffer(made, "<f8", offset=start)
        assert (start % 8, found.size) == (0, width + 1)
