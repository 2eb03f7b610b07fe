"""From a gradient to a step: PyTorch's formulas and defaults, with the arrays that each of them keeps."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Protocol

import numpy as np

from service.describe.learning import OptimizerName
from service.numerics.activations import FloatArray

MOMENTUM: Final = 0.9
# Kingma and Ba 2015, arXiv:1412.6980, algorithm 1; PyTorch's defaults.
FIRST_DECAY, SECOND_DECAY, ADAM_EPSILON = 0.9, 0.999, 1e-8
# torch.nn.utils.clip_grad_norm_ adds it to the norm.
CLIP_EPSILON: Final = 1e-6


class Optimizer(Protocol):
    """What moves parameters."""

    def step(self, parameters: FloatArray, gradient: FloatArray) -> None:
        """Change the parameters by one step, in place; the gradient is overwritten."""


@dataclass(slots=True)
class Sgd:
    """Stochastic gradient descent: torch.optim.SGD."""

    rate: float

    def step(self, parameters: FloatArray, gradient: FloatArray) -> None:
        """Step against the gradient."""
        gradient *= self.rate
        parameters -= gradient


class Momentum:
    """torch.optim.SGD with momentum 0.9, without dampening and not Nesterov's."""

    def __init__(self, rate: float) -> None:
        """Start at rest."""
        self._rate = rate
        self._velocity: FloatArray | None = None

    def step(self, parameters: FloatArray, gradient: FloatArray) -> None:
        """Add the gradient to the velocity, and step against that."""
        if self._velocity is None:
            self._velocity = np.zeros_like(gradient)
        self._velocity *= MOMENTUM
        self._velocity += gradient
        np.multiply(self._velocity, self._rate, out=gradient)
        parameters -= gradient


class Adam:
    """torch.optim.Adam."""

    def __init__(self, rate: float) -> None:
        """Know nothing of gradients yet."""
        self._rate = rate
        self._steps = 0
        self._means: tuple[FloatArray, FloatArray] | None = None  # of the gradient, and of its square
        self._scratch: FloatArray | None = None

    def step(self, parameters: FloatArray, gradient: FloatArray) -> None:
        """Step by the mean gradient, divided by the root of its mean square."""
        if self._means is None or self._scratch is None:
            self._means = np.zeros_like(gradient), np.zeros_like(gradient)
            self._scratch = np.empty_like(gradient)
        mean, mean_square = self._means
        scratch = self._scratch
        self._steps += 1
        np.multiply(gradient, 1 - FIRST_DECAY, out=scratch)
        mean *= FIRST_DECAY
        mean += scratch
        gradient *= gradient
        gradient *= 1 - SECOND_DECAY
        mean_square *= SECOND_DECAY
        mean_square += gradient
        np.sqrt(mean_square, out=gradient)
        gradient *= 1 / math.sqrt(1 - SECOND_DECAY**self._steps)
        gradient += ADAM_EPSILON
        np.divide(mean, gradient, out=gradient)
        gradient *= self._rate / (1 - FIRST_DECAY**self._steps)
        parameters -= gradient


OPTIMIZERS: Final[Mapping[OptimizerName, Callable[[float], Optimizer]]] = MappingProxyType(
    {OptimizerName.SGD: Sgd, OptimizerName.MOMENTUM: Momentum, OptimizerName.ADAM: Adam}
)
# Arrays of the parameters' size that each of them keeps.
KEPT_ARRAYS: Final[Mapping[OptimizerName, int]] = MappingProxyType(
    {OptimizerName.SGD: 0, OptimizerName.MOMENTUM: 1, OptimizerName.ADAM: 3}
)


def clip(gradient: FloatArray, largest: float) -> None:
    """Scale a gradient down, in place, to a norm of at most `largest`: torch.nn.utils.clip_grad_norm_."""
    factor = largest / (float(np.sqrt(np.vdot(gradient, gradient))) + CLIP_EPSILON)
    if not factor >= 1:  # also where the norm is not a number
        gradient *= factor
