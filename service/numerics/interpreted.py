"""Rows of elements, drawn with NumPy alone: the twin of `compiled`, with the same bits."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from service.numerics import reference
from service.numerics.distributions import DistributionName, Source
from service.numerics.dtypes import Values
from service.numerics.philox import Blocks, Key, Words, consecutive_words, scattered_words
from service.numerics.reference import BLOCKS_PER_CHUNK, ELEMENTS_PER_BLOCK, Floats

TWIN = "numpy"

# From this length on, a run is drawn faster by NumPy's own generator, which must be set up for
# each run, than by words drawn one block at a time.
LONG_RUN = 4096

# From blocks of words to two values for each word, which the next call may overwrite; not yet scaled.
RECIPES: Mapping[DistributionName, Callable[[Key, Blocks, Words], Floats]] = MappingProxyType(
    {
        DistributionName.NORMAL: lambda _, __, words: reference.normal(words),
        DistributionName.TRUNCATED_NORMAL: reference.truncated_normal,
        DistributionName.UNIFORM: lambda _, __, words: reference.uniform(words),
    }
)


def fill_rows(out: Values, source: Source, start: int, stride: int) -> None:
    """Write to row k of the 2-D array `out` the elements from start + k * stride on, rounded to its dtype."""
    rows, length = out.shape
    if length == stride and out.flags.c_contiguous:
        _fill(out.reshape(-1), source, start)
    elif length >= LONG_RUN:
        for row in range(rows):
            _fill(out[row], source, start + row * stride)
    else:
        _fill_short_rows(out, source, start, stride)


def _fill(out: Values, source: Source, start: int) -> None:
    """Write elements [start, start + len(out)) to the 1-D array `out`."""
    key, recipe = source.key, RECIPES[source.distribution]
    stop = start + out.size
    first_block, end_block = start // ELEMENTS_PER_BLOCK, -(-stop // ELEMENTS_PER_BLOCK)
    next_words = consecutive_words(key, first_block)
    for block in range(first_block, end_block, BLOCKS_PER_CHUNK):
        count = min(BLOCKS_PER_CHUNK, end_block - block)
        blocks = np.arange(block, block + count, dtype=np.uint64)
        values = recipe(key, blocks, next_words(count))
        offset = block * ELEMENTS_PER_BLOCK
        low, high = max(start, offset), min(stop, offset + values.size)
        _store(values[low - offset : high - offset], source.scale, out[low - start : high - start])


def _fill_short_rows(out: Values, source: Source, start: int, stride: int) -> None:
    key, recipe = source.key, RECIPES[source.distribution]
    rows, length = out.shape
    blocks_per_row = (length + 2 * (ELEMENTS_PER_BLOCK - 1)) // ELEMENTS_PER_BLOCK
    rows_at_once = BLOCKS_PER_CHUNK // blocks_per_row
    for row in range(0, rows, rows_at_once):
        part = out[row : row + rows_at_once]
        starts = start + stride * np.arange(row, row + len(part), dtype=np.int64)
        first_blocks, offsets = np.divmod(starts, ELEMENTS_PER_BLOCK)
        blocks = (first_blocks[:, None] + np.arange(blocks_per_row)).astype(np.uint64).reshape(-1)
        values = recipe(key, blocks, scattered_words(key, blocks))
        wanted = offsets[:, None] + np.arange(length)
        _store(np.take_along_axis(values.reshape(len(part), -1), wanted, axis=1), source.scale, part)


def _store(values: Floats, scale: np.float32, out: Values) -> None:
    """Write values * scale to `out`; overwrite the values unless `out` is float32."""
    if out.dtype == values.dtype:
        np.multiply(values, scale, out=out)
    else:
        np.multiply(values, scale, out=values)
        out[...] = values
