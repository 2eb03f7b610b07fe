"""Kernels that are an orthogonal matrix at their centre: Xiao et al. 2018, arXiv:1806.05393, algorithm 1."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import prod
from typing import Self

from service.initializers.initializer import DrawnTogether
from service.initializers.kernels import centre
from service.initializers.orthogonal import Orthogonal
from service.initializers.schemes import Choice
from service.numerics.box import Box
from service.numerics.dtypes import Values


@dataclass(frozen=True, slots=True)
class DeltaOrthogonal:
    """An orthogonal matrix (inputs, outputs) at the centre of a kernel, 0 elsewhere."""

    kernel: range  # the kernel's axes in canonical order, which stand behind the copies
    matrix: Orthogonal  # of the tensor without these axes

    @property
    def choice(self) -> Choice:
        """What a plan says of the values."""
        return self.matrix.choice

    def fill(self, out: Values, box: Box) -> None:
        """Write the values of a box to `out`, an array of the box's shape, rounded to its dtype."""
        out[...] = 0
        place = self._centre(box)
        if place is not None:
            self.matrix.fill(out[place], self._without_kernel(box))

    def under(self, key: str) -> Self:
        """Return the same initializer drawing under this name."""
        return replace(self, matrix=self.matrix.under(key))

    def drawn_together(self, box: Box) -> DrawnTogether:
        """Return how a box is best cut, and the memory that this takes."""
        inner = self.matrix.drawn_together(self._without_kernel(box))
        kernel = {box.order[axis] for axis in self.kernel}
        first = min(set(box.order) - kernel)  # in the file
        positions = prod(len(box.ranges[axis]) for axis in kernel if axis > first)
        return inner._replace(run=inner.run * positions)

    def drawings(self, box: Box) -> Iterator[Callable[[], object]]:
        """Return what to call, in any threads, so that filling runs of this box finds the panels that it needs."""
        return iter(()) if self._centre(box) is None else self.matrix.drawings(self._without_kernel(box))

    def _centre(self, box: Box) -> tuple[int | slice, ...] | None:
        """Return the index of the centre in the box, whole along the other axes; None where it lies outside."""
        place: list[int | slice] = [slice(None)] * len(box.sides)
        for axis in (box.order[number] for number in self.kernel):
            if centre(box.sides[axis]) not in box.ranges[axis]:
                return None
            place[axis] = centre(box.sides[axis]) - box.ranges[axis].start
        return tuple(place)

    def _without_kernel(self, box: Box) -> Box:
        kernel = {box.order[axis] for axis in self.kernel}
        kept = [axis for axis in range(len(box.sides)) if axis not in kernel]
        order = tuple(kept.index(axis) for axis in box.order if axis not in kernel)
        return Box(tuple(box.sides[axis] for axis in kept), order, tuple(box.ranges[axis] for axis in kept))
