"""Tensors made of several: each part, and each copy, is a tensor of its own inside."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate, pairwise, product
from math import prod
from typing import Self

from service.initializers.initializer import DrawnTogether, Keyed
from service.initializers.schemes import Choice
from service.numerics.box import Box
from service.numerics.dtypes import Values


@dataclass(frozen=True, slots=True)
class Part:
    """One of the tensors that lie behind each other along an axis."""

    name: str  # what its key has after the sign #
    size: int  # along the axis
    initializer: Keyed


@dataclass(frozen=True)
class Parts:
    """Tensors behind each other along one axis of the file."""

    choice: Choice  # of the first part
    axis: int
    parts: tuple[Part, ...]

    def fill(self, out: Values, box: Box) -> None:
        """Write the values of a box to `out`, an array of the box's shape, rounded to its dtype."""
        done = 0
        for part, inner in self._inside(box):
            size = inner.shape[self.axis]
            part.initializer.fill(out[(slice(None),) * self.axis + (slice(done, done + size),)], inner)
            done += size

    def drawn_together(self, box: Box) -> DrawnTogether | None:
        """Return how a box is best cut, and the memory that this takes."""
        runs = []
        for part, inner in self._inside(box):
            together = part.initializer.drawn_together(inner)
            if together is None:
                return None
            # Behind whole rows of a part come those of the others.
            rows = together.run // prod(inner.shape[self.axis :])
            if rows and (self.axis > 0 or together.needs_panels):
                together = together._replace(run=rows * prod(box.shape[self.axis :]))
            runs.append(together)
        needs_panels = any(together.needs_panels for together in runs)
        kept = sum if needs_panels else max
        return DrawnTogether(
            max(together.run for together in runs),
            needs_panels,
            kept(together.bytes for together in runs),
            max(together.drawing for together in runs),
        )

    def drawings(self, box: Box) -> Iterator[Callable[[], object]]:
        """Return what to call, in any threads, so that filling runs of this box finds the panels that it needs."""
        for part, inner in self._inside(box):
            together = part.initializer.drawn_together(inner)
            if together is not None and together.needs_panels:
                yield from part.initializer.drawings(inner)

    def under(self, key: str) -> Self:
        """Return the same parts, each drawing under this name and its own."""
        parts = (replace(part, initializer=part.initializer.under(f"{key}#{part.name}")) for part in self.parts)
        return replace(self, parts=tuple(parts))

    def _inside(self, box: Box) -> Iterator[tuple[Part, Box]]:
        """Return the parts that a box has something of, and what."""
        asked = box.ranges[self.axis]
        for part, (start, stop) in zip(self.parts, self._bounds, strict=True):
            first, end = max(asked.start, start), min(asked.stop, stop)
            if first < end:
                yield part, _replaced(box, self.axis, part.size, range(first - start, end - start))

    @cached_property
    def _bounds(self) -> tuple[tuple[int, int], ...]:
        return tuple(pairwise(accumulate((part.size for part in self.parts), initial=0)))


@dataclass(frozen=True, slots=True)
class Copies:
    """Independent tensors along some axes, each drawing under a name of its own."""

    axes: tuple[int, ...]  # of the file, in its order
    template: str  # of the names: BLANK stands for the number of the copy
    copy: Keyed

    @property
    def choice(self) -> Choice:
        """What a plan says of the values of each copy."""
        return self.copy.choice

    def fill(self, out: Values, box: Box) -> None:
        """Write the values of a box to `out`, an array of the box's shape, rounded to its dtype."""
        inner = self._inside(box)
        for place, copy in self._copies(box):
            index = [slice(None)] * out.ndim
            for axis, at in zip(self.axes, place, strict=True):
                index[axis] = slice(at - box.ranges[axis].start, at - box.ranges[axis].start + 1)
            copy.fill(out[tuple(index)], inner)

    def drawn_together(self, box: Box) -> DrawnTogether | None:
        """Return how a box is best cut, and the memory that this takes."""
        together = self.copy.drawn_together(self._inside(box))
        if together is None:
            return None
        outer = 0  # axes before all others that only number copies
        while outer in self.axes:
            outer += 1
        crossed = prod(len(box.ranges[axis]) for axis in self.axes if axis >= outer)
        if crossed == 1 and not together.needs_panels:
            return together
        return together._replace(run=prod(box.shape[outer:]), needs_panels=True, bytes=together.bytes * crossed)

    def drawings(self, box: Box) -> Iterator[Callable[[], object]]:
        """Return what to call, in any threads, so that filling runs of this box finds the panels that it needs."""
        for _, copy in self._copies(box):
            yield from copy.drawings(self._inside(box))

    def _copies(self, box: Box) -> Iterator[tuple[tuple[int, ...], Keyed]]:
        """Return the places of the copies that a box has something of, and what draws them."""
        for place in product(*(box.ranges[axis] for axis in self.axes)):
            number = 0
            for axis, at in zip(self.axes, place, strict=True):
                number = number * box.sides[axis] + at
            yield place, self.copy.under(self.template.replace(BLANK, str(number)))

    def _inside(self, box: Box) -> Box:
        """Return what a box has of each copy."""
        for axis in self.axes:
            box = _replaced(box, axis, 1, range(1))
        return box


BLANK = "$b"


def _replaced(box: Box, axis: int, side: int, asked: range) -> Box:
    """Return the box with another side and range of one axis."""
    sides = (*box.sides[:axis], side, *box.sides[axis + 1 :])
    return Box(sides, box.order, (*box.ranges[:axis], asked, *box.ranges[axis + 1 :]))
