"""Starts of small networks."""

import numpy as np

from service.learning.parameters import StartLayer
from service.numerics.activations import Activation, Function, function_of


def start(widths: tuple[int, ...], activation: Activation | Function, *, normalized: bool = False) -> list[StartLayer]:
    """Return layers of normal weights in float64; the last one is linear."""
    function = activation if isinstance(activation, Function) else function_of(activation)
    generator = np.random.default_rng(11)
    last = len(widths) - 2
    return [
        StartLayer(
            f"layers.{number}",
            generator.normal(0, 1 / np.sqrt(widths[number]), (widths[number], widths[number + 1])),
            None if normalized and number < last else generator.normal(0, 0.3, widths[number + 1]),
            function if number < last else function_of(Activation.IDENTITY),
            normalized and number < last,
        )
        for number in range(last + 1)
    ]
