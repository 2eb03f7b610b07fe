"""What a client may ask for about learning: a start, the data that it learns from, and how."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Any, Final, Self

from pydantic import MISSING, Field, model_validator

from service.describe.network import Language, Normalization, OwnNetwork, RunNetwork, Seed
from service.errors import FieldError, InvalidRequest, shortened
from service.numerics.activations import Activation

MOST_STEPS: Final = 100_000
LARGEST_RATE: Final = 1000.0
# One sample has no spread that a batch normalization could divide by.
FEWEST_NORMALIZED: Final = 2


class DataName(StrEnum):
    """What is learned: digits (64 inputs, 10 classes), spiral (2 inputs, 3 classes), circles (2 inputs, 2 classes)."""

    DIGITS = "digits"
    SPIRAL = "spiral"
    CIRCLES = "circles"


class OptimizerName(StrEnum):
    """How a gradient moves the parameters, with PyTorch's formulas and defaults; momentum is sgd with momentum 0.9."""

    SGD = "sgd"
    MOMENTUM = "momentum"
    ADAM = "adam"


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many inputs, classes and samples a set of data has."""

    inputs: int
    classes: int
    training: int  # samples
    test: int  # samples


SIZES: Final[Mapping[DataName, Sizes]] = MappingProxyType(
    {
        DataName.DIGITS: Sizes(64, 10, 1437, 360),
        DataName.SPIRAL: Sizes(2, 3, 1440, 360),
        DataName.CIRCLES: Sizes(2, 2, 1440, 360),
    }
)
MOST_TRAINING: Final = max(sizes.training for sizes in SIZES.values())


def _int64(example: int) -> dict[str, Any]:
    return {"format": "int64", "examples": [example]}


def _double(example: float) -> dict[str, Any]:
    return {"format": "double", "examples": [example]}


Rate = Annotated[float, Field(strict=True, gt=0, le=LARGEST_RATE, json_schema_extra=_double(0.01))]
Steps = Annotated[int, Field(strict=True, ge=1, le=MOST_STEPS, json_schema_extra=_int64(2000))]
BatchSize = Annotated[int, Field(strict=True, ge=1, le=MOST_TRAINING, json_schema_extra=_int64(100))]
Decay = Annotated[float, Field(strict=True, ge=0, le=LARGEST_RATE, json_schema_extra=_double(0.0001))]
Clip = Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False, json_schema_extra=_double(1.0))]


class LearningRequest(RunNetwork):
    """A network, and how it is to learn from its start."""

    output_activation: Annotated[Activation | MISSING, Field(examples=["identity"])] = Activation.IDENTITY
    """Activation function of the last layer, which a softmax follows."""
    data: Annotated[DataName, Field(examples=["digits"])] = DataName.DIGITS
    """What is learned; layers begin with its inputs and end with its classes."""
    optimizer: Annotated[OptimizerName, Field(examples=["sgd"])] = OptimizerName.SGD
    """How a gradient moves the parameters."""
    learning_rate: Rate = 0.01
    """Factor of each step."""
    steps: Steps = 2000
    """Steps of the optimizer."""
    batch: BatchSize = 100
    """Samples in the batch of one step."""
    normalization: Annotated[Normalization, Field(examples=["none"])] = Normalization.NONE
    """Normalization before the activation of each layer but the last; its gain and offset learn too."""
    weight_decay: Decay = 0.0
    """Times each parameter, added to its gradient."""
    clip: Clip | MISSING = MISSING
    """Largest norm of all gradients together; left out, they are not clipped."""
    language: Annotated[Language, Field(examples=["en"])] = Language.EN
    """Language of the outcome's sentence."""

    @model_validator(mode="after")
    def _fits_the_data(self) -> Self:
        check_fits(self, self.layers)
        return self


class OwnLearningRequest(OwnNetwork):
    """How weights that a client sends are to be read, and how they are to learn."""

    activation: Annotated[Activation, Field(examples=["tanh"])]
    """Activation function of every layer but the last."""
    output_activation: Annotated[Activation | MISSING, Field(examples=["identity"])] = Activation.IDENTITY
    """Activation function of the last layer, which a softmax follows."""
    seed: Seed | MISSING = MISSING
    """Where the split of the data and the order of the batches come from; left out, the service draws one."""
    data: Annotated[DataName, Field(examples=["digits"])] = DataName.DIGITS
    """What is learned; the first layer takes its inputs and the last gives its classes."""
    optimizer: Annotated[OptimizerName, Field(examples=["sgd"])] = OptimizerName.SGD
    """How a gradient moves the parameters."""
    learning_rate: Rate = 0.01
    """Factor of each step."""
    steps: Steps = 2000
    """Steps of the optimizer."""
    batch: BatchSize = 100
    """Samples in the batch of one step."""
    normalization: Annotated[Normalization, Field(examples=["none"])] = Normalization.NONE
    """Normalization before the activation of each layer but the last; its gain and offset learn too."""
    weight_decay: Decay = 0.0
    """Times each parameter, added to its gradient."""
    clip: Clip | MISSING = MISSING
    """Largest norm of all gradients together; left out, they are not clipped."""
    language: Annotated[Language, Field(examples=["en"])] = Language.EN
    """Language of the outcome's sentence."""


def clip_of(asked: LearningRequest | OwnLearningRequest) -> float | None:
    """Return the largest norm of all gradients together; None where they are not clipped."""
    return None if asked.clip is MISSING else asked.clip


def check_fits(asked: LearningRequest | OwnLearningRequest, widths: Sequence[int]) -> None:
    """Raise InvalidRequest unless layers of these widths, inputs first, and the batch fit the data."""
    sizes, last = SIZES[asked.data], len(widths) - 1
    fewest = FEWEST_NORMALIZED if asked.normalization is Normalization.BATCH else 1
    errors = []
    if widths[0] != sizes.inputs:
        errors.append(FieldError("layers.0", f"must be {sizes.inputs}: the inputs of {asked.data}", str(widths[0])))
    if widths[last] != sizes.classes:
        message = f"must be {sizes.classes}: one node for each class of {asked.data}"
        errors.append(FieldError(f"layers.{last}", message, str(widths[last])))
    if not fewest <= asked.batch <= sizes.training:
        why = " with batch normalization" if asked.batch < fewest else f", the training samples of {asked.data}"
        message = f"must be from {fewest} to {sizes.training}{why}"
        errors.append(FieldError("batch", message, shortened(asked.batch)))
    if errors:
        raise InvalidRequest(tuple(errors))
