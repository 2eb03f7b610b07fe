"""Models and single tensors as JSON documents: what is asked for, and what is planned.

The classes are the shapes that the OpenAPI document publishes. A plan of tens of thousands of tensors is written from
plain dictionaries, since only its names differ.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Annotated, Any

import orjson
from pydantic import MISSING, Field, create_model

from service.describe.effects import DRAWS_NOTHING, MATRICES
from service.describe.fields import MOST_SLOPE
from service.describe.initialization import PartStart
from service.describe.model.canonical import canonical_json, fingerprint, in_url
from service.describe.model.families import FAMILIES, FIELDS
from service.describe.model.families.family import Kind
from service.describe.model.model import FORMATS
from service.describe.model.resolve import ResolvedModel
from service.describe.model.rule import DepthScale
from service.describe.network import CUTS, Recipe, Seed
from service.describe.tensor import TensorDescription, path_of_name, query_of_tensor
from service.documents.base import Count, Document
from service.documents.plan import Paths
from service.files.npy import DESCRIPTIONS
from service.initializers.schemes import FanName, TensorSchemeName
from service.numerics.activations import Activation
from service.numerics.dtypes import DTYPES, TensorDType
from service.numerics.recipe.distributions import CutStd, DistributionName
from service.tensors.build import build
from service.tensors.plan import Plan

Double = Annotated[float, Field(allow_inf_nan=False, json_schema_extra={"format": "double"})]
Positive = Annotated[float, Field(ge=0, allow_inf_nan=False, json_schema_extra={"format": "double"})]
Slope = Annotated[float, Field(ge=0, le=MOST_SLOPE, json_schema_extra={"format": "double"})]
CUT = Field(json_schema_extra=CUTS)
Side = Annotated[int, Field(ge=1, le=2**31 - 1, json_schema_extra={"format": "int64"})]
Switch = Annotated[int, Field(ge=0, le=1, json_schema_extra={"format": "int64"})]
Shape = Annotated[list[Side], Field(max_length=8, examples=[[64, 3, 7, 7]])]


class Tensor(Document):
    """One entry of a model's list."""

    name: Annotated[str, Field(examples=["h.(0-11).attn.c_attn.weight"])]
    """Name, in which (0-11) stands for twelve and (( for a parenthesis."""
    shape: Shape
    """Lengths of the axes, in the file's order; empty for a scalar."""
    dtype: Annotated[TensorDType | MISSING, Field(examples=["float32"])] = MISSING
    """Number type; left out, that of its rule or of the model."""


class Start(Document):
    """How tensors start: the fields that a rule and a tensor's own query have in common."""

    axes: Annotated[str | MISSING, Field(examples=["OIHW"])] = MISSING
    """A letter for each axis of the file: B, D, H, W, V, I, O."""
    groups: Annotated[Side | MISSING, Field(examples=[1])] = MISSING
    """Groups of a convolution."""
    transposed_stride: Annotated[list[Side] | MISSING, Field(examples=[[2]])] = MISSING
    """Says that a convolution is transposed: its stride, one for all kernel axes or one each."""
    parts: Annotated[list[str] | MISSING, Field(examples=[["q", "k", "v"]])] = MISSING
    """Tensors that lie behind each other on the O axis, in the file's order."""
    part_sizes: Annotated[list[Side] | MISSING, Field(examples=[[768, 256, 256]])] = MISSING
    """Their sizes on it, where they differ."""
    activation: Annotated[Activation | MISSING, Field(examples=["relu"])] = MISSING
    """Function of the nodes that the tensor feeds; decides the scheme auto."""
    scheme: Annotated[TensorSchemeName | MISSING, Field(examples=["auto"])] = MISSING
    """How the values are chosen."""
    std: Annotated[Positive | MISSING, Field(examples=[0.02])] = MISSING
    """Standard deviation; goes with the scheme fixed."""
    gain: Annotated[Positive | MISSING, Field(examples=[1.0])] = MISSING
    """Factor of the standard deviation; of the values of orthogonal, delta_orthogonal and identity."""
    value: Annotated[Double | MISSING, Field(examples=[1.0])] = MISSING
    """The one value; goes with the scheme constant."""
    fan_in: Annotated[Positive | MISSING, Field(examples=[768.0])] = MISSING
    """Connections into a node, where the shape does not say them."""
    fan_out: Annotated[Positive | MISSING, Field(examples=[768.0])] = MISSING
    """Connections out of a node, where the shape does not say them."""
    distribution: Annotated[DistributionName | MISSING, Field(examples=["normal"])] = MISSING
    """Distribution of the values."""
    dtype: Annotated[TensorDType | MISSING, Field(examples=["float32"])] = MISSING
    """Number type of the values."""
    key: Annotated[str | MISSING, Field(examples=["h.$1.attn.c_attn.weight"])] = MISSING
    """What the values are drawn under, instead of the name; $1 is what the first * matched."""
    copy_key: Annotated[str | MISSING, Field(examples=["layers.$b.weight"])] = MISSING
    """The same for each copy on the axes B, of which $b is the number."""
    cut: Annotated[float | MISSING, CUT] = MISSING
    """Where truncated_normal is cut, in standard deviations before the cut: 0.5, 1, 1.5, 2, 2.5, 3, 4, 5 or 6."""
    cut_std: Annotated[CutStd | MISSING, Field(examples=["after"])] = MISSING
    """Whether the standard deviation is that of truncated_normal after its cut or before it."""
    fan: Annotated[FanName | MISSING, Field(examples=["in"])] = MISSING
    """Which connections xavier, he, lecun and variance_preserving count."""
    slope: Annotated[Slope | MISSING, Field(examples=[0.01])] = MISSING
    """Slope of leaky_relu below zero, for the scheme variance_preserving."""
    alpha: Annotated[Slope | MISSING, Field(examples=[1.0])] = MISSING
    """alpha of elu, for the scheme variance_preserving."""
    part_values: Annotated[list[Double] | MISSING, Field(examples=[[0.0, 1.0, 0.0, 0.0]])] = MISSING
    """A value for each part; goes with the scheme constant."""


class Rule(Start):
    """Which tensors a rule takes, and how they start."""

    match: Annotated[str, Field(examples=["*.c_proj.weight"])]
    """Name of the tensors it takes; * is any run of characters. The first rule that matches takes a tensor."""
    rank: Annotated[int | MISSING, Field(ge=0, le=8, examples=[4], json_schema_extra={"format": "int64"})] = MISSING
    """Number of axes of the tensors it takes; left out, any. One name may be a matrix here and a kernel there."""
    depth_scale: Annotated[DepthScale | MISSING, Field(examples=["total"])] = MISSING
    """Divides the standard deviation by sqrt(2 * layers), or by sqrt(2 * (index + 1))."""
    layer_count: Annotated[Side | MISSING, Field(examples=[12])] = MISSING
    """Layers of the whole model, where the list holds a part of it."""
    depth_index: Annotated[str | MISSING, Field(examples=["$1"])] = MISSING
    """Which * holds the layer's number, where it is not the first number in the name."""
    tie: Annotated[str | MISSING, Field(examples=["transformer.wte.weight"])] = MISSING
    """Name of the tensor whose values these have."""
    skip: Annotated[bool | MISSING, Field(examples=[False])] = MISSING
    """Leaves the tensors out of the file."""
    optional: Annotated[bool | MISSING, Field(examples=[False])] = MISSING
    """Makes it no error that the rule takes no tensor; families' rules say so."""


class ModelHead(Document):
    """A model beside what its family takes."""

    seed: Seed | MISSING = MISSING
    """Where all values come from; left out, the service draws one and says which."""
    recipe: Recipe | MISSING = MISSING
    """Version of the arithmetic from seed to values."""
    dtype: Annotated[TensorDType | MISSING, Field(examples=["float32"])] = MISSING
    """Number type where neither the tensor nor its rule states one."""
    activation: Annotated[Activation | MISSING, Field(examples=["relu"])] = MISSING
    """Activation of rules that need one and state none."""
    scheme: Annotated[TensorSchemeName | MISSING, Field(examples=["auto"])] = MISSING
    """Scheme of rules that state none."""
    distribution: Annotated[DistributionName | MISSING, Field(examples=["normal"])] = MISSING
    """Distribution of rules that state none."""
    format: Annotated[str | MISSING, Field(examples=["pt"], json_schema_extra={"enum": list(FORMATS)})] = MISSING
    """What safetensors files state as their format; left out, what the family's library writes."""
    tensors: Annotated[list[Tensor], Field(min_length=1)]
    """The tensors, in the order of the file."""
    rules: Annotated[list[Rule] | MISSING, Field()] = MISSING
    """How they start: the first rule that matches a name takes it."""
    family: Annotated[str | MISSING, Field(examples=["gpt2"], json_schema_extra={"enum": list(FAMILIES)})] = MISSING
    """Rules of a library that stand behind these."""


def _family_fields() -> dict[str, Any]:
    kinds = {Kind.COUNT: Side, Kind.NUMBER: Positive, Kind.SWITCH: Switch}
    return {
        name: (kinds[field.kind] | MISSING, Field(default=MISSING, description=field.meaning))
        for name, field in FIELDS.items()
    }


Model = create_model("Model", __base__=ModelHead, __doc__="A model: tensors, and the rules that say how they start.",
                     **_family_fields())  # fmt: skip


class PlannedRule(Rule):
    """A rule, and how many tensors it takes."""

    tensors: Annotated[Count, Field(examples=[24])]
    """Tensors that it takes."""


class PlannedPart(Document):
    """One of the tensors that lie behind each other in a tensor."""

    name: Annotated[str, Field(examples=["q"])]
    """Name of the part."""
    key: Annotated[str, Field(examples=["attn.in_proj_weight#q"])]
    """What its values are drawn under."""
    size: Annotated[Count, Field(examples=[768])]
    """Its length on the O axis."""
    fan_in: Annotated[Positive | MISSING, Field(examples=[768.0])] = MISSING
    """Weights summed into one output node."""
    fan_out: Annotated[Positive | MISSING, Field(examples=[768.0])] = MISSING
    """Weights fed by one input node."""
    std: Annotated[Positive, Field(examples=[0.02])]
    """Standard deviation of its values."""


class PlannedTensor(Document):
    """One tensor: what is known of it before a number is drawn."""

    name: Annotated[str, Field(examples=["conv1.weight"])]
    """Name of the tensor."""
    key: Annotated[str | MISSING, Field(examples=["conv1.weight"])] = MISSING
    """What its values are drawn under; a part adds # and its name. Left out where nothing is drawn."""
    shape: Shape
    """Lengths of the axes, in the file's order."""
    axes: Annotated[str | MISSING, Field(examples=["OIHW"])] = MISSING
    """A letter for each axis; left out where it is not known: elements are numbered in the file's own order."""
    dtype: Annotated[TensorDType, Field(examples=["float32"])]
    """Number type of the values."""
    scheme: Annotated[str, Field(examples=["he"])]
    """Scheme that was applied: never auto."""
    distribution: Annotated[DistributionName | MISSING, Field(examples=["normal"])] = MISSING
    """Distribution of the values; left out where they are not independent, or not drawn."""
    fan_in: Annotated[Positive | MISSING, Field(examples=[147.0])] = MISSING
    """Weights summed into one output node, of the first part; left out where it is not known."""
    fan_out: Annotated[Positive | MISSING, Field(examples=[3136.0])] = MISSING
    """Weights fed by one input node, of the first part; left out where it is not known."""
    std: Annotated[Positive, Field(examples=[0.11664236870396086])]
    """Standard deviation of the values, of the first part."""
    formula: Annotated[str, Field(examples=["sqrt(2 / fan_in)"])]
    """Formula of the standard deviation; of the values where nothing is drawn."""
    reason: Annotated[str, Field(examples=["auto: he for relu, xavier for every other activation"])]
    """Why this scheme."""
    source: Annotated[str, Field(examples=["He et al. 2015, arXiv:1502.01852, section 2.2, equation 10"])]
    """Where the formula comes from."""
    elements: Annotated[Count, Field(examples=[9408])]
    """Number of values."""
    byte_count: Annotated[Count, Field(examples=[37632])]
    """Size of the values in bytes."""
    parts: Annotated[list[PlannedPart] | MISSING, Field()] = MISSING
    """The parts of a tensor that has them, in the file's order."""
    link: Annotated[str, Field(examples=["/tensor/conv1.weight.bin?activation=relu&seed=42&shape=64,3,7,7&axes=OIHW"])]
    """Permanent URL of the bare values; .npy and .json by the suffix."""


class PlannedModelTensor(PlannedTensor):
    """One tensor of a model."""

    rule: Annotated[Count, Field(examples=[3])]
    """Place in `rules` of the rule that took it."""


class TensorPlanDocument(PlannedTensor):
    """A tensor that describes itself, before a number is drawn."""

    seed: Seed
    """The seed: the one asked for, or the one the service drew."""
    recipe: Recipe
    """Version of the arithmetic from seed to values."""


class ModelLinks(Document):
    """Permanent URLs of the whole model, relative to the service."""

    plan: Annotated[str, Field(examples=["/model/plan?model=q1b..."])]
    """This plan."""
    npy: Annotated[str | MISSING, Field(examples=["/model/weights.npy?model=q1b..."])] = MISSING
    """One 1-D array of all values; left out where dtypes differ or .npy has none."""
    npz: Annotated[str | MISSING, Field(examples=["/model/weights.npz?model=q1b..."])] = MISSING
    """NumPy archive; left out where a tensor is bfloat16."""
    safetensors: Annotated[str, Field(examples=["/model/weights.safetensors?model=q1b..."])]
    """safetensors file."""
    json_: Annotated[str, Field(alias="json", examples=["/model/weights.json?model=q1b..."])]
    """This plan with the values."""


class ModelPlan(Document):
    """A model's tensors, before a number is drawn."""

    fingerprint: Annotated[str, Field(examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"])]
    """SHA-256 of the model's canonical JSON."""
    seed: Seed
    """The seed: the one asked for, or the one the service drew."""
    recipe: Recipe
    """Version of the arithmetic from seed to values."""
    elements: Annotated[Count, Field(examples=[124439808])]
    """Number of values in all tensors."""
    byte_count: Annotated[Count, Field(examples=[497759232])]
    """Size of all values in bytes."""
    links: Annotated[ModelLinks | MISSING, Field()] = MISSING
    """Where to get the whole model; left out where the description is too long for a URL: send it with POST."""
    rules: list[PlannedRule]
    """All rules: the client's, and behind them the family's."""
    tensors: list[PlannedModelTensor]
    """All tensors, in the order of the file."""


@dataclass(frozen=True)
class SeededModel:
    """A model with its seed: all that its URLs, its ETag and its files are made from."""

    resolved: ResolvedModel
    seed: int

    @cached_property
    def canonical(self) -> bytes:
        """The canonical JSON."""
        return canonical_json(self.resolved, self.seed)

    @cached_property
    def fingerprint(self) -> str:
        """The SHA-256 of the canonical JSON, in hexadecimal."""
        return fingerprint(self.canonical)

    @cached_property
    def query(self) -> str | None:
        """The canonical query string; None where it would be too long for a URL."""
        packed = in_url(self.canonical)
        return None if packed is None else f"model={packed}"

    @cached_property
    def plan(self) -> Plan:
        """All tensors of the file."""
        return Plan(tuple(build(tensor.tensor, self.seed) for tensor in self.resolved.tensors))

    @property
    def metadata(self) -> Mapping[str, str]:
        """What safetensors files state of the model itself."""
        stated = self.resolved.model.format
        return {} if stated is None else {"format": stated}


def tensor_plan(tensor: TensorDescription, seed: int, recipe: int, paths: Paths) -> bytes:
    """Return a TensorPlanDocument as JSON."""
    return orjson.dumps({**planned_tensor(tensor, seed, paths), "seed": seed, "recipe": recipe})


def planned_tensor(tensor: TensorDescription, seed: int, paths: Paths) -> dict[str, object]:
    """Return a PlannedTensor."""
    return _Writer(seed, paths).tensor(tensor)


def model_plan(model: SeededModel, paths: Paths) -> bytes:
    """Return a ModelPlan as JSON."""
    tensors = planned_tensors(model, paths)
    return orjson.dumps({**model_head(model, paths), "tensors": list(tensors)})


def model_head(model: SeededModel, paths: Paths) -> dict[str, object]:
    """Return what a ModelPlan says beside its tensors."""
    resolved = model.resolved
    head: dict[str, object] = {
        "fingerprint": model.fingerprint,
        "seed": model.seed,
        "recipe": resolved.model.recipe,
        "elements": sum(prod(tensor.tensor.shape) for tensor in resolved.tensors),
        "byte_count": sum(_byte_count(tensor.tensor) for tensor in resolved.tensors),
    }
    if model.query is not None:
        head["links"] = _links(model, model.query, paths)
    counts = resolved.counts
    head["rules"] = [
        {"match": rule.match, **dict(sorted(rule.said.items())), "tensors": counts.get(number, 0)}
        for number, rule in enumerate(resolved.model.rules)
    ]
    return head


def planned_tensors(model: SeededModel, paths: Paths) -> Iterator[dict[str, object]]:
    """Return each PlannedModelTensor."""
    writer = _Writer(model.seed, paths)
    for tensor in model.resolved.tensors:
        yield {**writer.tensor(tensor.tensor), "rule": tensor.rule}


def _links(model: SeededModel, query: str, paths: Paths) -> dict[str, str]:
    dtypes = {tensor.tensor.initialization.dtype for tensor in model.resolved.tensors}
    has_npz = dtypes <= DESCRIPTIONS.keys()
    left_out = set() if has_npz else {"npz", "npy"}
    if len(dtypes) > 1:
        left_out.add("npy")
    return {name: f"{path}?{query}" for name, path in paths.network.items() if name not in left_out}


class _Writer:
    """Writes tensors of one seed; what is the same for many is made once."""

    def __init__(self, seed: int, paths: Paths) -> None:
        self.seed = seed
        self.path = paths.tensor["bin"]
        self.known: dict[tuple[int, tuple[int, ...]], tuple[TensorDescription, dict[str, object], str]] = {}

    def tensor(self, tensor: TensorDescription) -> dict[str, object]:
        # The description is kept with what was made from it, so that no other start can have its id.
        kind = id(tensor.start), tensor.shape
        if kind not in self.known:
            nameless = tensor._replace(name="", key=None, copy_key=None)
            self.known[kind] = tensor, _said(tensor), query_of_tensor(nameless, self.seed)
        _, said, query = self.known[kind]
        if tensor.key is not None or tensor.copy_key is not None:
            query = query_of_tensor(tensor, self.seed)
        path = self.path.format(tensor=path_of_name(tensor.name))
        planned: dict[str, object] = {"name": tensor.name}
        if tensor.initialization.scheme not in DRAWS_NOTHING:
            key = planned["key"] = tensor.copy_key or tensor.key or tensor.name
            if tensor.start.part_axis is not None:
                planned["parts"] = [_part(part, str(key)) for part in tensor.start.parts]
        planned |= said
        planned["link"] = f"{path}?{query}"
        return planned


def _said(tensor: TensorDescription) -> dict[str, object]:
    """Return what a plan says of a tensor beside its name, key, parts and link."""
    start, said = tensor.start, tensor.initialization
    first, choice = start.parts[0], start.parts[0].choice
    planned: dict[str, object] = {"shape": tensor.shape}
    if start.axes is not None:
        planned["axes"] = start.axes
    planned |= {"dtype": said.dtype, "scheme": choice.scheme}
    if said.scheme not in DRAWS_NOTHING | MATRICES:
        planned["distribution"] = said.spread
    return planned | _fans(first) | {
        "std": choice.std,
        "formula": choice.formula,
        "reason": choice.reason,
        "source": choice.source,
        "elements": prod(tensor.shape),
        "byte_count": _byte_count(tensor),
    }  # fmt: skip


def _byte_count(tensor: TensorDescription) -> int:
    return prod(tensor.shape) * DTYPES[tensor.initialization.dtype].size


def _fans(part: PartStart) -> dict[str, object]:
    fans = {"fan_in": part.fan_in, "fan_out": part.fan_out}
    return {name: float(fan) for name, fan in fans.items() if fan is not None}


def _part(part: PartStart, key: str) -> dict[str, object]:
    return {
        "name": part.name, "key": f"{key}#{part.name}", "size": part.size, **_fans(part), "std": part.choice.std
    }  # fmt: skip
