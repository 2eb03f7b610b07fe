"""Values of models and of single tensors as JSON documents of any size."""

from collections.abc import Iterator, Mapping
from functools import partial

import orjson

from service.describe.network import Recipe, Seed
from service.describe.tensor import TensorDescription
from service.documents.base import Document
from service.documents.model import (
    ModelPlan,
    PlannedModelTensor,
    PlannedTensor,
    SeededModel,
    Shape,
    model_head,
    planned_tensor,
    planned_tensors,
)
from service.documents.plan import Paths
from service.documents.weights import Data
from service.files.json_text import JsonText, Text
from service.numerics.dtypes import TensorDType
from service.tensors.tensor import TensorBox

# What a document says before its tensors: some hundred rules, and links of at most some kilobytes.
HEAD_BYTES = 2**20


class ModelTensorWeights(PlannedModelTensor):
    """One tensor of a model with its values."""

    data: Data
    """The values, flat and row-major."""


class ModelWeights(ModelPlan):
    """A model's tensors with their values."""

    tensors: list[ModelTensorWeights]  # type: ignore[assignment]
    """All tensors, in the order of the file."""


class SliceDocument(Document):
    """A tensor that describes itself, or the slice of it that was asked for."""

    seed: Seed
    """The seed: the one asked for, or the one the service drew."""
    recipe: Recipe
    """Version of the arithmetic from seed to values."""
    dtype: TensorDType
    """Number type of the values."""
    shape: Shape
    """Lengths of the axes of the slice."""
    tensor: PlannedTensor
    """The whole tensor."""
    data: Data
    """The slice's values, flat and row-major."""


def model_as_json(model: SeededModel, paths: Paths) -> JsonText:
    """Return a ModelWeights."""
    return JsonText(model.plan.elements, partial(_model_parts, model, paths), model.plan.drawing_bytes)


def _head(model: SeededModel, paths: Paths) -> bytes:
    return _open(model_head(model, paths)) + b',"tensors":['


def _model_parts(model: SeededModel, paths: Paths) -> Iterator[bytes | Text | TensorBox]:
    yield Text(partial(_head, model, paths), HEAD_BYTES)
    for number, (planned, tensor) in enumerate(zip(planned_tensors(model, paths), model.plan.tensors, strict=True)):
        yield (b"," if number else b"") + _open(planned) + b',"data":['
        yield tensor.whole()
        yield b"]}"
    yield b"]}"


def slice_as_json(tensor: TensorDescription, seed: int, recipe: int, box: TensorBox, paths: Paths) -> JsonText:
    """Return a SliceDocument of a box of a tensor."""
    head = {
        "seed": seed,
        "recipe": recipe,
        "dtype": tensor.initialization.dtype,
        "shape": box.shape,
        "tensor": planned_tensor(tensor, seed, paths),
    }
    return JsonText(box.elements, partial(_slice_parts, head, box), box.drawing_bytes)


def _slice_parts(head: Mapping[str, object], box: TensorBox) -> Iterator[bytes | TensorBox]:
    yield _open(head) + b',"data":['
    yield box
    yield b"]}"


def _open(fields: Mapping[str, object]) -> bytes:
    """Return an object's JSON without its closing brace, for another field to follow."""
    return orjson.dumps(fields)[:-1]
