"""What a client may ask for: one frozen model, and all validation of it."""

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Final, Self

from pydantic import MISSING, BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from service.errors import FieldError, InvalidRequest
from service.numerics.activations import Activation
from service.numerics.distributions import DistributionName
from service.numerics.dtypes import DTYPES, DType
from service.numerics.schemes import SchemeName

RECIPE: Final = 1
LARGEST_SEED: Final = 2**53 - 1  # the largest that every JSON reader keeps exact
LARGEST_WIDTH: Final = 2**31 - 1
MOST_SAMPLES: Final = 1_000_000
LONGEST_VALUE_SHOWN: Final = 80
MOST_ERRORS_SHOWN: Final = 20


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


class InputName(StrEnum):
    """Distribution of a batch's inputs, of mean 0 and variance 1."""

    NORMAL = "normal"
    UNIFORM = "uniform"


class Normalization(StrEnum):
    """Normalization before each activation: none, or batch (gain 1, offset 0, statistics of the batch, ε = 1e-5)."""

    NONE = "none"
    BATCH = "batch"


Width = Annotated[int, Field(strict=True, ge=1, le=LARGEST_WIDTH, json_schema_extra={"format": "int64"})]
Samples = Annotated[int, Field(strict=True, ge=2, le=MOST_SAMPLES, json_schema_extra=_int64(1000))]
Seed = Annotated[int, Field(strict=True, ge=0, le=LARGEST_SEED, json_schema_extra=_int64(42))]


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
    """Node counts from input to output: 784, 256, 10 is two dense layers."""
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
            validate_default=True,
            json_schema_extra={"format": "double", "examples": [0.01]},
        ),
    ] = MISSING
    """Standard deviation of the weights; goes with the scheme fixed, and only with it."""
    seed: Seed | MISSING = MISSING
    """Where all values come from; left out, the service draws one and says which."""
    recipe: Annotated[int, Field(strict=True, ge=1, le=RECIPE, json_schema_extra=_int64(RECIPE))] = RECIPE
    """Version of the arithmetic from seed to values."""

    @field_validator("std", mode="after")
    @classmethod
    def _std_goes_with_fixed(cls, std: float | MISSING, info: ValidationInfo) -> float | MISSING:
        scheme, dtype = info.data.get("scheme"), info.data.get("dtype")
        if scheme is SchemeName.FIXED and std is MISSING:
            raise PydanticCustomError("std_missing", "is required with scheme=fixed: a number from 0 on")
        if scheme not in (SchemeName.FIXED, None) and std is not MISSING:
            raise PydanticCustomError("std_surplus", "goes with scheme=fixed only: the other schemes compute it")
        if dtype is not None and std is not MISSING and std > DTYPES[dtype].largest_std:
            message = "must be at most {largest} for {dtype}, so that no weight overflows"
            context = {"largest": f"{DTYPES[dtype].largest_std:g}", "dtype": str(dtype)}
            raise PydanticCustomError("std_overflow", message, context)
        return std if std is MISSING else std + 0.0  # makes -0.0, which would flip the sign of zeros, 0.0


class Experiment(Network):
    """A network, and the batch that is sent through it to see what its weights do."""

    samples: Samples = 1000
    """Samples in the batch."""
    input: Annotated[InputName, Field(examples=["normal"])] = InputName.NORMAL
    """Distribution of the inputs; all have mean 0 and variance 1."""
    normalization: Annotated[Normalization, Field(examples=["none"])] = Normalization.NONE
    """Normalization before each activation."""

    def network(self) -> Network:
        """Return the network alone."""
        return Network.model_construct(**{name: getattr(self, name) for name in Network.model_fields})


class OwnExperiment(Request):
    """How weights that a client sends are to be read, and the batch that is sent through them."""

    activation: Annotated[Activation, Field(examples=["tanh"])]
    """Activation function of every layer."""
    output_activation: Annotated[Activation | MISSING, Field(examples=["sigmoid"])] = MISSING
    """Activation function of the last layer, where it differs from `activation`."""
    layout: Annotated[Layout, Field(examples=["out_in"])] = Layout.IN_OUT
    """Order of the axes of a weight tensor in the file."""
    seed: Seed | MISSING = MISSING
    """Where the inputs and the gradient at the output come from; left out, the service draws one."""
    samples: Samples = 1000
    """Samples in the batch; the file's own number where it holds inputs."""
    input: Annotated[InputName, Field(examples=["normal"])] = InputName.NORMAL
    """Distribution of the inputs, where the file holds none."""
    normalization: Annotated[Normalization, Field(examples=["none"])] = Normalization.NONE
    """Normalization before each activation."""


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
        "float_type": "must be a number such as 0.01 or 1e-3",
        "missing": "is required",
        "extra_forbidden": f"is unknown; known are {', '.join(model.model_fields)}",
        "string_unicode": "must be Unicode text",
        "too_short": "must name at least an input and an output: two sizes",
    }
    message = messages.get(detail["type"], detail["msg"].replace("Input should be", "must be"))
    path = ".".join(shortened(step) for step in detail["loc"])
    value = "" if detail["type"] in ("missing", "std_missing") else shortened(detail["input"])
    return FieldError(path, message, value)


def shortened(value: object) -> str:
    """Return a value as text that is short enough for an error message."""
    try:
        text = value if isinstance(value, str) else json.dumps(value, default=str)
    except RecursionError:
        text = "a deeply nested value"
    # JSON can hold half of a surrogate pair, which cannot be sent back.
    text = text.encode(errors="backslashreplace").decode()
    return text if len(text) <= LONGEST_VALUE_SHOWN else f"{text[:LONGEST_VALUE_SHOWN]}…"
