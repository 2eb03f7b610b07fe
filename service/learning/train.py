"""The training itself: step after step, with a point of the curves now and then."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from service.dense.passes import always_wanted
from service.describe.learning import LearningRequest, OwnLearningRequest, clip_of
from service.diagnosis.layer_figures import mean_and_std
from service.diagnosis.report import existing
from service.learning.curves import LayerPoint, Point
from service.learning.network import Network
from service.learning.optimizers import OPTIMIZERS, clip
from service.learning.parameters import StartLayer
from service.learning.samples import Samples, Task, batches
from service.numerics.activations import FloatArray

# About so many points show a curve.
POINTS: Final = 40


@dataclass(frozen=True, slots=True)
class Training:
    """A network, and what changes it."""

    asked: LearningRequest | OwnLearningRequest
    network: Network
    task: Task
    seed: int

    def points(self, check_wanted: Callable[[], None] = always_wanted) -> Iterator[Point]:
        """Train, and yield a point at the start, then after every so many steps, and at the end.

        It ends where the loss is no number any more. `check_wanted` is called at each step, and may raise.
        """
        stepping = Stepping(self.asked, self.network)
        order = batches(len(self.task.training), self.asked.batch, self.seed)
        between = steps_between(self.asked.steps)
        for step in range(self.asked.steps + 1):
            check_wanted()
            batch = self.task.training.at(next(order))
            if step % between and step < self.asked.steps:
                stepping.step(batch)
                continue
            point = self._point(step, batch, stepping)
            yield point
            if point.training_loss is None:
                return

    def _point(self, step: int, batch: Samples, stepping: "Stepping") -> Point:
        # What is no number is a result.
        with np.errstate(all="ignore"):
            training = self.network.evaluate(self.task.training)
            test = self.network.evaluate(self.task.test)
        layers = stepping.measured_step(batch)
        return Point(step, existing(training.loss), training.accuracy, test.accuracy, layers)


class Stepping:
    """Makes steps of one network."""

    def __init__(self, asked: LearningRequest | OwnLearningRequest, network: Network) -> None:
        """Choose the optimizer."""
        self._asked = asked
        self._network = network
        self._largest_norm = clip_of(asked)
        self._optimizer = OPTIMIZERS[asked.optimizer](asked.learning_rate)

    def step(self, batch: Samples) -> None:
        """Make one step."""
        with np.errstate(all="ignore"):
            self._network.learn_from(batch)
            self._move()

    def measured_step(self, batch: Samples) -> tuple[LayerPoint, ...]:
        """Make one step, and return what it looked like in each layer."""
        network = self._network
        with np.errstate(all="ignore"):
            network.learn_from(batch)
            gradient_stds = [mean_and_std(values.weight)[1] for values in network.gradients.layers]
            activation_stds = [mean_and_std(workspace.activation)[1] for workspace in network.workspaces]
            before = [values.weight.copy() for values in network.parameters.layers]
            self._move()
            ratios = [
                _update_ratio(old, values.weight) for old, values in zip(before, network.parameters.layers, strict=True)
            ]
        return tuple(
            LayerPoint(layer.name, existing(gradient_std), existing(activation_std), ratio)
            for layer, gradient_std, activation_std, ratio in zip(
                network.layers, gradient_stds, activation_stds, ratios, strict=True
            )
        )

    def _move(self) -> None:
        """Change the parameters by what their gradients say, which are overwritten."""
        parameters, gradient = self._network.parameters.flat, self._network.gradients.flat
        if self._largest_norm is not None:
            clip(gradient, self._largest_norm)
        if self._asked.weight_decay:
            gradient += self._asked.weight_decay * parameters
        self._optimizer.step(parameters, gradient)


def steps_between(steps: int) -> int:
    """Return how many steps lie between two points."""
    return math.ceil(steps / POINTS)


def training_of(
    asked: LearningRequest | OwnLearningRequest,
    layers: Sequence[StartLayer],
    task: Task,
    seed: int,
    dtype: npt.DTypeLike = np.float32,
) -> Training:
    """Return the training of these layers, with copies of their values."""
    typed = Task(*(Samples(part.inputs.astype(dtype), part.labels) for part in (task.training, task.test)))
    return Training(asked, Network(layers, asked.batch, dtype), typed, seed)


def _update_ratio(before: FloatArray, after: FloatArray) -> float | None:
    size = math.sqrt(float(np.square(before, dtype=np.float64).sum()))
    change = math.sqrt(float(np.square(after - before, dtype=np.float64).sum()))
    return existing(change / size) if size > 0 else None
