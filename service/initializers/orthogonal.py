"""Orthogonal matrices, exact: docs/recipe.md, section 12.

A matrix with as many rows as columns or more is the first columns of Q, which are orthonormal; another is the transpose
of such a matrix. So there are *columns of Q*, which cost the more the further they are to the right, and come whole
or not at all. Where a run of the file holds whole columns of Q, just those are drawn. Where it crosses them, the panels
that they belong to are drawn once and kept.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from math import prod
from typing import Self

import numpy as np

from service.initializers.drawn_panels import DrawnPanels, PanelKey
from service.initializers.initializer import DrawnTogether
from service.initializers.matrices import Indices, Matrices, MatrixAxes, Part
from service.initializers.schemes import Choice
from service.numerics.box import Box
from service.numerics.dtypes import Values
from service.numerics.recipe import backend
from service.numerics.recipe.philox import Key, key_of
from service.numerics.recipe.reference import Float32s
from service.numerics.recipe.reflections import Reflections

# Of all orthogonal tensors of a process. Whoever sets limits may change `most_bytes`.
KEPT = DrawnPanels(2**28)


@dataclass(frozen=True)
class Orthogonal:
    """Matrices with orthonormal columns, or rows where those are fewer, uniform among all such matrices, times gain."""

    choice: Choice
    seed: int
    key: str  # the name that the recipe draws under: that of the tensor
    axes: MatrixAxes
    gain: float = 1.0
    panels: DrawnPanels = field(default=KEPT, repr=False, compare=False)

    def fill(self, out: Values, box: Box) -> None:
        """Write the values of a box to `out`, an array of the box's shape, rounded to its dtype."""
        matrices = Matrices.of(self.axes, box)
        canonical = out.transpose(box.order)
        keeps = _crosses_columns(matrices, box)
        for part in matrices.parts(box):
            is_whole = matrices.in_q(part)[0].size == matrices.length
            values = self._draw(part, matrices) if is_whole and not keeps else self._take(part, matrices)
            target = canonical[part.place]
            target[...] = (values if matrices.is_tall else values.T).reshape(target.shape)

    def under(self, key: str) -> Self:
        """Return the same initializer drawing under this name."""
        return replace(self, key=key)

    def drawn_together(self, box: Box) -> DrawnTogether:
        """Return how a box is best cut, and the memory that this takes."""
        matrices = Matrices.of(self.axes, box)
        width = Reflections(self._key, 0, matrices.length).panel_columns
        drawing = 8 * matrices.length * width  # as float64
        if not _crosses_columns(matrices, box):
            along = (
                len(box.ranges[axis]) for number, axis in enumerate(box.order) if matrices.is_along_columns(number)
            )
            return DrawnTogether(width * prod(along), needs_panels=False, bytes=drawing, drawing=drawing)
        outer = 0  # axes before all others that only number matrices
        while box.order.index(outer) < self.axes.copies:
            outer += 1
        firsts = (indices[:1] if axis < outer else indices for axis, indices in enumerate(box.ranges))
        one = Box(box.sides, box.order, tuple(firsts))
        kept = sum(key.byte_count for key in self._panel_keys(one))
        return DrawnTogether(prod(box.shape[outer:]), needs_panels=True, bytes=kept + drawing, drawing=drawing)

    def drawings(self, box: Box) -> Iterator[Callable[[], object]]:
        """Return what to call, in any threads, so that filling runs of this box finds the panels that it needs."""
        return (partial(self.panels.get, key, _drawn_panel) for key in self._panel_keys(box))

    def _panel_keys(self, box: Box) -> Iterator[PanelKey]:
        matrices = Matrices.of(self.axes, box)
        for part in matrices.parts(box):
            yield from self._panels_of(part, matrices)

    def _panels_of(self, part: Part, matrices: Matrices) -> Iterator[PanelKey]:
        """Return the panels that a part's columns belong to."""
        reflections = Reflections(self._key, part.base, matrices.length)
        width = reflections.panel_columns
        columns = matrices.in_q(part)[1]
        for start in (np.unique(columns // width) * width).tolist():
            yield PanelKey(reflections, range(start, min(start + width, matrices.count)), self.gain)

    def _draw(self, part: Part, matrices: Matrices) -> Float32s:
        """Return these columns of Q, drawn alone."""
        reflections = Reflections(self._key, part.base, matrices.length)
        width, columns = reflections.panel_columns, matrices.in_q(part)[1]
        starts = range(0, columns.size, width)
        return np.hstack([_drawn(reflections, columns[start : start + width], self.gain) for start in starts])

    def _take(self, part: Part, matrices: Matrices) -> Float32s:
        """Return these rows and columns of Q, from panels that are kept."""
        rows, columns = matrices.in_q(part)
        values = np.empty((rows.size, columns.size), np.float32)
        for key in self._panels_of(part, matrices):
            own = slice(*np.searchsorted(columns, (key.columns.start, key.columns.stop)))
            values[:, own] = self.panels.get(key, _drawn_panel)[np.ix_(rows, columns[own] - key.columns.start)]
        return values

    @cached_property
    def _key(self) -> Key:
        return key_of(self.seed, self.key)


def _crosses_columns(matrices: Matrices, box: Box) -> bool:
    """Whether the file runs from one column of Q to another before it is through with the first."""
    canonical = {axis: number for number, axis in enumerate(box.order)}
    long = (axis for axis, indices in enumerate(box.ranges) if len(indices) > 1)
    along = [matrices.is_along_columns(canonical[axis]) for axis in long]
    return along != sorted(along)


def _drawn_panel(key: PanelKey) -> Float32s:
    return _drawn(key.reflections, np.arange(key.columns.start, key.columns.stop), key.gain)


def _drawn(reflections: Reflections, columns: Indices, gain: float) -> Float32s:
    values = np.empty((reflections.length, columns.size), np.float32)
    backend.draw_columns(values, reflections, columns, gain)
    return values
