"""Kernels that pass their inputs on, and where a kernel's centre is."""

from dataclasses import dataclass
from math import prod

import numpy as np

from service.initializers.initializer import WithoutKey
from service.initializers.matrices import Matrices, MatrixAxes
from service.initializers.schemes import Choice
from service.numerics.box import Box
from service.numerics.dtypes import Values
from service.numerics.rounding import store


def centre(size: int) -> int:
    """Return the middle position of a kernel's axis: of an even number, the first of the two in the middle."""
    return (size - 1) // 2


@dataclass(frozen=True, slots=True)
class Identity(WithoutKey):
    """`gain` where output and input of a copy or group have the same number at the kernel's centre, 0 elsewhere.

    A convolution with it gives back its input: Zagoruyko and Komodakis 2017, arXiv:1706.00388, section 3.1.
    """

    choice: Choice
    axes: MatrixAxes
    kernel: int  # number of kernel axes, the first of the rows
    gain: float = 1.0

    def fill(self, out: Values, box: Box) -> None:
        """Write the values of a box to `out`, an array of the box's shape, rounded once to its dtype."""
        matrices = Matrices.of(self.axes, box)
        first_input = self.axes.copies + self.kernel
        inputs = prod(matrices.own[first_input : matrices.first_column])
        position = 0
        for side in matrices.own[self.axes.copies : first_input]:
            position = position * side + centre(side)
        canonical = out.transpose(box.order)
        for part in matrices.parts(box):
            own_inputs = np.where(part.rows // inputs == position, part.rows % inputs, -1)
            target = canonical[part.place]
            values = np.where(own_inputs[:, None] == part.columns, self.gain, 0.0)
            store(values.reshape(target.shape), target)
