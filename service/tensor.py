"""One tensor of a network, undrawn, and rectangular blocks of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

import numpy as np

from service.errors import FieldError, InvalidRequest
from service.numerics.dtypes import DTYPES, DType, Values
from service.numerics.sampler import Stream
from service.numerics.schemes import Choice, Fan
from service.spec import Layout

# Values drawn in one unit of work, in bytes: small enough to stay near the core's cache.
UNIT_BYTES = 2**19
# The same for a panel of a transposed tensor. The longer a panel's runs in the tensor's own
# order, the fewer of the words drawn for it lie outside of it.
PANEL_BYTES = 2**22


@dataclass(frozen=True, slots=True)
class Tensor:
    """One weight or bias: what is known of it before a number is drawn."""

    name: str
    shape: tuple[int, ...]  # in the layout asked for
    dtype: DType
    layout: Layout
    fan: Fan
    choice: Choice
    offset: int  # elements of the network before this tensor
    stream: Stream | None  # None where all values are zero

    @property
    def elements(self) -> int:
        """Number of values."""
        return prod(self.shape)

    @property
    def byte_count(self) -> int:
        """Size of the values in bytes."""
        return self.elements * DTYPES[self.dtype].size

    def whole(self) -> "Block":
        """Return the block that is the whole tensor."""
        rows, columns = self._sides()
        return Block(self, range(rows), range(columns))

    def cut(self, rows: range | None, columns: range | None) -> "Block":
        """Return the block of these rows and columns, None meaning all; raise InvalidRequest outside of the tensor."""
        if columns is not None and len(self.shape) == 1:
            message = f"does not apply to {self.name}, which has one axis: use rows"
            raise InvalidRequest((FieldError("columns", message, f"{columns.start}:{columns.stop}"),))
        all_rows, all_columns = (range(side) for side in self._sides())
        if len(self.shape) == 1:
            return Block(self, all_rows, _within("rows", rows, all_columns))
        return Block(self, _within("rows", rows, all_rows), _within("columns", columns, all_columns))

    def fill(self, out: Values, rows: range, columns: range) -> None:
        """Write a rectangle, in the layout asked for, to `out` of shape (len(rows), len(columns))."""
        if self.stream is None:
            out[...] = 0
            return
        if self.layout is Layout.OUT_IN:
            rows, columns, out = columns, rows, out.T
        self.stream.fill_rows(out, rows.start * self.fan.outputs + columns.start, self.fan.outputs)

    def _sides(self) -> tuple[int, int]:
        """Return the shape as a matrix: a bias is one row."""
        return self.shape if len(self.shape) == 2 else (1, self.shape[0])


def _within(field: str, asked: range | None, whole: range) -> range:
    if asked is None:
        return whole
    if asked.stop > whole.stop:
        message = f"must lie within 0:{whole.stop}"
        raise InvalidRequest((FieldError(field, message, f"{asked.start}:{asked.stop}"),))
    return asked


@dataclass(frozen=True, slots=True)
class Block:
    """A rectangular part of a tensor, read as one row-major run of elements."""

    tensor: Tensor
    rows: range
    columns: range

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the values, with as many axes as the tensor has."""
        sides = (len(self.rows), len(self.columns))
        return sides[-len(self.tensor.shape) :]

    @property
    def elements(self) -> int:
        """Number of values."""
        return len(self.rows) * len(self.columns)

    @property
    def byte_count(self) -> int:
        """Size of the values in bytes."""
        return self.elements * DTYPES[self.tensor.dtype].size

    def read(self, start: int, stop: int) -> Values:
        """Return elements [start, stop): shape (stop - start,), in the tensor's dtype."""
        values = np.empty(stop - start, DTYPES[self.tensor.dtype].numpy)
        self.fill(values, start)
        return values

    def fill(self, out: Values, start: int) -> None:
        """Write elements [start, start + len(out)) to the 1-D array `out` of the tensor's dtype."""
        done = 0
        for rows, columns in _rectangles(start, start + out.size, len(self.columns)):
            size = len(rows) * len(columns)
            rectangle = out[done : done + size].reshape(len(rows), len(columns))
            # A range indexed by a slice is a range: here, of the tensor instead of the block.
            self.tensor.fill(rectangle, self.rows[rows.start : rows.stop], self.columns[columns.start : columns.stop])
            done += size

    def units(self, start: int, stop: int) -> Iterator[tuple[int, int]]:
        """Cut the run [start, stop) where it is cheapest to draw the parts apart."""
        width = len(self.columns)
        most_bytes = PANEL_BYTES if self.tensor.layout is Layout.OUT_IN else UNIT_BYTES
        most = most_bytes // DTYPES[self.tensor.dtype].size
        step = most if width > most else width * (most // width)
        while start < stop:
            end = min(stop, (start // step + 1) * step)
            yield start, end
            start = end


def _rectangles(start: int, stop: int, width: int) -> Iterator[tuple[range, range]]:
    """Cut the run [start, stop) of a row-major matrix into at most three rectangles, as rows and columns."""
    while start < stop:
        row, column = divmod(start, width)
        whole_rows = 0 if column else (stop - start) // width
        if whole_rows:
            yield range(row, row + whole_rows), range(width)
            start += whole_rows * width
        else:
            end = min(stop, (row + 1) * width)
            yield range(row, row + 1), range(column, column + end - start)
            start = end
