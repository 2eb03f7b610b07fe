import json
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.formats.json_text import JsonText, block_as_json, network_as_json
from service.formats.plan_document import BlockDocument, WeightsDocument, plan_document
from service.numerics.dtypes import DTYPES, DType
from service.plan import Plan
from tests.bodies import cut_small, elements_of, fields_of, values_of, whole, whole_out_of_order
from tests.networks import plan_from, plans


def rounded(numbers: list[float], dtype: DType) -> bytes:
    """Return what a client holds that reads JSON as float64 and converts: by way of float32 to the short types."""
    wide = np.array(numbers, np.float64)
    narrow = wide if dtype is DType.FLOAT64 else wide.astype(np.float32)
    return narrow.astype(DTYPES[dtype].numpy).tobytes()


@given(plans(), st.randoms(use_true_random=False))
def test_a_network_keeps_every_bit_of_its_values(plan: Plan, random: Random) -> None:
    with cut_small():
        document = json.loads(whole_out_of_order(network_as_json(plan), random))
    for tensor, found in zip(plan.tensors, document["tensors"], strict=True):
        assert rounded(found["data"], plan.network.dtype) == values_of(tensor.whole())


@given(plans(), st.data())
def test_a_block_keeps_every_bit_of_its_values(plan: Plan, data: st.DataObject) -> None:
    tensor = data.draw(st.sampled_from(plan.tensors))
    stop = data.draw(st.integers(1, tensor.shape[0]))
    block = tensor.cut(range(data.draw(st.integers(0, stop - 1)), stop), None)
    with cut_small():
        document = json.loads(whole(block_as_json(plan, block)))
    assert rounded(document["data"], plan.network.dtype) == values_of(block)
    assert document["shape"] == list(block.shape)


@pytest.mark.parametrize("dtype", DType)
@pytest.mark.parametrize("std", ["1e-45", "1e-40", "1e-30", "1e-7", "123.4", "8000"])
def test_numbers_of_every_magnitude_keep_every_bit(dtype: DType, std: str) -> None:
    plan = plan_from(f"layers=50,50&activation=relu&scheme=fixed&std={std}&dtype={dtype}")
    (weight, _) = json.loads(whole(network_as_json(plan)))["tensors"]
    assert rounded(weight["data"], dtype) == values_of(plan.tensors[0].whole())


def test_the_numbers_of_float32_are_the_shortest_that_read_back() -> None:
    plan = plan_from("layers=40,25&activation=relu")
    (weight, _) = json.loads(whole(network_as_json(plan)), parse_float=str)["tensors"]
    for text, value in zip(weight["data"], plan.tensors[0].whole().read(0, 1000), strict=True):
        digits = text.lower().partition("e")[0].replace(".", "").strip("-0")
        shortest = np.format_float_scientific(value, unique=True).partition("e")[0].replace(".", "").strip("-0")
        assert len(digits) == len(shortest)


@given(plans())
def test_a_network_is_its_plan_with_data_added(plan: Plan) -> None:
    document = json.loads(whole(network_as_json(plan)))
    for tensor in document["tensors"]:
        assert len(tensor.pop("data")) == tensor["elements"]
    assert document == json.loads(plan_document(plan, plan.tensors).model_dump_json(by_alias=True))


@given(plans())
def test_a_network_is_a_valid_document_of_its_published_model(plan: Plan) -> None:
    document = json.loads(whole(network_as_json(plan)))
    read = WeightsDocument.model_validate(fields_of(document))
    assert json.loads(read.model_dump_json(by_alias=True)) == document


@given(plans())
def test_a_block_is_a_valid_document_of_its_published_model(plan: Plan) -> None:
    for tensor in plan.tensors:
        document = json.loads(whole(block_as_json(plan, tensor.whole())))
        read = BlockDocument.model_validate(fields_of(document))
        assert json.loads(read.model_dump_json(by_alias=True)) == document
        assert (read.seed, read.recipe, read.name) == (plan.seed, 1, tensor.name)
        assert read.tensor == next(one for one in plan_document(plan, plan.tensors).tensors if one.name == tensor.name)


@given(plans())
def test_the_pieces_draw_every_value_once_and_the_length_is_open(plan: Plan) -> None:
    body = network_as_json(plan)
    assert elements_of(body) == body.elements == plan.elements
    assert body.length is None


def test_a_block_that_is_cut_is_described_beside_its_whole_tensor() -> None:
    plan = plan_from("layers=6,5&activation=relu&seed=7")
    document = json.loads(whole(block_as_json(plan, plan.tensors[0].cut(range(1, 4), range(2)))))
    assert (document["shape"], document["tensor"]["shape"], len(document["data"])) == ([3, 2], [6, 5], 6)
    assert document["tensor"]["links"]["bin"] == "/weights/layers.0.weight.bin?layers=6,5&activation=relu&seed=7"


def test_text_alone_is_a_body() -> None:
    assert whole(JsonText(0, lambda: iter((b"[", b"]")))) == b"[]"
