"""What a network shows while it learns, as plain data. None stands for a figure that does not exist."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from service.describe.learning import LearningRequest, OwnLearningRequest, Sizes
from service.describe.network import Network
from service.diagnosis.messages import Message

OutcomeCode = Literal["learned", "slow", "stuck", "diverged"]


@dataclass(frozen=True, slots=True)
class LayerPoint:
    """One layer at one step, of the batch that this step is made from."""

    name: str
    gradient_std: float | None  # of the gradient of the mean loss, at the weights
    activation_std: float | None
    update_ratio: float | None  # rms of the change of the weights in this step, by that of the weights


@dataclass(frozen=True, slots=True)
class Point:
    """A network after some steps."""

    step: int  # steps made so far
    training_loss: float | None  # mean over all training samples
    training_accuracy: float  # share of them
    test_accuracy: float
    layers: tuple[LayerPoint, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it, and why."""

    code: OutcomeCode
    steps_to_90: int | None  # the first point with a test accuracy of at least 90 %
    best_test_accuracy: float
    verdict: str  # of the diagnosis of the same start
    verdict_layer: str  # the first that has it
    what: Message
    why: Message
    relation: Message  # how the two are joined


@dataclass(frozen=True, slots=True)
class Course:
    """A whole training."""

    asked: LearningRequest | OwnLearningRequest
    network: Network | None  # with its seed; None for uploaded weights
    seed: int
    parameters: int
    sizes: Sizes  # of the data
    points: Sequence[Point]
    outcome: Outcome
