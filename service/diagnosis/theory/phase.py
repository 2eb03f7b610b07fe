"""Where a network stands: ordered, critical or chaotic (Schoenholz et al. 2017, arXiv:1611.01232; docs/theory.md)."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Literal

import numpy as np

from service.diagnosis.report import Phase
from service.diagnosis.theory.gaussian import moments
from service.diagnosis.theory.mean_field import LayerSetup
from service.numerics.activations import Function

# The std of drawn weights is off by some tenths of a per cent, and so is χ₁: no sharper line can be drawn.
NEAR_ONE = 0.02
SMALLEST, LARGEST = 1e-12, 1e12  # of q: beyond them it is 0 or grows for ever
STEPS = 60  # of a search by halves


def phases(layers: Sequence[LayerSetup], *, normalized: bool) -> list[Phase]:
    """Return one phase for each activation that another layer follows, in order of appearance."""
    following: dict[Function, list[LayerSetup]] = {}
    for before, layer in pairwise(layers):
        following.setdefault(before.activation, []).append(layer)
    found = (_phase(activation, after, normalized=normalized) for activation, after in following.items())
    return [phase for phase in found if phase is not None]


def _phase(activation: Function, after: Sequence[LayerSetup], *, normalized: bool) -> Phase | None:
    """Return the phase of endless layers like those after this activation; None where weights are 0 or not finite."""
    gains = [layer.gain for layer in after]
    if not all(0 < gain < math.inf for gain in gains):
        return None
    gain = math.exp(sum(map(math.log, gains)) / len(gains))
    if normalized:
        at_one = moments(activation, np.ones(1))
        return _of(activation, float(at_one.slope_square[0] / at_one.variance[0]), 1.0)
    bias = sum(layer.bias_rms**2 for layer in after) / len(after)
    fixed_point = _fixed_point(lambda q: gain * float(moments(activation, np.array([q])).square[0]) + bias)
    at_fixed_point = moments(activation, np.array([min(max(fixed_point, SMALLEST), LARGEST)]))
    return _of(activation, gain * float(at_fixed_point.slope_square[0]), fixed_point)


def _of(activation: Function, chi: float, fixed_point: float) -> Phase:
    word: Literal["ordered", "critical", "chaotic"] = (
        "critical" if abs(chi - 1) <= NEAR_ONE else "ordered" if chi < 1 else "chaotic"
    )
    scale = 1 / abs(math.log(chi)) if chi > 0 and chi != 1 else None
    return Phase(activation, chi, fixed_point if fixed_point < math.inf else None, scale, word)


def _fixed_point(following: Callable[[float], float]) -> float:
    """Return the q that a network of unit inputs comes to: 0, infinity, or where `following` (q) is q."""

    def growth(q: float) -> float:
        return following(q) / q - 1

    # Of relu and what else is homogeneous, every q is one or none is.
    if all(abs(growth(q)) <= NEAR_ONE for q in (0.01, 1.0, 100.0)):
        return 1.0
    is_growing = growth(1.0) > 0
    low, high = (1.0, LARGEST) if is_growing else (SMALLEST, 1.0)
    if is_growing and growth(LARGEST) > 0:
        return math.inf
    if not is_growing and growth(SMALLEST) <= 0:
        return 0.0
    for _ in range(STEPS):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if growth(middle) > 0 else (low, middle)
    return math.sqrt(low * high)
