"""What a client may ask for: one frozen model, and all validation of it."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from math import isfinite
from typing import Annotated, Any, Final, NoReturn, Self

from pydantic import (
    MISSING,
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails

from service.describe.effects import without_effect, without_other
from service.describe.fields import MOST_SLOPE
from service.describe.fields import cut as read_cut
from service.describe.layer_names import PATTERN, USUAL, layer_names
from service.errors import FieldError, InvalidRequest, shortened
from service.initializers.schemes import FanName, SchemeName
from service.numerics.activations import LEAK, Activation
from service.numerics.dtypes import DTYPES, DType
from service.numerics.recipe.distributions import CUT_AT_TWO, CUT_STDS, CutStd, DistributionName

RECIPE: Final = 1
LARGEST_SEED: Final = 2**53 - 1  # the largest that every JSON reader keeps exact
LARGEST_WIDTH: Final = 2**31 - 1
FEWEST_SAMPLES: Final = 2  # of one there is no spread
MOST_SAMPLES: Final = 1_000_000
MOST_ERRORS_SHOWN: Final = 20
FINITE: Final = "must be a finite number such as 0.01 or 1e-3"


class Layout(StrEnum):
    """Order of a weight's axes: in_out for NumPy, JAX and Keras, out_in for PyTorch and ONNX."""

    IN_OUT = "in_out"
    OUT_IN = "out_in"


class Bias(StrEnum):
    """Whether each layer has a bias tensor, all zeros, or none."""

    ZEROS = "zeros"
    NONE = "none"


def _int64(example: int) -> dict[str, Any]:
    return {"format": "int64", "examples": [example]}


def _without_sign(number: float) -> float:
    return number + 0.0  # makes -0.0 0.0


def _double(example: float) -> dict[str, Any]:
    return {"format": "double", "examples": [example]}


# Not as an enum: generators cannot make one of numbers.
CUTS: Final[dict[str, Any]] = {**_double(CUT_AT_TWO.at), "minimum": min(CUT_STDS), "maximum": max(CUT_STDS)}


class InputName(StrEnum):
    """Distribution of a batch's inputs, of mean 0 and variance 1."""

    NORMAL = "normal"
    UNIFORM = "uniform"


class Normalization(StrEnum):
    """Normalization before each activation: none, or batch (gain 1, offset 0, statistics of the batch, ε = 1e-5)."""

    NONE = "none"
    BATCH = "batch"


class LossName(StrEnum):
    """Where the gradient at the output comes from: noise of N(0, 1), or the cross-entropy of softmax and labels."""

    NOISE = "noise"
    SOFTMAX = "softmax"


class ReportName(StrEnum):
    """How much a report says: full, or a summary of one line a layer, whose nodes are compared by 256 at most."""

    FULL = "full"
    SUMMARY = "summary"


class Language(StrEnum):
    """Language of the sentences in a report: English or Japanese."""

    EN = "en"
    JA = "ja"


Width = Annotated[int, Field(strict=True, ge=1, le=LARGEST_WIDTH, json_schema_extra={"format": "int64"})]
Samples = Annotated[int, Field(strict=True, ge=FEWEST_SAMPLES, le=MOST_SAMPLES, json_schema_extra=_int64(1000))]
Seed = Annotated[int, Field(strict=True, ge=0, le=LARGEST_SEED, json_schema_extra=_int64(42))]
JacobianSamples = Annotated[int, Field(strict=True, ge=0, le=4, json_schema_extra=_int64(1))]
Slope = Annotated[
    float, Field(strict=True, ge=0, le=MOST_SLOPE, json_schema_extra=_double(LEAK)), AfterValidator(_without_sign)
]
Alpha = Annotated[
    float, Field(strict=True, ge=0, le=MOST_SLOPE, json_schema_extra=_double(1.0)), AfterValidator(_without_sign)
]
Recipe = Annotated[int, Field(strict=True, ge=1, le=RECIPE, json_schema_extra=_int64(RECIPE))]


class Request(BaseModel):
    """Base of all that a client may ask for."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Self:
        """Return the request that these fields describe, or raise InvalidRequest."""
        try:
            return cls.model_validate(fields)
        except ValidationError as error:
            raise InvalidRequest(field_errors(error, cls)) from None


class Network(Request):
    """A network of dense layers and how its weights are to be drawn."""

    layers: Annotated[tuple[Width, ...], Field(min_length=2, examples=[[784, 256, 10]])]
    """Node counts from input to output: 784,256,10 is two dense layers."""
    activation: Annotated[Activation, Field(examples=["relu"])]
    """Activation function of every layer; decides the scheme auto."""
    output_activation: Annotated[Activation | MISSING, Field(examples=["sigmoid"])] = MISSING
    """Activation function of the last layer, where it differs from `activation`."""
    scheme: Annotated[SchemeName, Field(examples=["auto"])] = SchemeName.AUTO
    """How the standard deviation of the weights is chosen."""
    distribution: Annotated[DistributionName, Field(examples=["normal"])] = DistributionName.NORMAL
    """Distribution of the weights; all have the same standard deviation."""
    dtype: Annotated[DType, Field(examples=["float32"])] = DType.FLOAT32
    """Number type of the values; it only rounds."""
    layout: Annotated[Layout, Field(examples=["in_out"])] = Layout.IN_OUT
    """Order of the axes of a weight tensor."""
    bias: Annotated[Bias, Field(examples=["zeros"])] = Bias.ZEROS
    """Bias tensors: zeros, or none at all."""
    std: Annotated[
        float | MISSING,
        Field(
            strict=True,
            ge=0,
            le=max(number.largest_std for number in DTYPES.values()),
            allow_inf_nan=False,
            json_schema_extra={"format": "double", "examples": [0.01]},
        ),
    ] = MISSING
    """Standard deviation of the weights; goes with the scheme fixed, and only with it."""
    gain: Annotated[
        float,
        Field(strict=True, ge=0, allow_inf_nan=False, json_schema_extra={"format": "double", "examples": [1.0]}),
    ] = 1.0
    """Factor of the standard deviation; of the values themselves for orthogonal and identity."""
    cut: Annotated[float, Field(strict=True, json_schema_extra=CUTS)] = CUT_AT_TWO.at
    """Where truncated_normal is cut, in standard deviations before the cut: 0.5, 1, 1.5, 2, 2.5, 3, 4, 5 or 6."""
    cut_std: Annotated[CutStd, Field(examples=["after"])] = CUT_AT_TWO.std
    """Which standard deviation of truncated_normal the scheme means: that after the cut, or that before it."""
    fan: Annotated[FanName, Field(examples=["in"])] = FanName.IN
    """Which connections xavier, he, lecun and variance_preserving count: in, out, or a mean of both."""
    slope: Slope = LEAK
    """Slope of leaky_relu below zero; goes with leaky_relu."""
    alpha: Alpha = 1.0
    """alpha of elu; goes with elu."""
    names: Annotated[str | MISSING, Field(json_schema_extra={"pattern": PATTERN, "examples": ["net.$n"]})] = MISSING
    """Names of the layers in files and paths: 0,2,4 as in nn.Sequential, or a template in which $n is the number of the
    layer from 0 on. Left out: layers.$n. The values are those of the usual names."""
    seed: Seed | MISSING = MISSING
    """Where all values come from; left out, the service draws one and says which."""
    recipe: Recipe = RECIPE
    """Version of the arithmetic from seed to values."""

    @property
    def layer_names(self) -> tuple[str, ...]:
        """The name of each layer in files and paths."""
        return layer_names(USUAL if self.names is MISSING else self.names, len(self.layers) - 1)

    @field_validator("std", mode="after")
    @classmethod
    def _std_has_no_sign(cls, std: float | MISSING) -> float | MISSING:
        return std if std is MISSING else _without_sign(std)  # which would flip the sign of zeros

    @field_validator("cut", mode="after")
    @classmethod
    def _cut_is_one_of_the_recipe(cls, cut: float) -> float:
        try:
            return read_cut(cut)
        except ValueError as error:
            raise InvalidRequest((FieldError("cut", str(error), shortened(cut)),)) from None

    @field_validator("gain", mode="after")
    @classmethod
    def _gain_has_no_sign(cls, gain: float) -> float:
        return _without_sign(gain)

    @field_validator("names", mode="after")
    @classmethod
    def _usual_names_are_left_out(cls, names: str | MISSING) -> str | MISSING:
        return MISSING if names == USUAL else names

    @model_validator(mode="after")
    def _each_layer_has_a_name(self) -> Self:
        if self.names is not MISSING:
            layer_names(self.names, len(self.layers) - 1)
        return self

    @model_validator(mode="after")
    def _each_field_has_an_effect(self) -> Self:
        others = {self.distribution, self.activation, self.output_activation}
        errors = (
            *without_effect(self.scheme, _said(self, OF_SOME_SCHEMES), others),
            *without_other(_said(self, OF_ACTIVATIONS), others),
        )
        if errors:
            raise InvalidRequest(errors)
        return self

    @model_validator(mode="after")
    def _std_goes_with_fixed(self) -> Self:
        if self.scheme is SchemeName.FIXED and self.std is MISSING:
            _refuse_std("is required with scheme=fixed: a number from 0 on")
        if self.scheme is not SchemeName.FIXED and self.std is not MISSING:
            _refuse_std("goes with scheme=fixed only: the other schemes compute it", self.std)
        largest = DTYPES[self.dtype].largest_std
        if self.std is not MISSING and self.std > largest:
            _refuse_std(f"must be at most {largest:g} for {self.dtype}, so that no weight overflows", self.std)
        return self


# Fields that say something under some schemes only, and those that a forward pass takes whatever the scheme.
OF_SOME_SCHEMES: Final = ("distribution", "gain", "cut", "cut_std", "fan")
OF_ACTIVATIONS: Final = ("slope", "alpha")


def _said(asked: Request, fields: Iterable[str]) -> dict[str, Any]:
    """Return those of the fields that are not at their defaults."""
    values = {name: getattr(asked, name) for name in fields}
    return {name: value for name, value in values.items() if value != type(asked).model_fields[name].default}


class RunNetwork(Network):
    """A network that is not only drawn: something is sent through it."""

    def network(self) -> Network:
        """Return the network alone."""
        return Network.model_construct(**{name: getattr(self, name) for name in Network.model_fields})


class DiagnosisRequest(RunNetwork):
    """A network, and the batch that is sent through it to see what its weights do."""

    samples: Samples = 1000
    """Samples in the batch."""
    input: Annotated[InputName, Field(examples=["normal"])] = InputName.NORMAL
    """Distribution of the inputs; all have mean 0 and variance 1."""
    normalization: Annotated[Normalization, Field(examples=["none"])] = Normalization.NONE
    """Normalization before each activation."""
    jacobian: JacobianSamples = 0
    """Samples whose Jacobian's singular values are computed, in float64."""
    loss: Annotated[LossName, Field(examples=["noise"])] = LossName.NOISE
    """Where the gradient at the output comes from."""
    report: Annotated[ReportName, Field(examples=["full"])] = ReportName.FULL
    """How much the report says."""
    language: Annotated[Language, Field(examples=["en"])] = Language.EN
    """Language of the sentences in the report."""


class OwnNetwork(Request):
    """How weights that a client sends are to be read."""

    activation: Annotated[Activation, Field(examples=["tanh"])]
    """Activation function of every layer."""
    output_activation: Annotated[Activation | MISSING, Field(examples=["sigmoid"])] = MISSING
    """Activation function of the last layer, where it differs from `activation`."""
    slope: Slope = LEAK
    """Slope of leaky_relu below zero; goes with leaky_relu."""
    alpha: Alpha = 1.0
    """alpha of elu; goes with elu."""
    layout: Annotated[Layout, Field(examples=["out_in"])] = Layout.IN_OUT
    """Order of the axes of a weight tensor in the file."""

    @model_validator(mode="after")
    def _each_field_has_an_effect(self) -> Self:
        errors = tuple(without_other(_said(self, OF_ACTIVATIONS), {self.activation, self.output_activation}))
        if errors:
            raise InvalidRequest(errors)
        return self


class OwnWeightsRequest(OwnNetwork):
    """How weights that a client sends are to be read, and the batch that is sent through them."""

    seed: Seed | MISSING = MISSING
    """Where the inputs and the gradient at the output come from; left out, the service draws one."""
    samples: Samples = 1000
    """Samples in the batch; the file's own number where it holds inputs."""
    input: Annotated[InputName, Field(examples=["normal"])] = InputName.NORMAL
    """Distribution of the inputs, where the file holds none."""
    normalization: Annotated[Normalization, Field(examples=["none"])] = Normalization.NONE
    """Normalization before each activation."""
    jacobian: JacobianSamples = 0
    """Samples whose Jacobian's singular values are computed, in float64."""
    loss: Annotated[LossName, Field(examples=["noise"])] = LossName.NOISE
    """Where the gradient at the output comes from."""
    report: Annotated[ReportName, Field(examples=["full"])] = ReportName.FULL
    """How much the report says."""
    language: Annotated[Language, Field(examples=["en"])] = Language.EN
    """Language of the sentences in the report."""


def _refuse_std(message: str, value: object = "") -> NoReturn:
    raise InvalidRequest((FieldError("std", message, shortened(value)),))


def field_errors(error: ValidationError, model: type[BaseModel]) -> tuple[FieldError, ...]:
    """Return what pydantic found wrong, without what is said of a list because of its items."""
    details = error.errors(include_url=False)
    parents = {detail["loc"][:-1] for detail in details} - {()}
    leaves = [detail for detail in details if detail["loc"] not in parents]
    return tuple(_field_error(detail, model) for detail in leaves[:MOST_ERRORS_SHOWN])


def _field_error(detail: ErrorDetails, model: type[BaseModel]) -> FieldError:
    """Return what pydantic found wrong with one field, as the client sees it."""
    messages = {
        "int_type": "must be an integer: digits only, without a leading zero",
        "float_type": FINITE,
        "missing": "is required",
        "extra_forbidden": f"is unknown; known are {', '.join(model.model_fields)}",
        "string_unicode": "must be Unicode text",
        "too_short": "must name at least an input and an output: two sizes",
    }
    message = messages.get(detail["type"], detail["msg"].replace("Input should be", "must be"))
    if isinstance(detail["input"], float) and not isfinite(detail["input"]) and detail["type"] != "int_type":
        message = FINITE  # and not that it is beyond a bound
    path = ".".join(shortened(step) for step in detail["loc"])
    value = "" if detail["type"] == "missing" else shortened(detail["input"])
    return FieldError(path, message, value)
