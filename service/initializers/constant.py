"""One value for every element."""

from dataclasses import dataclass

from service.initializers.initializer import WithoutKey
from service.initializers.schemes import Choice
from service.numerics.box import Box
from service.numerics.dtypes import Values, rounded


@dataclass(frozen=True, slots=True)
class Constant(WithoutKey):
    """The same value everywhere."""

    choice: Choice
    value: float

    def fill(self, out: Values, box: Box) -> None:  # noqa: ARG002 - every box has the same values
        """Write the values of a box to `out`, an array of the box's shape, rounded to its dtype."""
        out[...] = rounded(self.value, out.dtype.name)
