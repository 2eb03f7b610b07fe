"""A plan as a JSON document."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

from pydantic import MISSING, Field

from service.dense.network import DenseNetwork
from service.describe.effects import without_effect
from service.describe.network import OF_ACTIVATIONS, OF_SOME_SCHEMES, Layout, Network, Recipe, Seed
from service.describe.tensor import query_of_tensor, tensor_of
from service.documents.base import Count, Document, opened
from service.files.json_text import JsonText, Text
from service.files.npy import DESCRIPTIONS, HEADER_BYTES
from service.initializers.schemes import TensorSchemeName
from service.numerics.dtypes import DType
from service.tensors.tensor import Tensor

AXES = {Layout.IN_OUT: "IO", Layout.OUT_IN: "OI"}  # of a weight

Std = Annotated[float, Field(ge=0, json_schema_extra={"format": "double", "examples": [0.050507627227610534]})]
# Bytes of memory in which tensors of a plan are written together.
TEXT_BYTES = 2**20
# What one of them takes.
TENSOR_BYTES = 2**13
# The plan's beginning takes its links, which hold the whole network, and copies as its text is put together.
MOST_LINKS = 4
COPIES = 4
Shape = Annotated[list[Count], Field(min_length=1, max_length=2, examples=[[784, 256]])]


class NetworkLinks(Document):
    """Permanent URLs of the whole network, relative to the service."""

    npy: Annotated[str | MISSING, Field(examples=["/weights.npy?layers=784,256,10&activation=relu&seed=42"])] = MISSING
    """One 1-D array of all values; left out for bfloat16, which .npy cannot carry."""
    npz: Annotated[str | MISSING, Field(examples=["/weights.npz?layers=784,256,10&activation=relu&seed=42"])] = MISSING
    """NumPy archive with an entry for each tensor; left out for bfloat16."""
    safetensors: Annotated[str, Field(examples=["/weights.safetensors?layers=784,256,10&activation=relu&seed=42"])]
    """safetensors file."""
    json_: Annotated[str, Field(alias="json", examples=["/weights.json?layers=784,256,10&activation=relu&seed=42"])]
    """This plan with the values of each tensor."""


class TensorLinks(Document):
    """Permanent URLs of one tensor, which describes itself, relative to the service."""

    npy: Annotated[
        str | MISSING, Field(examples=["/tensor/layers.0.weight.npy?scheme=he&seed=42&shape=784,256&axes=IO"])
    ] = MISSING
    """NumPy array; left out for bfloat16, which .npy cannot carry."""
    bin: Annotated[str, Field(examples=["/tensor/layers.0.weight.bin?scheme=he&seed=42&shape=784,256&axes=IO"])]
    """Bare values: little-endian, row-major."""
    json_: Annotated[
        str,
        Field(
            alias="json",
            examples=["/tensor/layers.0.weight.json?scheme=he&seed=42&shape=784,256&axes=IO"],
        ),
    ]
    """JSON numbers."""


class TensorPlan(Document):
    """One tensor: what is known of it before a number is drawn."""

    name: Annotated[str, Field(examples=["layers.0.weight"])]
    """Name of the tensor, the same in every format."""
    shape: Shape
    """Lengths of the axes, in the layout asked for."""
    dtype: Annotated[DType, Field(examples=["float32"])]
    """Number type of the values."""
    scheme: Annotated[str, Field(examples=["he"])]
    """Scheme that was applied: never auto; zeros for a bias."""
    reason: Annotated[str, Field(examples=["auto: he for relu, xavier for every other activation"])]
    """Why this scheme."""
    formula: Annotated[str, Field(examples=["sqrt(2 / fan_in)"])]
    """Formula of the standard deviation."""
    source: Annotated[str, Field(examples=["He et al. 2015, arXiv:1502.01852, section 2.2, equation 10"])]
    """Where the formula comes from."""
    fan_in: Annotated[Count, Field(examples=[784])]
    """Weights summed into one output node."""
    fan_out: Annotated[Count, Field(examples=[256])]
    """Weights fed by one input node."""
    std: Std
    """Standard deviation of the values."""
    elements: Annotated[Count, Field(examples=[200704])]
    """Number of values."""
    byte_count: Annotated[Count, Field(examples=[802816])]
    """Size of the values in bytes."""
    offset: Annotated[Count | MISSING, Field(examples=[128])] = MISSING
    """First byte of the values in /weights.npy; left out for bfloat16."""
    links: TensorLinks
    """Where to get this tensor alone."""


class PlanHead(Document):
    """A network as a whole."""

    seed: Seed
    """The seed: the one asked for, or the one the service drew."""
    recipe: Recipe
    """Version of the arithmetic from seed to values."""
    network: Network
    """The whole description, with all defaults."""
    elements: Annotated[Count, Field(examples=[203530])]
    """Number of values in all tensors."""
    byte_count: Annotated[Count, Field(examples=[814120])]
    """Size of all values in bytes."""
    links: NetworkLinks
    """Where to get the whole network."""


class PlanDocument(PlanHead):
    """A network's tensors, before a number is drawn."""

    tensors: list[TensorPlan]
    """All tensors, in the order of the files."""


@dataclass(frozen=True, slots=True)
class Paths:
    """Where the service answers, by format; `{tensor}` stands for the name of a tensor."""

    network: Mapping[str, str]
    tensor: Mapping[str, str]


def plan_as_json(network: DenseNetwork, paths: Paths) -> JsonText:
    """Return a PlanDocument, of which only some tensors are written at a time."""
    return JsonText(0, partial(_plan_parts, network, paths))


def _plan_parts(network: DenseNetwork, paths: Paths) -> Iterator[Text]:
    yield plan_start(network, paths)
    together = TEXT_BYTES // TENSOR_BYTES
    tensors = network.plan.tensors
    for start in range(0, len(tensors), together):
        stop = min(start + together, len(tensors))
        yield Text(partial(_plan_tensors, network, paths, start, stop), (stop - start) * TENSOR_BYTES)


def plan_start(network: DenseNetwork, paths: Paths) -> Text:
    """Return the JSON of a plan up to its first tensor, still to be made."""
    most_bytes = TENSOR_BYTES + COPIES * MOST_LINKS * len(network.query)
    return Text(partial(_plan_start, network, paths), most_bytes)


def _plan_start(network: DenseNetwork, paths: Paths) -> bytes:
    return opened(plan_head(network, paths)) + b',"tensors":['


def _plan_tensors(network: DenseNetwork, paths: Paths, start: int, stop: int) -> bytes:
    plans = [tensor_plan(network, tensor, paths).model_dump_json() for tensor in network.plan.tensors[start:stop]]
    is_last = stop == len(network.plan.tensors)
    return (("," if start else "") + ",".join(plans) + ("]}" if is_last else "")).encode()


def plan_head(network: DenseNetwork, paths: Paths) -> PlanHead:
    """Return what a plan says of the network as a whole."""
    has_npy = network.description.dtype in DESCRIPTIONS

    def link(file_format: str) -> str:
        return f"{paths.network[file_format]}?{network.query}"

    return PlanHead(
        seed=network.seed,
        recipe=network.description.recipe,
        network=network.description.model_copy(update={"seed": network.seed}),
        elements=network.plan.elements,
        byte_count=network.plan.byte_count,
        links=NetworkLinks(
            npy=link("npy") if has_npy else MISSING,
            npz=link("npz") if has_npy else MISSING,
            safetensors=link("safetensors"),
            json_=link("json"),
        ),
    )


def tensor_plan(network: DenseNetwork, tensor: Tensor, paths: Paths) -> TensorPlan:
    """Return what a plan says of one of the network's tensors."""
    has_npy = tensor.dtype in DESCRIPTIONS
    choice = tensor.initializer.choice
    assert tensor.fan is not None  # noqa: S101  # every tensor of a dense layer has one
    query = _own_query(network, tensor)

    def link(file_format: str) -> str:
        return f"{paths.tensor[file_format].format(tensor=tensor.name)}?{query}"

    return TensorPlan(
        name=tensor.name,
        shape=list(tensor.shape),
        dtype=DType(tensor.dtype),
        scheme=choice.scheme,
        reason=choice.reason,
        formula=choice.formula,
        source=choice.source,
        fan_in=int(tensor.fan.inputs),
        fan_out=int(tensor.fan.outputs),
        std=choice.std,
        elements=tensor.elements,
        byte_count=tensor.byte_count,
        offset=HEADER_BYTES + network.plan.offsets[tensor.name] if has_npy else MISSING,
        links=TensorLinks(npy=link("npy") if has_npy else MISSING, bin=link("bin"), json_=link("json")),
    )


def _own_query(network: DenseNetwork, tensor: Tensor) -> str:
    """Return the canonical query string that describes one of the network's tensors without the network."""
    scheme = TensorSchemeName(tensor.initializer.choice.scheme)
    said: dict[str, Any] = {"dtype": tensor.dtype}
    if scheme is not TensorSchemeName.ZEROS:
        said |= _said_of_weight(network, tensor)
    others = {said.get("activation"), said.get("distribution")}
    unsaid = {error.field for error in without_effect(scheme, said, others)}
    said = {field: value for field, value in said.items() if field not in unsaid}
    return query_of_tensor(tensor_of(tensor.name, tensor.shape, {**said, "scheme": scheme}), network.seed)


def _said_of_weight(network: DenseNetwork, weight: Tensor) -> dict[str, Any]:
    """Return all that the network says of a weight, whether or not it means something under its scheme."""
    description, key = network.description, network.keys[weight.name]
    said: dict[str, Any] = {"axes": AXES[description.layout], "activation": network.activations[weight.name]}
    said |= {field: getattr(description, field) for field in ("std", *OF_SOME_SCHEMES, *OF_ACTIVATIONS)}
    said |= {} if key == weight.name else {"key": key}
    return {field: value for field, value in said.items() if value is not MISSING}
