import json
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.dense.network import DenseNetwork
from service.documents.plan import PlanDocument, plan_as_json
from service.documents.weights import BlockDocument, WeightsDocument, box_as_json, network_as_json
from service.files.json_text import JsonText
from service.numerics.dtypes import DTYPES, DType
from tests.bodies import PATHS, cut_small, elements_of, fields_of, values_of, whole, whole_out_of_order
from tests.networks import dense_networks, network_from


def rounded(numbers: list[float], dtype: DType) -> bytes:
    """Return what a client holds that reads JSON as float64 and converts: by way of float32 to the short types."""
    wide = np.array(numbers, np.float64)
    narrow = wide if dtype is DType.FLOAT64 else wide.astype(np.float32)
    return narrow.astype(DTYPES[dtype].numpy).tobytes()


@given(dense_networks(), st.randoms(use_true_random=False))
def test_a_network_keeps_every_bit_of_its_values(network: DenseNetwork, random: Random) -> None:
    with cut_small():
        document = json.loads(whole_out_of_order(network_as_json(network, PATHS), random))
    for tensor, found in zip(network.plan.tensors, document["tensors"], strict=True):
        assert rounded(found["data"], network.description.dtype) == values_of(tensor.whole())


@given(dense_networks(), st.data())
def test_a_block_keeps_every_bit_of_its_values(network: DenseNetwork, data: st.DataObject) -> None:
    tensor = data.draw(st.sampled_from(network.plan.tensors))
    stop = data.draw(st.integers(1, tensor.shape[0]))
    block = tensor.cut(range(data.draw(st.integers(0, stop - 1)), stop), None)
    with cut_small():
        document = json.loads(whole(box_as_json(network, block, PATHS)))
    assert rounded(document["data"], network.description.dtype) == values_of(block)
    assert document["shape"] == list(block.shape)


@pytest.mark.parametrize("dtype", DType)
@pytest.mark.parametrize("std", ["1e-45", "1e-40", "1e-30", "1e-7", "123.4", "8000"])
def test_numbers_of_every_magnitude_keep_every_bit(dtype: DType, std: str) -> None:
    network = network_from(f"layers=50,50&activation=relu&scheme=fixed&std={std}&dtype={dtype}")
    (weight, _) = json.loads(whole(network_as_json(network, PATHS)))["tensors"]
    assert rounded(weight["data"], dtype) == values_of(network.plan.tensors[0].whole())


def test_the_numbers_of_float32_are_the_shortest_that_read_back() -> None:
    network = network_from("layers=40,25&activation=relu")
    (weight, _) = json.loads(whole(network_as_json(network, PATHS)), parse_float=str)["tensors"]
    for text, value in zip(weight["data"], network.plan.tensors[0].whole().read(0, 1000), strict=True):
        digits = text.lower().partition("e")[0].replace(".", "").strip("-0")
        shortest = np.format_float_scientific(value, unique=True).partition("e")[0].replace(".", "").strip("-0")
        assert len(digits) == len(shortest)


@given(dense_networks())
def test_a_network_is_its_plan_with_data_added(network: DenseNetwork) -> None:
    document = json.loads(whole(network_as_json(network, PATHS)))
    for tensor in document["tensors"]:
        assert len(tensor.pop("data")) == tensor["elements"]
    assert document == json.loads(whole(plan_as_json(network, PATHS)))


@given(dense_networks())
def test_a_network_is_a_valid_document_of_its_published_model(network: DenseNetwork) -> None:
    document = json.loads(whole(network_as_json(network, PATHS)))
    read = WeightsDocument.model_validate(fields_of(document))
    assert json.loads(read.model_dump_json(by_alias=True)) == document


@given(dense_networks())
def test_a_block_is_a_valid_document_of_its_published_model(network: DenseNetwork) -> None:
    plan = PlanDocument.model_validate(fields_of(json.loads(whole(plan_as_json(network, PATHS)))))
    for tensor in network.plan.tensors:
        document = json.loads(whole(box_as_json(network, tensor.whole(), PATHS)))
        read = BlockDocument.model_validate(fields_of(document))
        assert json.loads(read.model_dump_json(by_alias=True)) == document
        assert (read.seed, read.recipe, read.name) == (network.seed, 1, tensor.name)
        assert read.tensor == next(one for one in plan.tensors if one.name == tensor.name)


@given(dense_networks())
def test_the_pieces_draw_every_value_once_and_the_length_is_open(network: DenseNetwork) -> None:
    body = network_as_json(network, PATHS)
    assert elements_of(body) == body.elements == network.plan.elements
    assert body.length is None


def test_a_block_that_is_cut_is_described_beside_its_whole_tensor() -> None:
    network = network_from("layers=6,5&activation=relu&seed=7")
    document = json.loads(whole(box_as_json(network, network.plan.tensors[0].cut(range(1, 4), range(2)), PATHS)))
    assert (document["shape"], document["tensor"]["shape"], len(document["data"])) == ([3, 2], [6, 5], 6)
    assert document["tensor"]["links"]["bin"] == "/tensor/layers.0.weight.bin?scheme=he&seed=7&shape=6,5&axes=IO"


def test_text_alone_is_a_body() -> None:
    assert whole(JsonText(0, lambda: iter((b"[", b"]")))) == b"[]"
