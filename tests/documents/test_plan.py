import json
from typing import Any

import pytest
from hypothesis import given

from service.dense.network import DenseNetwork
from service.describe.network import Network
from service.describe.tensor import query_of_tensor, tensor_in_query
from service.describe.url import parameters, request_of
from service.documents.plan import PlanDocument, plan_as_json
from service.tensors.build import build
from tests.bodies import PATHS, fields_of, network_as_npy, values_of, whole
from tests.networks import WITH_NPY, dense_networks, network_from

QUERY = "layers=784,10&activation=relu&output_activation=sigmoid&seed=42"


def document_of(network: DenseNetwork) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(whole(plan_as_json(network, PATHS)))
    return document


def test_a_known_network_has_a_known_plan() -> None:
    document = document_of(network_from(QUERY))
    weight, bias = document.pop("tensors")
    for tensor in (weight, bias):
        assert tensor.pop("source") != ""
    assert document == {
        "seed": 42, "recipe": 1, "elements": 7850, "byte_count": 31400,
        "network": {
            "layers": [784, 10], "activation": "relu", "output_activation": "sigmoid", "scheme": "auto",
            "distribution": "normal", "dtype": "float32", "layout": "in_out", "bias": "zeros", "gain": 1.0, "cut": 2.0,
            "cut_std": "after", "fan": "in", "slope": 0.01, "alpha": 1.0, "seed": 42, "recipe": 1,
        },
        "links": {name: f"/weights.{name}?{QUERY}" for name in ("npy", "npz", "safetensors", "json")},
    }  # fmt: skip
    assert weight == {
        "name": "layers.0.weight", "shape": [784, 10], "dtype": "float32", "scheme": "xavier",
        "reason": "auto: he for relu, xavier for every other activation",
        "formula": "sqrt(1 / fan_in)", "fan_in": 784, "fan_out": 10,
        "std": 1 / 28, "elements": 7840, "byte_count": 31360, "offset": 128,
        "links": {
            name: f"/tensor/layers.0.weight.{name}?scheme=xavier&seed=42&shape=784,10&axes=IO"
            for name in ("npy", "bin", "json")
        },
    }  # fmt: skip
    assert bias == {
        "name": "layers.0.bias", "shape": [10], "dtype": "float32", "scheme": "zeros",
        "reason": "biases start at 0", "formula": "0", "fan_in": 784, "fan_out": 10,
        "std": 0.0, "elements": 10, "byte_count": 40, "offset": 31488,
        "links": {
            name: f"/tensor/layers.0.bias.{name}?scheme=zeros&seed=42&shape=10" for name in ("npy", "bin", "json")
        },
    }  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
def test_only_bfloat16_leaves_out_what_npy_cannot_carry(dtype: str) -> None:
    document = document_of(network_from(f"{QUERY}&dtype={dtype}"))
    has_npy = dtype != "bfloat16"
    npy, npz = ({"npy"}, {"npy", "npz"}) if has_npy else (set(), set())
    assert document["links"].keys() == {"safetensors", "json"} | npz
    for tensor in document["tensors"]:
        assert tensor["links"].keys() == {"bin", "json"} | npy
        assert ("offset" in tensor) == has_npy


@given(dense_networks())
def test_a_plan_is_a_valid_document_of_its_published_model(network: DenseNetwork) -> None:
    document = document_of(network)
    read = PlanDocument.model_validate(fields_of(document))
    assert read.model_dump_json().encode() == whole(plan_as_json(network, PATHS))
    assert (read.seed, read.network.seed) == (network.seed, network.seed)


@given(dense_networks())
def test_every_link_of_the_network_describes_it_with_its_seed(network: DenseNetwork) -> None:
    for name, link in document_of(network)["links"].items():
        path, _, query = link.partition("?")
        assert path == f"/weights.{name}"
        assert request_of(Network, parameters(query)) == network.description.model_copy(update={"seed": network.seed})


@given(dense_networks())
def test_every_link_of_a_tensor_gives_its_very_values(network: DenseNetwork) -> None:
    for tensor, described in zip(network.plan.tensors, document_of(network)["tensors"], strict=True):
        for name, link in described["links"].items():
            path, _, query = link.partition("?")
            assert path == f"/tensor/{tensor.name}.{name}"
            asked = tensor_in_query(tensor.name, parameters(query))
            assert query_of_tensor(asked.tensor, network.seed) == query
            assert values_of(build(asked.tensor, network.seed).whole()) == values_of(tensor.whole())


def test_the_plan_of_a_long_list_of_layers_is_short() -> None:
    # Each link once held all of the 1000 sizes, 55 MB together.
    query = f"layers={','.join(['10000000'] * 64)}&activation=relu&seed=42"
    document = document_of(network_from(query))
    lengths = [len(link) for tensor in document["tensors"] for link in tensor["links"].values()]
    assert max(lengths) < 100 < len(document["links"]["safetensors"])


@given(dense_networks(dtypes=WITH_NPY))
def test_an_offset_is_where_the_values_start_in_the_npy_of_the_network(network: DenseNetwork) -> None:
    made = whole(network_as_npy(network))
    for tensor, described in zip(network.plan.tensors, document_of(network)["tensors"], strict=True):
        end = described["offset"] + described["byte_count"]
        assert made[described["offset"] : end] == values_of(tensor.whole())


def test_ten_billion_parameters_have_a_plan() -> None:
    document = document_of(network_from("layers=100000,100000&activation=relu&dtype=float64"))
    assert document["byte_count"] == 8 * (10**10 + 10**5)
    assert [tensor["offset"] for tensor in document["tensors"]] == [128, 128 + 8 * 10**10]
