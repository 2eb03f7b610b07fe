"""Any run or any block of a tensor's elements, without drawing what stands before them."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol, Self

import numpy as np

from service.numerics import reference
from service.numerics.philox import Blocks, Key, Words, consecutive_words, key_of, scattered_words
from service.numerics.reference import BLOCKS_PER_CHUNK, ELEMENTS_PER_BLOCK, Floats

# From this length on, a run is drawn faster by NumPy's own generator, which must be set up for
# each run, than by words drawn one block at a time.
LONG_RUN = 4096

# Std of N(0, 1) cut to (-2, 2): sqrt(1 - 4φ(2) / (Φ(2) - Φ(-2))).
TRUNCATED_STD = 0.879_625_661_034_239_78


class DistributionName(StrEnum):
    """Shape of the spread of the weights; truncated_normal is cut at two standard deviations."""

    NORMAL = "normal"
    TRUNCATED_NORMAL = "truncated_normal"
    UNIFORM = "uniform"


class Values(Protocol):
    """Turns the words of some blocks into values of one distribution."""

    def __call__(self, key: Key, blocks: Blocks, words: Words, /) -> Floats:
        """Return two values for each word, which the next call may overwrite; see `reference.normal`."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """A distribution of weights."""

    values: Values
    scale: Callable[[float], float]  # the factor that gives the values this standard deviation


DISTRIBUTIONS: Mapping[DistributionName, Distribution] = MappingProxyType(
    {
        DistributionName.NORMAL: Distribution(lambda _, __, words: reference.normal(words), lambda std: std),
        DistributionName.TRUNCATED_NORMAL: Distribution(reference.truncated_normal, lambda std: std / TRUNCATED_STD),
        DistributionName.UNIFORM: Distribution(
            lambda _, __, words: reference.uniform(words), lambda std: math.sqrt(3) * std
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Stream:
    """The elements of one tensor, numbered in C order of its canonical shape (fan_in, fan_out)."""

    key: Key
    values: Values
    scale: np.float32

    @classmethod
    def of(cls, seed: int, tensor: str, distribution: DistributionName, std: float) -> Self:
        """Return the stream of a tensor whose elements have standard deviation `std`."""
        chosen = DISTRIBUTIONS[distribution]
        return cls(key_of(seed, tensor), chosen.values, np.float32(chosen.scale(std)))

    def fill(self, out: Floats, start: int) -> None:
        """Write elements [start, start + len(out)) to the 1-D array `out`."""
        stop = start + out.size
        first_block, end_block = start // ELEMENTS_PER_BLOCK, -(-stop // ELEMENTS_PER_BLOCK)
        for block in range(first_block, end_block, BLOCKS_PER_CHUNK):
            count = min(BLOCKS_PER_CHUNK, end_block - block)
            blocks = np.arange(block, block + count, dtype=np.uint64)
            values = self.values(self.key, blocks, consecutive_words(self.key, block, count))
            offset = block * ELEMENTS_PER_BLOCK
            low, high = max(start, offset), min(stop, offset + values.size)
            np.multiply(values[low - offset : high - offset], self.scale, out=out[low - start : high - start])

    def fill_rows(self, out: Floats, start: int, stride: int) -> None:
        """Write to row k of the 2-D array `out` the elements from start + k * stride on."""
        rows, length = out.shape
        if length == stride and out.flags.c_contiguous:
            self.fill(out.reshape(-1), start)
        elif length >= LONG_RUN:
            for row in range(rows):
                self.fill(out[row], start + row * stride)
        else:
            self._fill_short_rows(out, start, stride)

    def _fill_short_rows(self, out: Floats, start: int, stride: int) -> None:
        rows, length = out.shape
        blocks_per_row = (length + 2 * (ELEMENTS_PER_BLOCK - 1)) // ELEMENTS_PER_BLOCK
        rows_at_once = BLOCKS_PER_CHUNK // blocks_per_row
        for row in range(0, rows, rows_at_once):
            part = out[row : row + rows_at_once]
            starts = start + stride * np.arange(row, row + len(part), dtype=np.int64)
            first_blocks, offsets = np.divmod(starts, ELEMENTS_PER_BLOCK)
            blocks = (first_blocks[:, None] + np.arange(blocks_per_row)).astype(np.uint64).reshape(-1)
            values = self.values(self.key, blocks, scattered_words(self.key, blocks))
            wanted = offsets[:, None] + np.arange(length)
            by_row = values.reshape(len(part), -1)
            np.multiply(np.take_along_axis(by_row, wanted, axis=1), self.scale, out=part)
