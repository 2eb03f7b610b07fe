"""Rows of elements, drawn with Numba: with the same bits as `numpy_backend`, several times as fast.

Every float32 operation is the recipe's, in its order (docs/recipe.md): no fastmath, so nothing is
fused or reordered. Work goes by runs that stay in the first cache of a core. Nothing here holds the
interpreter's lock. A kernel is compiled when it first meets a layout and a type of array;
`known_answers` meets all that the service uses.

Numba gives operators on 32-bit integers 64-bit results: hence the many conversions back.
"""

from collections.abc import Callable
from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt
from numba import types
from numba.extending import overload

from service.numerics.box import Runs, flat_of
from service.numerics.dtypes import Values
from service.numerics.recipe.compiling import compiled, inlined
from service.numerics.recipe.distributions import DistributionName, Stream
from service.numerics.recipe.philox import ELEMENTS_PER_BLOCK, KEY_INCREMENTS, MULTIPLIERS, WORDS_PER_BLOCK
from service.numerics.recipe.reference import ANGLE, COS, INT32_TO_UNIT, LN2, LOG, SIN, Float32s

BACKEND = f"numba {numba.__version__}"

# What is drawn at once: so much that all but what truncated_normal draws again stays in a core's first cache.
RUN_BLOCKS = 256
RUN = RUN_BLOCKS * ELEMENTS_PER_BLOCK
# The most elements that a run may take of a block without having it whole.
RAGGED = ELEMENTS_PER_BLOCK - 1
# What is drawn at once of runs whose elements lie apart: so many runs that lines of the cache are written whole where
# runs are neighbours in memory.
COLUMNS = 56
LINE = 16  # float32 values in a line of the cache
# Padding, so that a tile's rows do not fall into the same places of the cache.
TILE_PITCH = COLUMNS + 8

CODES = {name: code for code, name in enumerate(DistributionName)}
TRUNCATED, UNIFORM = CODES[DistributionName.TRUNCATED_NORMAL], CODES[DistributionName.UNIFORM]

# The recipe's constants as scalars, which become part of the machine code.
LOG_32, SIN_32, COS_32 = (tuple(np.float32(value) for value in series) for series in (LOG, SIN, COS))
ANGLE_32, LN2_32, INT32_TO_UNIT_32 = (np.float32(value) for value in (ANGLE, LN2, INT32_TO_UNIT))
HALF, ONE, MINUS_TWO = (np.float32(value) for value in (0.5, 1.0, -2.0))
SQRT_HALF_BITS, MANTISSA_MASK = np.int32(0x3F3504F3), np.int32(0x007FFFFF)
MAGNITUDE_MASK, SIGN_MASK = np.uint32(0x7FFFFFFF), np.uint32(0x80000000)

SHIFT_32, MASK_32 = np.uint64(32), np.uint64(0xFFFFFFFF)
MULTIPLIERS_HIGH = tuple(np.uint64(multiplier >> 32) for multiplier in MULTIPLIERS)
MULTIPLIERS_LOW = tuple(np.uint64(multiplier & 0xFFFFFFFF) for multiplier in MULTIPLIERS)
INCREMENTS = tuple(np.uint64(increment) for increment in KEY_INCREMENTS)

Places = npt.NDArray[np.int64]
Lows = npt.NDArray[np.uint32]
Highs = npt.NDArray[np.int32]
Counter = tuple[np.uint64, np.uint64, np.uint64, np.uint64]


class KernelStream(NamedTuple):
    """A stream and a type of array, as Numba takes them."""

    k0: np.uint64
    k1: np.uint64
    distribution: int  # one of CODES
    scale: np.float32
    cut: np.float32
    is_half: bool  # whether 16 bits are those of a float16; else they are those of a bfloat16


class _Buffers(NamedTuple):
    """What runs are drawn in.

    In the worst case every value of a run is drawn again, by a block of its own: hence the sizes.
    """

    starts: npt.NDArray[np.int64]  # the rows' first elements, which the caller writes; shape (RUN_BLOCKS,)
    places: npt.NDArray[np.int64]  # where rows begin in `values`; shape (RUN_BLOCKS,)
    blocks: npt.NDArray[np.uint64]  # shape (RUN_BLOCKS,)
    blocks_again: npt.NDArray[np.uint64]  # shape (RUN,)
    low: Lows  # halves of words, shape (RUN * WORDS_PER_BLOCK,)
    high: Highs  # the same
    values: Float32s  # shape (RUN,)
    rejected: npt.NDArray[np.int64]  # places in `values`, shape (RUN,)
    candidates: Float32s  # shape (RUN * ELEMENTS_PER_BLOCK,)


def fill_rows(out: Values, stream: Stream, start: int, stride: int) -> None:
    """Write to row k of the 2-D array `out` the elements from start + k * stride on, rounded to its dtype."""
    rows, length = out.shape
    row_pitch, pitch = (step // out.itemsize for step in out.strides)
    if out.flags.c_contiguous and length == stride:  # one run without gaps, whatever the stride of an axis of one
        rows, length, pitch = 1, rows * length, 1
    fill_runs(Runs(flat_of(out), start, np.array([[rows, stride, row_pitch]], np.int64), length, pitch), stream)


def fill_runs(runs: Runs, stream: Stream) -> None:
    """Write runs of elements, rounded to the dtype of the memory."""
    out = runs.out
    flat = kernel_stream(stream, is_half=out.dtype == np.float16)
    if out.dtype.itemsize == 2:
        out = out.view(np.uint16)  # Numba has no 16-bit floats
    count = runs.run_count
    if runs.length == 1 and count > 1:
        _fill_elements(out, flat, runs.start, runs.axes, count)
    elif count == 1 and runs.pitch == 1 and out.dtype == np.float32:
        fill_float32_run(out, flat, runs.start)
    elif runs.pitch == 1:
        _fill_rows(out, flat, runs.starts, runs.places, runs.length)
    else:
        _fill_columns(out, flat, runs.starts, runs.places, runs.length, runs.pitch)


def kernel_stream(stream: Stream, *, is_half: bool = False) -> KernelStream:
    """Return a stream as kernels take it, for values that are rounded to float16 or for others."""
    key = stream.key
    return KernelStream(
        np.uint64(key.k0), np.uint64(key.k1), CODES[stream.distribution], stream.scale, stream.cut, is_half
    )


@compiled
def fill_float32_run(out: Float32s, stream: KernelStream, start: int) -> None:
    """Write elements [start, start + len(out)): what most requests ask for, with a copy less than `_fill_rows`."""
    buffers = _new_buffers()
    done = 0
    while done < out.size:
        skipped = (start + done) % ELEMENTS_PER_BLOCK
        width = min(RUN - skipped, out.size - done)
        whole = width - width % ELEMENTS_PER_BLOCK
        buffers.starts[0] = start + done
        if skipped == 0 and whole:
            _draw(stream, (1, whole), buffers, out[done : done + whole])
            done += whole
        else:  # the ragged ends
            _draw(stream, (1, width), buffers, buffers.values)
            out[done : done + width] = buffers.values[skipped : skipped + width]
            done += width


@compiled
def _fill_rows(out: Values, stream: KernelStream, starts: Places, places: Places, length: int) -> None:
    """Write runs that lie in one piece each."""
    rows = starts.size
    buffers = _new_buffers()
    left = 0
    while left < length:
        # The next part begins with a block, at least in the first row.
        width = min(RUN - (starts[0] + left) % ELEMENTS_PER_BLOCK - RAGGED * (rows > 1), length - left)
        most = _rows_at_once(width)
        for first in range(0, rows, most):
            height = min(most, rows - first)
            for row in range(height):
                buffers.starts[row] = starts[first + row] + left
            _draw(stream, (height, width), buffers, buffers.values)
            for row in range(height):
                place, target = buffers.places[row], places[first + row] + left
                _store(buffers.values[place : place + width], stream.is_half, out[target : target + width])
        left += width


@compiled
def _fill_columns(  # noqa: PLR0913, PLR0917
    out: Values, stream: KernelStream, starts: Places, places: Places, length: int, pitch: int
) -> None:
    """Write runs whose elements lie `pitch` apart."""
    rows = starts.size
    buffers = _new_buffers()
    tile = np.empty((RUN_BLOCKS, TILE_PITCH), out.dtype)
    left = 0
    while left < length:
        # The next part begins with a block, at least in the first row.
        width = min(COLUMNS - (starts[0] + left) % ELEMENTS_PER_BLOCK, length - left)
        most = _rows_at_once(width)
        for first in range(0, rows, most):
            height = min(most, rows - first)
            for row in range(height):
                buffers.starts[row] = starts[first + row] + left
            _draw(stream, (height, width), buffers, buffers.values)
            for row in range(height):
                place = buffers.places[row]
                _store(buffers.values[place : place + width], stream.is_half, tile[row, :width])
            row = 0
            while row < height:
                target, last = places[first + row] + left * pitch, first + row + LINE - 1
                if row + LINE <= height and places[last] == places[first + row] + LINE - 1:
                    _write_lines(tile[row : row + LINE, :width], out, target, pitch)
                    row += LINE
                else:
                    for column in range(width):
                        out[target + column * pitch] = tile[row, column]
                    row += 1
        left += width


@compiled
def _fill_elements(out: Values, stream: KernelStream, start: int, axes: Places, count: int) -> None:
    """Write elements that lie apart: of each block only the word that holds one is made into values."""
    buffers = _new_buffers()
    places = np.empty(RUN_BLOCKS, np.int64)
    chosen = np.empty(RUN_BLOCKS, np.float32)
    tile = np.empty(RUN_BLOCKS, out.dtype)
    indices = np.zeros(len(axes), np.int64)
    number, place = start, 0
    for first in range(0, count, RUN_BLOCKS):
        width = min(RUN_BLOCKS, count - first)
        for i in range(width):
            buffers.starts[i], places[i], buffers.rejected[i] = number, place, i
            for axis in range(len(axes) - 1, -1, -1):
                indices[axis] += 1
                number += axes[axis, 1]
                place += axes[axis, 2]
                if indices[axis] < axes[axis, 0]:
                    break
                indices[axis] = 0
                number -= axes[axis, 0] * axes[axis, 1]
                place -= axes[axis, 0] * axes[axis, 2]
        left, attempt = width, np.uint64(0)
        while left:
            left = _draw_elements(stream, attempt, left, buffers, chosen)
            attempt += np.uint64(1)
        _store(chosen[:width], stream.is_half, tile[:width])
        for i in range(width):
            out[places[i]] = tile[i]


@compiled
def _draw_elements(stream: KernelStream, attempt: np.uint64, count: int, buffers: _Buffers, out: Float32s) -> int:
    """Write the elements at the first `count` places of buffers.rejected; keep there those to draw again."""
    starts, rejected, low, high = buffers.starts, buffers.rejected, buffers.low, buffers.high
    values = buffers.values[: 2 * count]
    for i in range(count):
        buffers.blocks[i] = np.uint64(starts[rejected[i]])
    for i in range(count):
        element = buffers.blocks[i]
        words = _block(element >> np.uint64(3), attempt, stream)
        place = (element >> np.uint64(1)) & np.uint64(3)
        late = words[3] if place & np.uint64(1) else words[2]
        early = words[1] if place & np.uint64(1) else words[0]
        word = late if place & np.uint64(2) else early  # of the four, the one that holds the element
        low[i], high[i] = np.uint32(word), np.int32(word >> SHIFT_32)
    is_truncated = stream.distribution == TRUNCATED
    if stream.distribution == UNIFORM:
        _uniform(low, high, stream.scale, values)
    else:
        _normal(low, high, ONE if is_truncated else stream.scale, values)
    left = 0
    for i in range(count):
        place = rejected[i]
        value = values[2 * i + (starts[place] & 1)]
        if is_truncated:
            if np.abs(value) > stream.cut:
                rejected[left] = place
                left += 1
            value *= stream.scale
        out[place] = value
    return left


@compiled
def _write_lines(tile: Values, out: Values, start: int, pitch: int) -> None:
    """Write LINE runs that are neighbours in memory."""
    for column in range(tile.shape[1]):
        line = out[start + column * pitch : start + column * pitch + LINE]
        for row in range(LINE):  # a number that is known when this is compiled
            line[row] = tile[row, column]


@compiled
def _new_buffers() -> _Buffers:
    return _Buffers(
        np.empty(RUN_BLOCKS, np.int64),
        np.empty(RUN_BLOCKS, np.int64),
        np.empty(RUN_BLOCKS, np.uint64),
        np.empty(RUN, np.uint64),
        np.empty(RUN * WORDS_PER_BLOCK, np.uint32),
        np.empty(RUN * WORDS_PER_BLOCK, np.int32),
        np.empty(RUN, np.float32),
        np.empty(RUN, np.int64),
        np.empty(RUN * ELEMENTS_PER_BLOCK, np.float32),
    )


@compiled
def _rows_at_once(length: int) -> int:
    """Return how many rows of so many elements one run holds, wherever they begin in their blocks."""
    return max(RUN_BLOCKS // ((length + 2 * RAGGED) // ELEMENTS_PER_BLOCK), 1)


@compiled
def _draw(stream: KernelStream, shape: tuple[int, int], buffers: _Buffers, out: Float32s) -> int:
    """Write the blocks with the first elements of some rows to `out`, and return how many values they are.

    Row k holds the elements from buffers.starts[k] on, and begins at buffers.places[k].
    """
    rows, length = shape
    count = 0
    for row in range(rows):
        first = buffers.starts[row]
        block, end = first // ELEMENTS_PER_BLOCK, (first + length + RAGGED) // ELEMENTS_PER_BLOCK
        buffers.places[row] = (count - block) * ELEMENTS_PER_BLOCK + first
        for number in range(end - block):
            buffers.blocks[count + number] = np.uint64(block + number)
        count += end - block
    if rows == 1:
        _consecutive_words(buffers.starts[0] // ELEMENTS_PER_BLOCK, count, stream, buffers.low, buffers.high)
    else:
        _scattered_words(buffers.blocks[:count], np.uint64(0), stream, buffers.low, buffers.high)
    values = out[: count * ELEMENTS_PER_BLOCK]
    if stream.distribution == UNIFORM:
        _uniform(buffers.low, buffers.high, stream.scale, values)
    elif stream.distribution == TRUNCATED:
        _normal(buffers.low, buffers.high, ONE, values)
        _draw_again(values, stream, buffers)
        for i in range(values.size):
            values[i] *= stream.scale
    else:
        _normal(buffers.low, buffers.high, stream.scale, values)
    return values.size


@compiled
def _draw_again(values: Float32s, stream: KernelStream, buffers: _Buffers) -> None:
    """Replace normal values beyond the cut by those of further attempts."""
    rejected, blocks = buffers.rejected, buffers.blocks_again
    count = 0
    for place in range(values.size):
        rejected[count] = place
        count += np.abs(values[place]) > stream.cut
    attempt = np.uint64(0)
    while count:
        attempt += np.uint64(1)
        for number in range(count):
            blocks[number] = buffers.blocks[rejected[number] // ELEMENTS_PER_BLOCK]
        _scattered_words(blocks[:count], attempt, stream, buffers.low, buffers.high)
        _normal(buffers.low, buffers.high, ONE, buffers.candidates[: count * ELEMENTS_PER_BLOCK])
        left = 0
        for number in range(count):
            place = rejected[number]
            candidate = buffers.candidates[number * ELEMENTS_PER_BLOCK + place % ELEMENTS_PER_BLOCK]
            if np.abs(candidate) <= stream.cut:
                values[place] = candidate
            else:
                rejected[left] = place
                left += 1
        count = left


@compiled
def _consecutive_words(first: int, count: int, stream: KernelStream, low: Lows, high: Highs) -> None:
    """Write the halves of the words of `count` blocks from `first` on."""
    for place in range(count):
        _split(_block(np.uint64(first + place), np.uint64(0), stream), place, low, high)


@compiled
def _scattered_words(
    blocks: npt.NDArray[np.uint64], attempt: np.uint64, stream: KernelStream, low: Lows, high: Highs
) -> None:
    """Write the halves of the words of these blocks."""
    for place in range(blocks.size):
        _split(_block(blocks[place], attempt, stream), place, low, high)


@inlined
def _split(words: Counter, place: int, low: Lows, high: Highs) -> None:
    first = WORDS_PER_BLOCK * place
    low[first], high[first] = np.uint32(words[0]), np.int32(words[0] >> SHIFT_32)
    low[first + 1], high[first + 1] = np.uint32(words[1]), np.int32(words[1] >> SHIFT_32)
    low[first + 2], high[first + 2] = np.uint32(words[2]), np.int32(words[2] >> SHIFT_32)
    low[first + 3], high[first + 3] = np.uint32(words[3]), np.int32(words[3] >> SHIFT_32)


@inlined
def _block(number: np.uint64, attempt: np.uint64, stream: KernelStream) -> Counter:
    """Return the words of one block: Philox4x64-10, see `philox`."""
    k0, k1, zero = stream.k0, stream.k1, np.uint64(0)
    counter = (number + np.uint64(1), zero, zero, attempt)
    # Written out, since LLVM makes blocks the lanes of vectors only where no loop is left inside.
    counter = _philox_round(counter, k0, k1, np.uint64(0))
    counter = _philox_round(counter, k0, k1, np.uint64(1))
    counter = _philox_round(counter, k0, k1, np.uint64(2))
    counter = _philox_round(counter, k0, k1, np.uint64(3))
    counter = _philox_round(counter, k0, k1, np.uint64(4))
    counter = _philox_round(counter, k0, k1, np.uint64(5))
    counter = _philox_round(counter, k0, k1, np.uint64(6))
    counter = _philox_round(counter, k0, k1, np.uint64(7))
    counter = _philox_round(counter, k0, k1, np.uint64(8))
    return _philox_round(counter, k0, k1, np.uint64(9))


@inlined
def _philox_round(counter: Counter, k0: np.uint64, k1: np.uint64, number: np.uint64) -> Counter:
    c0, c1, c2, c3 = counter
    high0, low0 = _full_product(MULTIPLIERS_HIGH[0], MULTIPLIERS_LOW[0], c0)
    high1, low1 = _full_product(MULTIPLIERS_HIGH[1], MULTIPLIERS_LOW[1], c2)
    return high1 ^ c1 ^ (k0 + number * INCREMENTS[0]), low1, high0 ^ c3 ^ (k1 + number * INCREMENTS[1]), low0


@inlined
def _full_product(multiplier_high: np.uint64, multiplier_low: np.uint64, x: np.uint64) -> tuple[np.uint64, np.uint64]:
    """Return the high and the low 64 bits of a 128-bit product."""
    # In parts of 32 bits, whose products vector units have: as 128-bit products they would be taken one by one.
    x_high, x_low = x >> SHIFT_32, x & MASK_32
    lowest = multiplier_low * x_low
    middle = multiplier_low * x_high + (lowest >> SHIFT_32)
    carried = multiplier_high * x_low + (middle & MASK_32)
    high = multiplier_high * x_high + (middle >> SHIFT_32) + (carried >> SHIFT_32)
    return high, (carried << SHIFT_32) | (lowest & MASK_32)


@compiled
def _normal(low: Lows, high: Highs, scale: np.float32, out: Float32s) -> None:
    """Write normal values, two for each word: docs/recipe.md, sections 3 and 4, whose names these are."""
    for j in range(out.size // 2):
        lo = low[j]
        x = np.float32(np.int32(lo >> np.uint32(1))) + HALF
        i = np.int32(np.int32(_bits(x)) - SQRT_HALF_BITS)
        e = np.int32(i >> np.int32(23))
        m = _float(np.uint32((i & MANTISSA_MASK) + SQRT_HALF_BITS)) - ONE
        ln = _horner(m, LOG_32) * m + np.float32(np.int32(e - np.int32(31))) * LN2_32
        r = np.sqrt(ln * MINUS_TWO)
        t = np.float32(high[j]) * ANGLE_32
        s = t * t
        signed = _float(np.uint32((_bits(r) & MAGNITUDE_MASK) | (lo << np.uint32(31))))
        out[2 * j] = (_horner(s, COS_32) * signed) * scale
        out[2 * j + 1] = ((_horner(s, SIN_32) * t) * r) * scale


@compiled
def _uniform(low: Lows, high: Highs, scale: np.float32, out: Float32s) -> None:
    """Write uniform values, two for each word: docs/recipe.md, section 4."""
    for j in range(out.size // 2):
        out[2 * j] = (np.float32(np.int32(low[j])) * INT32_TO_UNIT_32) * scale
        out[2 * j + 1] = (np.float32(high[j]) * INT32_TO_UNIT_32) * scale


@inlined
def _horner(x: np.float32, coefficients: tuple[np.float32, ...]) -> np.float32:
    """Evaluate the polynomial with these coefficients, lowest order first, at x."""
    total = coefficients[-1] * x
    for order in range(len(coefficients) - 2, 0, -1):
        total = (total + coefficients[order]) * x
    return total + coefficients[0]


def _store(values: Float32s, is_half: bool, out: Values) -> None:  # noqa: FBT001
    """Write values, rounded to the type of `out`: float32, float64, or 16 bits as uint16."""
    raise NotImplementedError  # Numba takes one of the following


@overload(_store)
def _store_for(values: Float32s, is_half: bool, out: Values) -> Callable[..., None]:  # noqa: ARG001, FBT001
    return _store_short if out.dtype == types.uint16 else _store_long


def _store_long(values: Float32s, is_half: bool, out: Values) -> None:  # noqa: ARG001, FBT001
    for i in range(out.size):
        out[i] = values[i]


def _store_short(values: Float32s, is_half: bool, out: Values) -> None:  # noqa: FBT001
    if is_half:
        for i in range(out.size):
            out[i] = _half(values[i])
    else:
        for i in range(out.size):
            out[i] = _bfloat(values[i])


@inlined
def _half(value: np.float32) -> np.uint16:
    """Return the bits of a float16: value, which is at most 65504, rounded to nearest even."""
    sign = np.uint32(_bits(value) & SIGN_MASK)
    magnitude = np.uint32(_bits(value) & MAGNITUDE_MASK)
    # Below 2**-14 all float16 are multiples of 2**-24, as all float32 from 0.5 to 1 are: a sum rounds.
    small = np.uint32(_bits(_float(magnitude) + HALF) - _bits(HALF))
    # Above, an exponent counts from 2**-15 instead of 2**-127.
    odd = np.uint32((magnitude >> np.uint32(13)) & np.uint32(1))
    large = np.uint32(magnitude - np.uint32(112 << 23) + np.uint32(0x0FFF) + odd) >> np.uint32(13)
    rounded = small if magnitude < np.uint32(113 << 23) else large
    return np.uint16(np.uint32(rounded) | np.uint32(sign >> np.uint32(16)))


@inlined
def _bfloat(value: np.float32) -> np.uint16:
    """Return the bits of a bfloat16: value rounded to nearest even."""
    odd = np.uint32((_bits(value) >> np.uint32(16)) & np.uint32(1))
    return np.uint16(np.uint32(_bits(value) + np.uint32(0x7FFF) + odd) >> np.uint32(16))


@inlined
def _bits(value: np.float32) -> np.uint32:
    return np.float32(value).view(np.uint32)


@inlined
def _float(bits: np.uint32) -> np.float32:
    return np.uint32(bits).view(np.float32)
