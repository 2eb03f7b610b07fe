"""Values in JSON: they fit their schema and are those of the other formats."""

import numpy as np
import pytest

from service.describe.tensor import tensor_in_query
from service.describe.url import parameters
from service.documents.model_weights import ModelWeights, SliceDocument, model_as_json, slice_as_json
from service.tensors.build import build
from tests.bodies import whole
from tests.documents.test_model import BODY, PATHS, seeded


def test_a_model_has_the_values_of_its_tensors() -> None:
    model = seeded(BODY)
    document = ModelWeights.model_validate_json(whole(model_as_json(model, PATHS)), strict=True)
    for tensor, planned in zip(model.plan.tensors, document.tensors, strict=True):
        assert planned.name == tensor.name
        assert np.array(planned.data, np.float32).tolist() == tensor.whole().read(0, tensor.elements).tolist()


@pytest.mark.parametrize(
    ("query", "data"),
    [
        ("shape=2&scheme=constant&value=-7&dtype=int64", b'"data":[-7,-7]}'),
        ("shape=2&scheme=ones&dtype=bool", b'"data":[1,1]}'),
        ("shape=&scheme=constant&value=200&dtype=uint8", b'"data":[200]}'),
        ("shape=2&scheme=ones&dtype=bfloat16", b'"data":[1.0,1.0]}'),
    ],
)
def test_integers_and_bool_are_whole_numbers(query: str, data: bytes) -> None:
    asked = tensor_in_query("t", parameters(query)).tensor
    assert whole(slice_as_json(asked, 1, 1, build(asked, 1).whole(), PATHS)).endswith(data)


def test_a_slice_has_its_own_shape_and_the_plan_of_the_whole() -> None:
    asked = tensor_in_query("t", parameters("shape=4,3&axes=OI&activation=relu")).tensor
    box = build(asked, 1).part((range(1, 3), range(3)))
    document = SliceDocument.model_validate_json(whole(slice_as_json(asked, 1, 1, box, PATHS)), strict=True)
    assert (document.shape, document.tensor.shape) == ([2, 3], [4, 3])
    assert np.array(document.data, np.float32).tolist() == box.read(0, 6).tolist()
