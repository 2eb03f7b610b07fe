"""Columns of orthogonal matrices, drawn with Numba: with the same bits as `numpy_orthogonal`.

Column j of the matrix is what reflections j, j - 1, ..., 0 make of the unit vector e(j) (docs/recipe.md, section 12,
whose names these are). Sums run down a column in the recipe's order, so *columns* are what vector instructions take
several of.

- Work goes by blocks of LANES columns, which stay in a core's second cache while GROUP reflections are applied to them.
- A pass that applies one reflection already sums up what the next one needs, row by row as the rows become final.
- Four rows are taken at once, so that these sums stay in registers for four additions.
"""

import numpy as np
import numpy.typing as npt

from service.numerics.recipe.compiling import compiled
from service.numerics.recipe.distributions import Stream
from service.numerics.recipe.numba_backend import KernelStream, fill_float32_run, kernel_stream
from service.numerics.recipe.reference import Float32s
from service.numerics.recipe.reflections import Reflections

LANES = 64
GROUP = 16  # a multiple of 4

Float64s = npt.NDArray[np.float64]
Columns = npt.NDArray[np.int64]


def draw_columns(out: Float32s, reflections: Reflections, columns: Columns, gain: float) -> None:
    """Write columns of the orthogonal matrix times gain to those of `out`, shape (length, len(columns)), in C order.

    `columns` ascend. All are kept as float64 until the last reflection: `Reflections.panel_columns` are best.
    """
    stream = kernel_stream(Stream.standard_normal(reflections.key))
    _draw_columns(out, stream, reflections.base, columns, gain)


@compiled
def _draw_columns(out: Float32s, stream: KernelStream, base: int, columns: Columns, gain: float) -> None:
    length = out.shape[0]
    blocks = np.zeros(((columns.size + LANES - 1) // LANES, length, LANES))
    for lane in range(columns.size):
        blocks[lane // LANES, columns[lane], lane % LANES] = 1.0
    vectors, betas, flips = np.empty((GROUP, length)), np.empty(GROUP), np.empty(GROUP)
    for top in range(columns[-1], -1, -GROUP):
        size = min(GROUP, top + 1)
        _draw_reflections(stream, base, top, size, vectors, betas, flips)
        for number in range(blocks.shape[0]):
            own = columns[number * LANES : (number + 1) * LANES]
            _reflect_block(blocks[number], own, top, size, vectors, betas, flips)
    for row in range(length):
        for lane in range(columns.size):
            out[row, lane] = np.float32(blocks[lane // LANES, row, lane % LANES] * gain)


@compiled
def _draw_reflections(  # noqa: PLR0913, PLR0917
    stream: KernelStream, base: int, top: int, size: int, vectors: Float64s, betas: Float64s, flips: Float64s
) -> None:
    """Write v, beta and -sign of reflections top, top - 1, ...; beta is 0 where the reflection does nothing."""
    length = vectors.shape[1]
    drawn = np.empty(length, np.float32)
    vectors[:] = 0.0
    for g in range(size):
        r = top - g
        fill_float32_run(drawn[r:], stream, base + r * length + r)
        for i in range(r, length):
            vectors[g, i] = drawn[i]
    # The sums of squares. Four at once: each addition of one sum waits for the one before.
    for g in range(0, GROUP, 4):
        v0, v1, v2, v3 = vectors[g], vectors[g + 1], vectors[g + 2], vectors[g + 3]
        s0 = s1 = s2 = s3 = 0.0
        for i in range(top - min(g + 3, top), length):
            s0 += v0[i] * v0[i]
            s1 += v1[i] * v1[i]
            s2 += v2[i] * v2[i]
            s3 += v3[i] * v3[i]
        betas[g], betas[g + 1], betas[g + 2], betas[g + 3] = s0, s1, s2, s3
    for g in range(size):
        r = top - g
        norm, first = np.sqrt(betas[g]), vectors[g, r]
        sign = 1.0 if first >= 0.0 else -1.0
        flips[g] = -sign
        vectors[g, r] = first + sign * norm
        betas[g] = 1.0 / (norm * (norm + np.abs(first))) if norm > 0.0 else 0.0


@compiled
def _reflect_block(  # noqa: PLR0913, PLR0917
    block: Float64s, columns: Columns, top: int, size: int, vectors: Float64s, betas: Float64s, flips: Float64s
) -> None:
    """Apply reflections top, top - 1, ... to those columns that each of them changes: from its own number on."""
    count = columns.size
    w, w_next = np.empty(LANES), np.empty(LANES)
    is_summed = False  # whether w is that of the next reflection
    first = count  # the first lane that the reflection changes
    for g in range(size):
        r = top - g
        while first > 0 and columns[first - 1] >= r:
            first -= 1
        if first == count or betas[g] == 0.0:
            is_summed = False
            continue
        if not is_summed:
            _project(block, r, first, vectors[g], w[first:count])
        for lane in range(first, count):
            w[lane] *= betas[g]
        follower = min(g + 1, size - 1)  # nobody asks for the last one's
        if follower > g:
            for lane in range(count):
                w_next[lane] = vectors[follower, r - 1] * block[r - 1, lane]
        _reflect(block, r, first, vectors[g], flips[g], w[first:count], vectors[follower], w_next[first:count])
        w, w_next = w_next, w
        is_summed = True


@compiled
def _project(block: Float64s, r: int, first: int, v: Float64s, w: Float64s) -> None:
    """Write the products of columns and v to w; that of its first lane is column `first` of the block."""
    w[:] = 0.0
    for i in range(r, v.size):
        row, v_i = block[i, first:], v[i]
        for lane in range(w.size):
            w[lane] += v_i * row[lane]


@compiled
def _reflect(  # noqa: PLR0913, PLR0917
    block: Float64s, r: int, first: int, v: Float64s, flip: float, w: Float64s, v_next: Float64s, w_next: Float64s
) -> None:
    """Apply reflection r to columns, and add what becomes of them, times v_next, to w_next."""
    length = v.size
    flat = block.reshape(-1)
    i = r
    while i + 4 <= length:
        # Places a known number of elements apart: LLVM sees that they are not the same.
        rows = flat[i * LANES + first : (i + 4) * LANES]
        v0, v1, v2, v3 = v[i], v[i + 1], v[i + 2], v[i + 3]
        n0, n1, n2, n3 = v_next[i], v_next[i + 1], v_next[i + 2], v_next[i + 3]
        for lane in range(w.size):
            a0 = flip * (rows[lane] - v0 * w[lane])
            a1 = flip * (rows[lane + LANES] - v1 * w[lane])
            a2 = flip * (rows[lane + 2 * LANES] - v2 * w[lane])
            a3 = flip * (rows[lane + 3 * LANES] - v3 * w[lane])
            rows[lane], rows[lane + LANES], rows[lane + 2 * LANES], rows[lane + 3 * LANES] = a0, a1, a2, a3
            w_next[lane] = (((w_next[lane] + n0 * a0) + n1 * a1) + n2 * a2) + n3 * a3
        i += 4
    while i < length:
        row, v_i, n_i = block[i, first:], v[i], v_next[i]
        for lane in range(w.size):
            a = flip * (row[lane] - v_i * w[lane])
            row[lane] = a
            w_next[lane] += n_i * a
        i += 1
