"""Rectangular parts of a tensor of any rank, and how their elements are numbered.

A file holds a tensor's axes in an order of its own. Its elements are numbered in C order of the canonical order of the
axes, so that every file's layout is a permutation of the same values (docs/recipe.md, section 6).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from service.numerics.dtypes import Values

Places = npt.NDArray[np.int64]


class Runs(NamedTuple):
    """Runs of the numbering, all of one length, and where their elements lie in memory."""

    out: Values  # 1-D and contiguous
    start: int  # number of the first run's first element, which is the first of `out`
    axes: Places  # what the runs differ by, fastest last: length, stride of the numbers, stride in `out`; shape (n, 3)
    length: int  # elements in each run
    pitch: int  # between neighbours of a run in `out`

    @property
    def run_count(self) -> int:
        """Number of runs."""
        return prod(self.axes[:, 0].tolist())

    @property
    def starts(self) -> Places:
        """The number of each run's first element."""
        return self._sums(self.start, 1)

    @property
    def places(self) -> Places:
        """Where in `out` each run's first element lies; ascending where the box was in C order."""
        return self._sums(0, 2)

    def _sums(self, start: int, column: int) -> Places:
        sums = np.array([start], np.int64)
        for axis in self.axes.tolist():
            sums = (sums[:, np.newaxis] + np.arange(axis[0], dtype=np.int64) * axis[column]).reshape(-1)
        return sums


class _Axis(NamedTuple):
    """One axis of a box, or several that can be walked as one."""

    length: int
    stride: int  # between the numbers of neighbours
    byte_stride: int  # between their places in memory


@dataclass(frozen=True, slots=True)
class Box:
    """A range of each axis of a tensor. Axes stand in the file's order."""

    sides: tuple[int, ...]  # lengths of the tensor's axes
    order: tuple[int, ...]  # the axes in canonical order: the first varies slowest in the numbering
    ranges: tuple[range, ...]  # what the box has of each axis

    @classmethod
    def whole(cls, sides: tuple[int, ...], order: tuple[int, ...]) -> Self:
        """Return the box that is the whole tensor."""
        return cls(sides, order, tuple(map(range, sides)))

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the box's axes."""
        return tuple(map(len, self.ranges))

    @property
    def elements(self) -> int:
        """Number of elements."""
        return prod(self.shape)

    @property
    def is_in_canonical_order(self) -> bool:
        """Whether the file's order of the axes is that of the numbering."""
        return self.order == tuple(range(len(self.order)))

    def split(self, start: int, stop: int) -> Iterator["Box"]:
        """Cut elements [start, stop) of this box, in the file's order, into boxes: at most 2 * rank - 1."""
        return map(self.part, split_run(self.shape, start, stop))

    def part(self, ranges: tuple[range, ...]) -> "Box":
        """Return what this box has of a range of each of its axes, which may end beyond it."""
        # A range indexed by a slice is a range: here, of the tensor instead of the box.
        parts = zip(self.ranges, ranges, strict=True)
        return Box(self.sides, self.order, tuple(whole[part.start : part.stop] for whole, part in parts))

    def runs(self, out: Values) -> Runs:
        """Return the fewest runs of the numbering that make up `out`, an array of the box's shape."""
        start, (*outer, run) = self._walk(out)
        # In the order of memory, so that neighbouring runs are written together.
        outer.sort(key=lambda axis: -axis.byte_stride)
        size = out.itemsize
        steps = [(axis.length, axis.stride, axis.byte_stride // size) for axis in outer]
        axes = np.array(steps, np.int64).reshape(-1, 3)
        return Runs(flat_of(out), start, axes, run.length, run.byte_stride // size)

    def _walk(self, out: Values) -> tuple[int, list[_Axis]]:
        """Return the number of the first element, and the axes in canonical order: the last is a run."""
        start, stride = 0, 1
        axes = [_Axis(1, 1, out.itemsize)]
        for axis in reversed(self.order):
            length, byte_stride = len(self.ranges[axis]), out.strides[axis]
            start += self.ranges[axis].start * stride
            inner = axes[0]
            if length > 1:
                if stride == 1:
                    axes[0] = _Axis(length, 1, byte_stride)
                elif (stride, byte_stride) == (inner.length * inner.stride, inner.length * inner.byte_stride):
                    axes[0] = inner._replace(length=length * inner.length)
                else:
                    axes.insert(0, _Axis(length, stride, byte_stride))
            stride *= self.sides[axis]
        return start, axes


def flat_of(out: Values) -> Values:
    """Return the memory from an array's first element to its last, which may hold others: 1-D and contiguous."""
    last = sum((side - 1) * stride for side, stride in zip(out.shape, out.strides, strict=True))
    return np.lib.stride_tricks.as_strided(out, (last // out.itemsize + 1,), (out.itemsize,))


def split_run(shape: tuple[int, ...], start: int, stop: int) -> Iterator[tuple[range, ...]]:
    """Cut the run [start, stop) of an array in C order into boxes: a range of each axis, at most 2 * rank - 1 times."""
    if start == stop:
        return
    if not shape:
        yield ()
        return
    inner = prod(shape[1:])
    (first, skipped), (last, left) = divmod(start, inner), divmod(stop, inner)
    if first == last:
        yield from ((range(first, first + 1), *rest) for rest in split_run(shape[1:], skipped, left))
        return
    if skipped:
        yield from ((range(first, first + 1), *rest) for rest in split_run(shape[1:], skipped, inner))
        first += 1
    if first < last:
        yield (range(first, last), *map(range, shape[1:]))
    if left:
        yield from ((range(last, last + 1), *rest) for rest in split_run(shape[1:], 0, left))
