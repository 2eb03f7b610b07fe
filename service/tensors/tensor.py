"""Tensors before a number is drawn, and rectangular parts of them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import prod
from typing import NamedTuple

import numpy as np

from service.errors import FieldError, InvalidRequest
from service.initializers.fans import Fan
from service.initializers.initializer import Initializer
from service.numerics.box import Box
from service.numerics.dtypes import DTYPES, TensorDType, Values
from service.numerics.recipe.philox import ELEMENTS_PER_BLOCK

# Values drawn in one unit of work, in bytes: small enough to stay near the core's cache.
UNIT_BYTES = 2**19
# The same for a tensor whose file has the axes in another order than the numbering. The longer a panel's runs in the
# numbering, the fewer of the words drawn for it lie outside of it.
PANEL_BYTES = 2**22


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor: all that is known of it before a number is drawn."""

    name: str
    shape: tuple[int, ...]  # in the file's order of the axes
    order: tuple[int, ...]  # the file's axes in canonical order: see Box
    dtype: TensorDType
    fan: Fan | None  # of its first part; None where nothing says it
    initializer: Initializer

    @property
    def elements(self) -> int:
        """Number of values."""
        return prod(self.shape)

    @property
    def byte_count(self) -> int:
        """Size of the values in bytes."""
        return self.elements * DTYPES[self.dtype].size

    def whole(self) -> "TensorBox":
        """Return the box that is the whole tensor."""
        return TensorBox(self, Box.whole(self.shape, self.order))

    def part(self, ranges: tuple[range, ...]) -> "TensorBox":
        """Return the box of these ranges, one within each axis."""
        return TensorBox(self, Box(self.shape, self.order, ranges))

    def cut(self, rows: range | None, columns: range | None) -> "TensorBox":
        """Return the box of these rows and columns, None meaning all; raise InvalidRequest outside of the tensor."""
        if columns is not None and len(self.shape) == 1:
            message = f"does not apply to {self.name}, which has one axis: use rows"
            raise InvalidRequest((FieldError("columns", message, f"{columns.start}:{columns.stop}"),))
        asked = {"rows": rows, "columns": columns}
        ranges = (_within(field, asked[field], side) for field, side in zip(asked, self.shape, strict=False))
        return TensorBox(self, Box(self.shape, self.order, tuple(ranges)))


def _within(field: str, asked: range | None, side: int) -> range:
    if asked is None:
        return range(side)
    if asked.stop > side:
        message = f"must lie within 0:{side}"
        raise InvalidRequest((FieldError(field, message, f"{asked.start}:{asked.stop}"),))
    return asked


def _even(rows: int) -> int:
    """Return at most so many rows, such that runs of them end where blocks of the recipe do."""
    return rows - rows % ELEMENTS_PER_BLOCK if rows > ELEMENTS_PER_BLOCK else rows


class Unit(NamedTuple):
    """A run of elements that is drawn at once."""

    start: int
    stop: int
    panels: tuple[Callable[[], object], ...] = ()  # to be called before this unit and those behind it are drawn
    memory: int = 0  # bytes that drawing the unit takes beside its values, or each of its panels where it has some


@dataclass(frozen=True, slots=True)
class TensorBox:
    """The values of a box of a tensor, undrawn, as one run of elements in the file's order."""

    tensor: Tensor
    box: Box

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes."""
        return self.box.shape

    @property
    def elements(self) -> int:
        """Number of values."""
        return self.box.elements

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
        for box in self.box.split(start, start + out.size):
            self.tensor.initializer.fill(out[done : done + box.elements].reshape(box.shape), box)
            done += box.elements

    @property
    def drawing_bytes(self) -> int:
        """Memory that drawing takes beside the values: 0 where each is drawn alone."""
        together = self.tensor.initializer.drawn_together(self.box)
        return 0 if together is None else together.bytes

    def units(self, start: int, stop: int) -> Iterator[Unit]:
        """Cut the run [start, stop) where it is cheapest to draw the parts apart."""
        together = self.tensor.initializer.drawn_together(self.box)
        if together is None:
            yield from cut_run(start, stop, self.unit_elements())
        elif not together.needs_panels:
            yield from (unit._replace(memory=together.drawing) for unit in cut_run(start, stop, together.run))
        else:
            for run in cut_run(start, stop, together.run):
                panels = tuple(self.panels(run.start, run.stop))
                for number, unit in enumerate(cut_run(run.start, run.stop, self.unit_elements())):
                    yield unit if number else unit._replace(panels=panels, memory=together.drawing)

    def unit_elements(self) -> int:
        """Return how many values are best drawn at once, where each can be drawn alone."""
        size, row = DTYPES[self.tensor.dtype].size, prod(self.shape[1:])
        # A part of one row has runs of one element, however much of it is drawn at once.
        has_panels = not self.box.is_in_canonical_order and row * size <= PANEL_BYTES
        most = (PANEL_BYTES if has_panels else UNIT_BYTES) // size
        return most if row > most else row * _even(most // row)

    def panels(self, start: int, stop: int) -> Iterator[Callable[[], object]]:
        """Return what to call before elements [start, stop) are written: see `Initializer.drawings`."""
        for box in self.box.split(start, stop):
            yield from self.tensor.initializer.drawings(box)


def cut_run(start: int, stop: int, step: int) -> Iterator[Unit]:
    """Cut [start, stop) at the multiples of a step."""
    while start < stop:
        end = min(stop, (start // step + 1) * step)
        yield Unit(start, end)
        start = end
