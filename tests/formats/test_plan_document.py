import json
from typing import Any

import pytest
from hypothesis import given

from service.formats.npy import network_as_npy
from service.formats.plan_document import PlanDocument, plan_document
from service.plan import Plan
from service.query import parameters, request_of
from service.spec import Network
from tests.bodies import fields_of, values_of, whole
from tests.networks import WITH_NPY, plan_from, plans

QUERY = "layers=784,10&activation=relu&output_activation=sigmoid&seed=42"


def document_of(plan: Plan) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(plan_document(plan, plan.tensors).model_dump_json(by_alias=True))
    return document


def test_a_known_network_has_a_known_plan() -> None:
    document = document_of(plan_from(QUERY))
    weight, bias = document.pop("tensors")
    for tensor in (weight, bias):
        assert tensor.pop("source") != ""
    assert document == {
        "seed": 42, "recipe": 1, "elements": 7850, "byte_count": 31400,
        "network": {
            "layers": [784, 10], "activation": "relu", "output_activation": "sigmoid", "scheme": "auto",
            "distribution": "normal", "dtype": "float32", "layout": "in_out", "bias": "zeros", "seed": 42, "recipe": 1,
        },
        "links": {name: f"/weights.{name}?{QUERY}" for name in ("npy", "npz", "safetensors", "json")},
    }  # fmt: skip
    assert weight == {
        "name": "layers.0.weight", "shape": [784, 10], "dtype": "float32", "scheme": "xavier",
        "reason": "auto: xavier suits sigmoid", "formula": "sqrt(1 / fan_in)", "fan_in": 784, "fan_out": 10,
        "std": 1 / 28, "elements": 7840, "byte_count": 31360, "offset": 128,
        "links": {name: f"/weights/layers.0.weight.{name}?{QUERY}" for name in ("npy", "bin", "json")},
    }  # fmt: skip
    assert bias == {
        "name": "layers.0.bias", "shape": [10], "dtype": "float32", "scheme": "zeros",
        "reason": "biases start at 0", "formula": "0", "fan_in": 784, "fan_out": 10,
        "std": 0.0, "elements": 10, "byte_count": 40, "offset": 31488,
        "links": {name: f"/weights/layers.0.bias.{name}?{QUERY}" for name in ("npy", "bin", "json")},
    }  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
def test_only_bfloat16_leaves_out_what_npy_cannot_carry(dtype: str) -> None:
    document = document_of(plan_from(f"{QUERY}&dtype={dtype}"))
    has_npy = dtype != "bfloat16"
    npy, npz = ({"npy"}, {"npy", "npz"}) if has_npy else (set(), set())
    assert document["links"].keys() == {"safetensors", "json"} | npz
    for tensor in document["tensors"]:
        assert tensor["links"].keys() == {"bin", "json"} | npy
        assert ("offset" in tensor) == has_npy


@given(plans())
def test_a_plan_is_a_valid_document_of_its_published_model(plan: Plan) -> None:
    document = document_of(plan)
    read = PlanDocument.model_validate(fields_of(document))
    assert read == plan_document(plan, plan.tensors)
    assert (read.seed, read.network.seed) == (plan.seed, plan.seed)


@given(plans())
def test_every_link_describes_the_same_network_with_its_seed(plan: Plan) -> None:
    document = document_of(plan)
    for described in (document, *document["tensors"]):
        for name, link in described["links"].items():
            path, _, query = link.partition("?")
            assert path == (f"/weights/{described['name']}.{name}" if "name" in described else f"/weights.{name}")
            assert request_of(Network, parameters(query)) == plan.network.model_copy(update={"seed": plan.seed})


@given(plans(dtypes=WITH_NPY))
def test_an_offset_is_where_the_values_start_in_the_npy_of_the_network(plan: Plan) -> None:
    made = whole(network_as_npy(plan))
    for tensor, described in zip(plan.tensors, document_of(plan)["tensors"], strict=True):
        end = described["offset"] + described["byte_count"]
        assert made[described["offset"] : end] == values_of(tensor.whole())


def test_ten_billion_parameters_have_a_plan() -> None:
    document = document_of(plan_from("layers=100000,100000&activation=relu&dtype=float64"))
    assert document["byte_count"] == 8 * (10**10 + 10**5)
    assert [tensor["offset"] for tensor in document["tensors"]] == [128, 128 + 8 * 10**10]
