"""The matrices that a tensor is made of: which elements of a box belong to which rows and columns of which."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from service.initializers.fans import KERNEL
from service.numerics.box import Box

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class MatrixAxes:
    """Which axes of a tensor, in canonical order, number its matrices, and which are their rows and their columns."""

    copies: int  # the first axes: each index has a matrix of its own
    rows: int  # the axes after them, positions of a kernel and inputs; all further ones are columns
    groups: int = 1
    grouped: int | None = None  # the axis that the groups share, one after the other

    def sides_in_group(self, sides: tuple[int, ...]) -> tuple[int, ...]:
        """Return the lengths of the axes that one matrix has of a tensor with these."""
        return tuple(
            1 if axis < self.copies else side // self.groups if axis == self.grouped else side
            for axis, side in enumerate(sides)
        )


def matrix_axes(axes: str, groups: int, *, is_transposed: bool, has_kernel: bool = True) -> MatrixAxes:
    """Return the matrices of a tensor with these axes, or those of its centre, which has no kernel.

    The groups divide the first output axis; that of a transposed convolution, the first input axis.
    """
    copies, inputs = axes.count("B"), axes.count("I") + axes.count("V")
    kernel = sum(map(axes.count, KERNEL)) if has_kernel else 0
    grouped = copies + kernel + (0 if is_transposed else inputs)
    return MatrixAxes(copies, kernel + inputs, groups, grouped if groups > 1 else None)


class Part(NamedTuple):
    """What a box has of one matrix."""

    base: int  # number of the matrix's first element in the stream
    place: tuple[slice, ...]  # in the box, in canonical order
    rows: Indices  # ascending
    columns: Indices  # ascending


@dataclass(frozen=True, slots=True)
class Matrices:
    """The matrices of a tensor with these sides, in canonical order."""

    axes: MatrixAxes
    sides: tuple[int, ...]
    own: tuple[int, ...]  # sides of one matrix

    @classmethod
    def of(cls, axes: MatrixAxes, box: Box) -> Self:
        """Return those of the tensor that a box is of."""
        sides = tuple(box.sides[axis] for axis in box.order)
        return cls(axes, sides, axes.sides_in_group(sides))

    @property
    def first_column(self) -> int:
        """Return the first axis of the columns."""
        return self.axes.copies + self.axes.rows

    @property
    def is_tall(self) -> bool:
        """Whether there are as many rows as columns or more."""
        return prod(self.own[: self.first_column]) >= prod(self.own[self.first_column :])

    @property
    def length(self) -> int:
        """Elements of one column of Q."""
        return max(prod(self.own[: self.first_column]), prod(self.own[self.first_column :]))

    @property
    def count(self) -> int:
        """Columns of Q."""
        return prod(self.own) // self.length

    def in_q(self, part: Part) -> tuple[Indices, Indices]:
        """Return the rows and the columns of Q that a part has: Q is the matrix, or its transpose if that is taller."""
        return (part.rows, part.columns) if self.is_tall else (part.columns, part.rows)

    def is_along_columns(self, axis: int) -> bool:
        """Whether neighbours along this canonical axis belong to one column of Q."""
        return axis >= self.axes.copies and (axis < self.first_column) == self.is_tall

    def parts(self, box: Box) -> Iterator[Part]:
        """Return what the box has of each matrix."""
        ranges = [box.ranges[axis] for axis in box.order]
        copies = ranges[: self.axes.copies]
        for copy in product(*(enumerate(indices) for indices in copies)):
            number = 0
            for (_, index), side in zip(copy, self.sides, strict=False):
                number = number * side + index
            place = tuple(slice(at, at + 1) for at, _ in copy)
            for group in range(self.axes.groups):
                part = self._part(number, group, place, ranges)
                if part is not None:
                    yield part

    def _part(self, copy: int, group: int, place: tuple[slice, ...], ranges: list[range]) -> Part | None:
        own = []
        for axis in range(self.axes.copies, len(ranges)):
            whole = ranges[axis]
            first = group * self.own[axis] if axis == self.axes.grouped else 0
            start, stop = max(whole.start, first), min(whole.stop, first + self.own[axis])
            if start >= stop:
                return None
            place = (*place, slice(start - whole.start, stop - whole.start))
            own.append(range(start - first, stop - first))
        sides, rows = self.own[self.axes.copies :], self.axes.rows
        base = (copy * self.axes.groups + group) * prod(self.own)
        return Part(base, place, _numbers(own[:rows], sides[:rows]), _numbers(own[rows:], sides[rows:]))


def _numbers(ranges: list[range], sides: tuple[int, ...]) -> Indices:
    """Return the numbers, in C order of axes with these sides, of the elements that ranges of the axes hold."""
    numbers = np.zeros(1, np.int64)
    for indices, side in zip(ranges, sides, strict=True):
        numbers = (numbers[:, None] * side + np.arange(indices.start, indices.stop)).reshape(-1)
    return numbers
