"""Memory that the layers of one diagnosis use in turn."""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from service.numerics.activations import FloatArray


@dataclass(frozen=True, slots=True)
class Scratch:
    """Arrays by purpose, each overwritten by the next that is taken for the same purpose.

    Fresh arrays of megabytes are fresh pages from the operating system, and those cost more time
    than most of what is done with them.
    """

    buffers: dict[str, FloatArray] = field(default_factory=dict)

    def array(self, purpose: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> FloatArray:
        """Return an array of this shape and dtype with arbitrary content."""
        size = math.prod(shape)
        buffer = self.buffers.get(purpose)
        if buffer is None or buffer.size < size or buffer.dtype != dtype:
            buffer = self.buffers[purpose] = np.empty(size, dtype)
        return buffer[:size].reshape(shape)
