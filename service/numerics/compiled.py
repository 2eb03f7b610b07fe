"""Rows of elements, drawn with Numba: the twin of `interpreted`, with the same bits, several times as fast.

Every float32 operation is the recipe's, in its order (docs/recipe.md): no fastmath, so nothing is
fused or reordered. Work goes by runs that stay in the first cache of a core. Nothing here holds the
interpreter's lock. A kernel is compiled when it first meets a layout and a type of array;
`known_answers` meets all that the service uses.

Numba gives operators on 32-bit integers 64-bit results: hence the many conversions back.
"""

import sys
from collections.abc import Callable
from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt
from numba import types
from numba.extending import overload

from service.numerics.compiling import compiled, inlined
from service.numerics.distributions import TRUNCATION, DistributionName, Source
from service.numerics.dtypes import Values
from service.numerics.philox import KEY_INCREMENTS, MULTIPLIERS, WORDS_PER_BLOCK
from service.numerics.reference import ANGLE, COS, ELEMENTS_PER_BLOCK, INT32_TO_UNIT, LN2, LOG, SIN, Floats

if sys.byteorder != "little":
    raise ImportError("Numba knows no arrays in another byte order than the machine's.")

TWIN = f"numba {numba.__version__}"

# What is drawn at once: so much that all but what truncated_normal draws again stays in a core's first cache.
RUN_BLOCKS = 256
RUN = RUN_BLOCKS * ELEMENTS_PER_BLOCK
# The most elements that a run may take of a block without having it whole.
RAGGED = ELEMENTS_PER_BLOCK - 1
# Rows that are drawn before they are written as columns: 16 float32 values fill a cache line.
TILE_ROWS, TILE_COLUMNS = 16, 512
# Padding, so that a tile's rows do not fall into the same places of the cache.
TILE_PITCH = TILE_COLUMNS + 16

CODES = {name: code for code, name in enumerate(DistributionName)}
TRUNCATED, UNIFORM = CODES[DistributionName.TRUNCATED_NORMAL], CODES[DistributionName.UNIFORM]

# The recipe's constants as scalars, which become part of the machine code.
LOG_32, SIN_32, COS_32 = (tuple(np.float32(value) for value in series) for series in (LOG, SIN, COS))
ANGLE_32, LN2_32, INT32_TO_UNIT_32 = (np.float32(value) for value in (ANGLE, LN2, INT32_TO_UNIT))
HALF, ONE, MINUS_TWO, CUT = (np.float32(value) for value in (0.5, 1.0, -2.0, TRUNCATION))
SQRT_HALF_BITS, MANTISSA_MASK = np.int32(0x3F3504F3), np.int32(0x007FFFFF)
MAGNITUDE_MASK, SIGN_MASK = np.uint32(0x7FFFFFFF), np.uint32(0x80000000)

SHIFT_32, MASK_32 = np.uint64(32), np.uint64(0xFFFFFFFF)
MULTIPLIERS_HIGH = tuple(np.uint64(multiplier >> 32) for multiplier in MULTIPLIERS)
MULTIPLIERS_LOW = tuple(np.uint64(multiplier & 0xFFFFFFFF) for multiplier in MULTIPLIERS)
INCREMENTS = tuple(np.uint64(increment) for increment in KEY_INCREMENTS)

Lows = npt.NDArray[np.uint32]
Highs = npt.NDArray[np.int32]
Counter = tuple[np.uint64, np.uint64, np.uint64, np.uint64]


class _Source(NamedTuple):
    """A source and a type of array, as Numba takes them."""

    k0: np.uint64
    k1: np.uint64
    distribution: int  # one of CODES
    scale: np.float32
    is_half: bool  # whether 16 bits are those of a float16; else they are those of a bfloat16


class _Buffers(NamedTuple):
    """What runs are drawn in.

    In the worst case every value of a run is drawn again, by a block of its own: hence the sizes.
    """

    places: npt.NDArray[np.int64]  # where rows begin in `values`; shape (RUN_BLOCKS,)
    blocks: npt.NDArray[np.uint64]  # shape (RUN_BLOCKS,)
    blocks_again: npt.NDArray[np.uint64]  # shape (RUN,)
    low: Lows  # halves of words, shape (RUN * WORDS_PER_BLOCK,)
    high: Highs  # the same
    values: Floats  # shape (RUN,)
    rejected: npt.NDArray[np.int64]  # places in `values`, shape (RUN,)
    candidates: Floats  # shape (RUN * ELEMENTS_PER_BLOCK,)


def fill_rows(out: Values, source: Source, start: int, stride: int) -> None:
    """Write to row k of the 2-D array `out` the elements from start + k * stride on, rounded to its dtype."""
    is_half = out.dtype == np.float16
    if out.dtype.itemsize == 2:
        out = out.view(np.uint16)  # Numba has no 16-bit floats
    key, code = source.key, CODES[source.distribution]
    flat = _Source(np.uint64(key.k0), np.uint64(key.k1), code, source.scale, is_half)
    rows, length = out.shape
    if out.flags.c_contiguous and (rows == 1 or length == stride) and out.dtype == np.float32:
        _fill_run(out.reshape(-1), flat, start)
    elif out.flags.c_contiguous:
        _fill_rows(out, flat, start, stride)
    else:
        _fill_columns(out.T, flat, start, stride)


@compiled
def _fill_run(out: Floats, source: _Source, start: int) -> None:
    """Write elements [start, start + len(out)): what most requests ask for, with a copy less than `_fill_rows`."""
    buffers = _new_buffers()
    done = 0
    while done < out.size:
        skipped = (start + done) % ELEMENTS_PER_BLOCK
        width = min(RUN - skipped, out.size - done)
        whole = width - width % ELEMENTS_PER_BLOCK
        if skipped == 0 and whole:
            _draw(source, start + done, 0, (1, whole), buffers, out[done : done + whole])
            done += whole
        else:  # the ragged ends
            _draw(source, start + done, 0, (1, width), buffers, buffers.values)
            out[done : done + width] = buffers.values[skipped : skipped + width]
            done += width


@compiled
def _fill_rows(out: Values, source: _Source, start: int, stride: int) -> None:
    rows, length = out.shape
    if length == stride:  # one run without gaps
        out = out.reshape((1, rows * length))
        rows, length = out.shape
    buffers = _new_buffers()
    left = 0
    while left < length:
        # The next part begins with a block, at least in the first row.
        width = min(RUN - (start + left) % ELEMENTS_PER_BLOCK - RAGGED * (rows > 1), length - left)
        most = _rows_at_once(width)
        for first in range(0, rows, most):
            height = min(most, rows - first)
            _draw(source, start + first * stride + left, stride, (height, width), buffers, buffers.values)
            for row in range(height):
                place = buffers.places[row]
                _store(buffers.values[place : place + width], source.is_half, out[first + row, left : left + width])
        left += width


@compiled
def _fill_columns(out: Values, source: _Source, start: int, stride: int) -> None:
    """Write what would be row k to column k."""
    length, rows = out.shape
    buffers = _new_buffers()
    tile = np.empty((TILE_ROWS, TILE_PITCH), out.dtype)
    for left in range(0, length, TILE_COLUMNS):
        width = min(TILE_COLUMNS, length - left)
        most = min(_rows_at_once(width), TILE_ROWS)
        for top in range(0, rows, TILE_ROWS):
            height = min(TILE_ROWS, rows - top)
            for first in range(0, height, most):
                drawn = min(most, height - first)
                corner = start + (top + first) * stride + left
                _draw(source, corner, stride, (drawn, width), buffers, buffers.values)
                for row in range(drawn):
                    place = buffers.places[row]
                    _store(buffers.values[place : place + width], source.is_half, tile[first + row, :width])
            _transpose(tile[:height, :width], out[left : left + width, top : top + height])


@compiled
def _transpose(tile: Values, out: Values) -> None:
    height, width = tile.shape
    for column in range(width):
        if height == TILE_ROWS:  # a number that is known when this is compiled
            for row in range(TILE_ROWS):
                out[column, row] = tile[row, column]
        else:
            for row in range(height):
                out[column, row] = tile[row, column]


@compiled
def _new_buffers() -> _Buffers:
    return _Buffers(
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
def _draw(  # noqa: PLR0913, PLR0917
    source: _Source, start: int, stride: int, shape: tuple[int, int], buffers: _Buffers, out: Floats
) -> None:
    """Write the blocks with the first elements of some rows to `out`: row k begins at buffers.places[k]."""
    rows, length = shape
    count = 0
    for row in range(rows):
        first = start + row * stride
        block, end = first // ELEMENTS_PER_BLOCK, (first + length + RAGGED) // ELEMENTS_PER_BLOCK
        buffers.places[row] = (count - block) * ELEMENTS_PER_BLOCK + first
        for number in range(end - block):
            buffers.blocks[count + number] = np.uint64(block + number)
        count += end - block
    if rows == 1:
        _consecutive_words(start // ELEMENTS_PER_BLOCK, count, source, buffers.low, buffers.high)
    else:
        _scattered_words(buffers.blocks[:count], np.uint64(0), source, buffers.low, buffers.high)
    values = out[: count * ELEMENTS_PER_BLOCK]
    if source.distribution == UNIFORM:
        _uniform(buffers.low, buffers.high, source.scale, values)
    elif source.distribution == TRUNCATED:
        _normal(buffers.low, buffers.high, ONE, values)
        _draw_again(values, source, buffers)
        for i in range(values.size):
            values[i] *= source.scale
    else:
        _normal(buffers.low, buffers.high, source.scale, values)


@compiled
def _draw_again(values: Floats, source: _Source, buffers: _Buffers) -> None:
    """Replace normal values beyond the cut by those of further attempts."""
    rejected, blocks = buffers.rejected, buffers.blocks_again
    count = 0
    for place in range(values.size):
        rejected[count] = place
        count += np.abs(values[place]) > CUT
    attempt = np.uint64(0)
    while count:
        attempt += np.uint64(1)
        for number in range(count):
            blocks[number] = buffers.blocks[rejected[number] // ELEMENTS_PER_BLOCK]
        _scattered_words(blocks[:count], attempt, source, buffers.low, buffers.high)
        _normal(buffers.low, buffers.high, ONE, buffers.candidates[: count * ELEMENTS_PER_BLOCK])
        left = 0
        for number in range(count):
            place = rejected[number]
            candidate = buffers.candidates[number * ELEMENTS_PER_BLOCK + place % ELEMENTS_PER_BLOCK]
            if np.abs(candidate) <= CUT:
                values[place] = candidate
            else:
                rejected[left] = place
                left += 1
        count = left


@compiled
def _consecutive_words(first: int, count: int, source: _Source, low: Lows, high: Highs) -> None:
    """Write the halves of the words of `count` blocks from `first` on."""
    for place in range(count):
        _split(_block(np.uint64(first + place), np.uint64(0), source), place, low, high)


@compiled
def _scattered_words(
    blocks: npt.NDArray[np.uint64], attempt: np.uint64, source: _Source, low: Lows, high: Highs
) -> None:
    """Write the halves of the words of these blocks."""
    for place in range(blocks.size):
        _split(_block(blocks[place], attempt, source), place, low, high)


@inlined
def _split(words: Counter, place: int, low: Lows, high: Highs) -> None:
    first = WORDS_PER_BLOCK * place
    low[first], high[first] = np.uint32(words[0]), np.int32(words[0] >> SHIFT_32)
    low[first + 1], high[first + 1] = np.uint32(words[1]), np.int32(words[1] >> SHIFT_32)
    low[first + 2], high[first + 2] = np.uint32(words[2]), np.int32(words[2] >> SHIFT_32)
    low[first + 3], high[first + 3] = np.uint32(words[3]), np.int32(words[3] >> SHIFT_32)


@inlined
def _block(number: np.uint64, attempt: np.uint64, source: _Source) -> Counter:
    """Return the words of one block: Philox4x64-10, see `philox`."""
    k0, k1, zero = source.k0, source.k1, np.uint64(0)
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
def _normal(low: Lows, high: Highs, scale: np.float32, out: Floats) -> None:
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
def _uniform(low: Lows, high: Highs, scale: np.float32, out: Floats) -> None:
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


def _store(values: Floats, is_half: bool, out: Values) -> None:  # noqa: FBT001
    """Write values, rounded to the type of `out`: float32, float64, or 16 bits as uint16."""
    raise NotImplementedError  # Numba takes one of the following


@overload(_store)
def _store_for(values: Floats, is_half: bool, out: Values) -> Callable[..., None]:  # noqa: ARG001, FBT001
    return _store_short if out.dtype == types.uint16 else _store_long


def _store_long(values: Floats, is_half: bool, out: Values) -> None:  # noqa: ARG001, FBT001
    for i in range(out.size):
        out[i] = values[i]


def _store_short(values: Floats, is_half: bool, out: Values) -> None:  # noqa: FBT001
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
