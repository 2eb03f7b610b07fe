"""Weights as JSON documents of any size: the plan and, one after the other, the values."""

from collections.abc import Iterator
from functools import partial
from typing import Annotated

from pydantic import Field

from service.dense.network import DenseNetwork
from service.describe.network import Recipe, Seed
from service.documents.base import Document, opened
from service.documents.plan import TENSOR_BYTES, Paths, PlanHead, Shape, TensorPlan, plan_start, tensor_plan
from service.files.json_text import JsonText, Text
from service.numerics.dtypes import DType
from service.tensors.tensor import Tensor, TensorBox

Data = Annotated[list[Annotated[float, Field(json_schema_extra={"format": "double"})]], Field(examples=[[0.5, -1.25]])]


class TensorWeights(TensorPlan):
    """One tensor with its values."""

    data: Data
    """The values, flat and row-major."""


class WeightsDocument(PlanHead):
    """A network's tensors with their values."""

    tensors: list[TensorWeights]
    """All tensors, in the order of the files."""


class BlockHead(Document):
    """What is said of a block beside its values."""

    seed: Seed
    """The seed: the one asked for, or the one the service drew."""
    recipe: Recipe
    """Version of the arithmetic from seed to values."""
    name: Annotated[str, Field(examples=["layers.0.weight"])]
    """Name of the tensor."""
    dtype: Annotated[DType, Field(examples=["float32"])]
    """Number type of the values."""
    shape: Shape
    """Lengths of the axes of the block."""
    tensor: TensorPlan
    """The whole tensor."""


class BlockDocument(BlockHead):
    """A tensor, or the block of it that was asked for."""

    data: Data
    """The block's values, flat and row-major."""


def network_as_json(network: DenseNetwork, paths: Paths) -> JsonText:
    """Return a WeightsDocument."""
    plan = network.plan
    return JsonText(plan.elements, partial(_network_parts, network, paths), plan.drawing_bytes)


def _network_parts(network: DenseNetwork, paths: Paths) -> Iterator[bytes | Text | TensorBox]:
    yield plan_start(network, paths)
    for number, tensor in enumerate(network.plan.tensors):
        yield Text(partial(_tensor_start, network, tensor, paths, number), TENSOR_BYTES)
        yield tensor.whole()
        yield b"]}"
    yield b"]}"


def _tensor_start(network: DenseNetwork, tensor: Tensor, paths: Paths, number: int) -> bytes:
    return (b"," if number else b"") + opened(tensor_plan(network, tensor, paths)) + b',"data":['


def box_as_json(network: DenseNetwork, box: TensorBox, paths: Paths) -> JsonText:
    """Return a BlockDocument of one of the network's tensors."""
    return JsonText(box.elements, partial(_box_parts, network, box, paths), box.drawing_bytes)


def _box_parts(network: DenseNetwork, box: TensorBox, paths: Paths) -> Iterator[bytes | TensorBox]:
    head = BlockHead(
        seed=network.seed,
        recipe=network.description.recipe,
        name=box.tensor.name,
        dtype=DType(box.tensor.dtype),
        shape=list(box.shape),
        tensor=tensor_plan(network, box.tensor, paths),
    )
    yield opened(head) + b',"data":['
    yield box
    yield b"]}"
