"""Figures of a report as the picture needs them: a number, or None where a figure does not exist."""

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from itertools import groupby

import numpy as np
from pydantic import MISSING

from service.diagnosis.layer_figures import SATURATED_SLOPE
from service.diagnosis.report import LayerReport
from service.numerics.activations import FUNCTIONS, Activation

Series = list[float | None]

# Pre-activations among which the ends of saturation are looked for: all bounded functions saturate within.
GRID = np.linspace(-20, 20, 40_001)


def known(figure: float | MISSING) -> float | None:
    """Return a figure if it exists."""
    return None if figure is MISSING else float(figure)


def series(layers: Sequence[LayerReport], figure: Callable[[LayerReport], float | MISSING]) -> Series:
    """Return one figure of every layer."""
    return [known(figure(layer)) for layer in layers]


def runs(numbers: Iterable[int]) -> list[list[int]]:
    """Return ascending numbers as runs without a gap."""
    return [[number for _, number in run] for _, run in groupby(enumerate(numbers), lambda pair: pair[1] - pair[0])]


def expected_gradients(layers: Sequence[LayerReport]) -> Series:
    """Return the std of the gradients that theory expects, from that of the last layer."""
    last = known(layers[-1].gradient.std)
    ratios = series(layers, lambda layer: layer.theory.gradient_ratio)
    return [None if ratio is None or last is None else ratio * last for ratio in ratios]


@cache
def bounds(activation: Activation) -> tuple[float, float] | None:
    """Return the smallest and the largest value of an activation; None for unbounded ones."""
    function = FUNCTIONS[activation]
    if function.largest_slope is None:
        return None
    low, high = function.value(np.array([-np.inf, np.inf]))
    return float(low), float(high)


@cache
def saturation(activation: Activation) -> tuple[float, ...]:
    """Return the activations at which saturation begins, to a thousandth or so; none for unbounded functions."""
    function = FUNCTIONS[activation]
    if function.largest_slope is None:
        return ()
    flat = function.slope(GRID) < SATURATED_SLOPE * function.largest_slope
    changes = np.flatnonzero(flat[1:] != flat[:-1])
    middles = (GRID[changes] + GRID[changes + 1]) / 2
    return tuple(float(value) for value in function.value(middles))
