"""A plan as a JSON document: the models that are both written and published in the OpenAPI document."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import MISSING, Field

from service.document import Count, Document, Recipe
from service.formats.npy import DESCRIPTIONS, HEADER_BYTES
from service.numerics.dtypes import DTYPES, DType
from service.plan import Plan
from service.query import query_of
from service.spec import Network, Seed
from service.tensor import Tensor

Std = Annotated[float, Field(ge=0, json_schema_extra={"format": "double", "examples": [0.050507627227610534]})]
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
    """Permanent URLs of one tensor, relative to the service."""

    npy: Annotated[
        str | MISSING, Field(examples=["/weights/layers.0.weight.npy?layers=784,256,10&activation=relu&seed=42"])
    ] = MISSING
    """NumPy array; left out for bfloat16, which .npy cannot carry."""
    bin: Annotated[str, Field(examples=["/weights/layers.0.weight.bin?layers=784,256,10&activation=relu&seed=42"])]
    """Bare values: little-endian, row-major."""
    json_: Annotated[
        str,
        Field(
            alias="json",
            examples=["/weights/layers.0.weight.json?layers=784,256,10&activation=relu&seed=42"],
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
    reason: Annotated[str, Field(examples=["auto: he suits relu"])]
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


class PlanDocument(Document):
    """A network's tensors, before a number is drawn."""

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
    tensors: list[TensorPlan]
    """All tensors, in the order of the files."""


Data = Annotated[list[Annotated[float, Field(json_schema_extra={"format": "double"})]], Field(examples=[[0.5, -1.25]])]


class TensorWeights(TensorPlan):
    """One tensor with its values."""

    data: Data
    """The values, flat and row-major."""


class WeightsDocument(PlanDocument):
    """A network's tensors with their values."""

    tensors: list[TensorWeights]  # type: ignore[assignment]  # narrower, and frozen
    """All tensors, in the order of the files."""


class BlockDocument(Document):
    """A tensor, or the block of it that was asked for."""

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
    data: Data
    """The block's values, flat and row-major."""


def plan_document(plan: Plan, tensors: Iterable[Tensor]) -> PlanDocument:
    """Return the plan as a document, with these of its tensors."""
    query = query_of(plan.network, plan.seed)
    has_npy = plan.network.dtype in DESCRIPTIONS
    return PlanDocument(
        seed=plan.seed,
        recipe=plan.network.recipe,
        network=plan.network.model_copy(update={"seed": plan.seed}),
        elements=plan.elements,
        byte_count=plan.byte_count,
        links=NetworkLinks(
            npy=f"/weights.npy?{query}" if has_npy else MISSING,
            npz=f"/weights.npz?{query}" if has_npy else MISSING,
            safetensors=f"/weights.safetensors?{query}",
            json_=f"/weights.json?{query}",
        ),
        tensors=[tensor_plan(tensor, query) for tensor in tensors],
    )


def tensor_plan(tensor: Tensor, query: str) -> TensorPlan:
    """Return one tensor's part of the plan; `query` is the network's canonical query."""
    has_npy = tensor.dtype in DESCRIPTIONS
    path = f"/weights/{tensor.name}"
    return TensorPlan(
        name=tensor.name,
        shape=list(tensor.shape),
        dtype=tensor.dtype,
        scheme=tensor.choice.scheme,
        reason=tensor.choice.reason,
        formula=tensor.choice.formula,
        source=tensor.choice.source,
        fan_in=tensor.fan.inputs,
        fan_out=tensor.fan.outputs,
        std=tensor.choice.std,
        elements=tensor.elements,
        byte_count=tensor.byte_count,
        offset=HEADER_BYTES + tensor.offset * DTYPES[tensor.dtype].size if has_npy else MISSING,
        links=TensorLinks(
            npy=f"{path}.npy?{query}" if has_npy else MISSING,
            bin=f"{path}.bin?{query}",
            json_=f"{path}.json?{query}",
        ),
    )
