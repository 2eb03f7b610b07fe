"""Rows of elements, drawn with NumPy alone: with the same bits as `numba_backend`."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from service.numerics.box import Runs, flat_of
from service.numerics.dtypes import Values
from service.numerics.recipe import reference
from service.numerics.recipe.distributions import DistributionName, Stream
from service.numerics.recipe.philox import ELEMENTS_PER_BLOCK, Blocks, Words, consecutive_words, scattered_words
from service.numerics.recipe.reference import BLOCKS_PER_CHUNK, Float32s

BACKEND = "numpy"

# From this length on, a run is drawn faster by NumPy's own generator, which must be set up for
# each run, than by words drawn one block at a time.
LONG_RUN = 4096

# From blocks of words to two values for each word, which the next call may overwrite; not yet scaled.
RECIPES: Mapping[DistributionName, Callable[[Stream, Blocks, Words], Float32s]] = MappingProxyType(
    {
        DistributionName.NORMAL: lambda _, __, words: reference.normal(words),
        DistributionName.TRUNCATED_NORMAL: lambda stream, blocks, words: reference.truncated_normal(
            stream.key, blocks, words, stream.cut
        ),
        DistributionName.UNIFORM: lambda _, __, words: reference.uniform(words),
    }
)


def fill_rows(out: Values, stream: Stream, start: int, stride: int) -> None:
    """Write to row k of the 2-D array `out` the elements from start + k * stride on, rounded to its dtype."""
    rows, length = out.shape
    if length == stride and out.flags.c_contiguous:
        _fill(out.reshape(-1), stream, start)
        return
    row_pitch, pitch = (step // out.itemsize for step in out.strides)
    fill_runs(Runs(flat_of(out), start, np.array([[rows, stride, row_pitch]], np.int64), length, pitch), stream)


def fill_runs(runs: Runs, stream: Stream) -> None:
    """Write runs of elements, rounded to the dtype of the memory."""
    starts, places = runs.starts, runs.places
    if runs.length >= LONG_RUN or starts.size == 1:
        for start, place in zip(starts.tolist(), places.tolist(), strict=True):
            stop = place + (runs.length - 1) * runs.pitch + 1
            _fill(runs.out[place : stop : runs.pitch], stream, start)
    else:
        _fill_short_runs(runs, stream)


def _fill(out: Values, stream: Stream, start: int) -> None:
    """Write elements [start, start + len(out)) to the 1-D array `out`."""
    key, recipe = stream.key, RECIPES[stream.distribution]
    stop = start + out.size
    first_block, end_block = start // ELEMENTS_PER_BLOCK, -(-stop // ELEMENTS_PER_BLOCK)
    next_words = consecutive_words(key, first_block)
    for block in range(first_block, end_block, BLOCKS_PER_CHUNK):
        count = min(BLOCKS_PER_CHUNK, end_block - block)
        blocks = np.arange(block, block + count, dtype=np.uint64)
        values = recipe(stream, blocks, next_words(count))
        offset = block * ELEMENTS_PER_BLOCK
        low, high = max(start, offset), min(stop, offset + values.size)
        _store(values[low - offset : high - offset], stream.scale, out[low - start : high - start])


def _fill_short_runs(runs: Runs, stream: Stream) -> None:
    key, recipe = stream.key, RECIPES[stream.distribution]
    all_starts, all_places, columns = runs.starts, runs.places, np.arange(runs.length)
    blocks_per_run = (runs.length + 2 * (ELEMENTS_PER_BLOCK - 1)) // ELEMENTS_PER_BLOCK
    runs_at_once = BLOCKS_PER_CHUNK // blocks_per_run
    for first in range(0, all_starts.size, runs_at_once):
        starts, places = (of_runs[first : first + runs_at_once] for of_runs in (all_starts, all_places))
        first_blocks, offsets = np.divmod(starts, ELEMENTS_PER_BLOCK)
        blocks = (first_blocks[:, None] + np.arange(blocks_per_run)).astype(np.uint64).reshape(-1)
        values = recipe(stream, blocks, scattered_words(key, blocks)).reshape(len(starts), -1)
        part = np.empty((len(starts), runs.length), runs.out.dtype)
        _store(np.take_along_axis(values, offsets[:, None] + columns, axis=1), stream.scale, part)
        runs.out[places[:, None] + columns * runs.pitch] = part


def _store(values: Float32s, scale: np.float32, out: Values) -> None:
    """Write values * scale to `out`; overwrite the values unless `out` is float32."""
    if out.dtype == values.dtype:
        np.multiply(values, scale, out=out)
    else:
        np.multiply(values, scale, out=values)
        out[...] = values
