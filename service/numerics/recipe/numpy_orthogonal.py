"""Columns of orthogonal matrices, drawn with NumPy alone: with the same bits as `numba_orthogonal`.

No product of matrices: the order in which those add up is up to the library. What runs along is the columns.
"""

import math

import numpy as np
import numpy.typing as npt

from service.numerics.recipe.distributions import Stream
from service.numerics.recipe.numpy_backend import fill_rows
from service.numerics.recipe.reference import Float32s
from service.numerics.recipe.reflections import Reflections

Float64s = npt.NDArray[np.float64]
Columns = npt.NDArray[np.int64]


def draw_columns(out: Float32s, reflections: Reflections, columns: Columns, gain: float) -> None:
    """Write columns of the orthogonal matrix times gain to those of `out`, shape (length, len(columns)), in C order.

    `columns` ascend. All are kept as float64 until the last reflection: `Reflections.panel_columns` are best.
    """
    # Two columns at least: NumPy adds up a single one in pairs of its halves.
    lanes = max(columns.size, 2)
    panel = np.zeros((reflections.length, lanes))
    panel[columns, np.arange(columns.size)] = 1.0
    for r in range(columns[-1], -1, -1):
        vector, beta, flip = _reflection(reflections, r)
        if beta == 0.0:
            continue
        first = int(np.searchsorted(columns, r))
        summed = min(first, lanes - 2)
        w = _sums(vector[:, None] * panel[r:, summed:])[first - summed :] * beta
        changed = panel[r:, first:]
        changed -= vector[:, None] * w
        changed *= flip
    out[...] = panel[:, : columns.size] * gain


def _reflection(reflections: Reflections, r: int) -> tuple[Float64s, float, float]:
    """Return v, beta and -sign of reflection r: docs/recipe.md, section 12; beta is 0 where it does nothing."""
    drawn = np.empty((1, reflections.length - r), np.float32)
    stream = Stream.standard_normal(reflections.key)
    fill_rows(drawn, stream, reflections.base + r * reflections.length + r, drawn.size)
    vector = drawn[0].astype(np.float64)
    norm = math.sqrt(np.add.accumulate(vector * vector)[-1])
    if norm == 0.0:
        return vector, 0.0, 1.0
    first = float(vector[0])
    sign = 1.0 if first >= 0.0 else -1.0
    vector[0] = first + sign * norm
    return vector, 1.0 / (norm * (norm + abs(first))), -sign


def _sums(products: Float64s) -> Float64s:
    """Return the sums of two columns or more, each added up from the first row to the last, from 0 on."""
    # NumPy adds whole rows where the sum is not along the axis that is fastest in memory (numpy.sum, Notes). The 0
    # that a sum begins with matters where all of it is -0.
    sums: Float64s = np.add.reduce(products, axis=0)
    return sums + 0.0
