"""Positions: 0, 1, 2, ..."""

from dataclasses import dataclass

import numpy as np

from service.initializers.initializer import ValueByValue
from service.initializers.schemes import Choice
from service.numerics.box import Box
from service.numerics.dtypes import Values
from service.numerics.rounding import store


@dataclass(frozen=True, slots=True)
class Arange(ValueByValue):
    """Each element's index along the last axis of the file, as position ids are."""

    choice: Choice

    def fill(self, out: Values, box: Box) -> None:
        """Write the values of a box to `out`, an array of the box's shape, rounded once to its dtype."""
        last = box.ranges[-1]
        store(np.arange(last.start, last.stop, dtype=np.float64), out)
