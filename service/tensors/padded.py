"""Parts of a tensor that are filled up to a shape: chunks at its far edge, which are as large as all others."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

import numpy as np

from service.numerics.box import split_run
from service.numerics.dtypes import DTYPES, Values
from service.tensors.tensor import Tensor, TensorBox, Unit, cut_run


@dataclass(frozen=True, slots=True)
class PaddedBox:
    """The values of a box, undrawn, and zeros behind it along each axis, as one run of elements in the file's order."""

    inner: TensorBox
    shape: tuple[int, ...]  # lengths of the axes with the zeros

    @property
    def tensor(self) -> Tensor:
        """The tensor that the box is of."""
        return self.inner.tensor

    @property
    def elements(self) -> int:
        """Number of values, zeros included."""
        return prod(self.shape)

    @property
    def byte_count(self) -> int:
        """Size of the values in bytes."""
        return self.elements * DTYPES[self.tensor.dtype].size

    @property
    def drawing_bytes(self) -> int:
        """Memory that drawing takes beside the values: 0 where each is drawn alone."""
        return self.inner.drawing_bytes

    def read(self, start: int, stop: int) -> Values:
        """Return elements [start, stop): shape (stop - start,), in the tensor's dtype."""
        values = np.empty(stop - start, DTYPES[self.tensor.dtype].numpy)
        self.fill(values, start)
        return values

    def fill(self, out: Values, start: int) -> None:
        """Write elements [start, start + len(out)) to the 1-D array `out` of the tensor's dtype."""
        out[...] = 0
        done = 0
        for ranges in split_run(self.shape, start, start + out.size):
            shape = tuple(map(len, ranges))
            part = out[done : done + prod(shape)].reshape(shape)
            box = self.inner.box.part(ranges)
            if box.elements:
                self.tensor.initializer.fill(part[tuple(map(slice, box.shape))], box)
            done += part.size

    def units(self, start: int, stop: int) -> Iterator[Unit]:
        """Cut the run [start, stop) where it is cheapest to draw the parts apart."""
        together = self.tensor.initializer.drawn_together(self.inner.box)
        if together is None:
            yield from cut_run(start, stop, self.inner.unit_elements())
            return
        # Its runs are not those of the box, so all of it is drawn at once, beside a copy.
        panels = tuple(self.inner.panels(0, self.inner.elements)) if together.needs_panels else ()
        yield Unit(start, stop, panels, together.drawing + self.inner.byte_count)
