"""Figures of a report as the picture needs them."""

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby

from service.diagnosis.report import LayerReport

Series = list[float | None]


def series(layers: Sequence[LayerReport], figure: Callable[[LayerReport], float | None]) -> Series:
    """Return one figure of every layer."""
    return [figure(layer) for layer in layers]


def runs(numbers: Iterable[int]) -> list[list[int]]:
    """Return ascending numbers as runs without a gap."""
    return [[number for _, number in run] for _, run in groupby(enumerate(numbers), lambda pair: pair[1] - pair[0])]


def expected_gradients(layers: Sequence[LayerReport], ratio: Callable[[LayerReport], float | None]) -> Series:
    """Return the std of the gradients that theory expects by this ratio, from that of the last layer."""
    last = layers[-1].gradient.std
    return [None if value is None or last is None else value * last for value in series(layers, ratio)]
