"""Any run or any block of a tensor's elements, without drawing what stands before them."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from service.numerics.distributions import DistributionName, Source
from service.numerics.dtypes import Values

# Whichever twin draws, the bits are the same.
try:
    from service.numerics.compiled import TWIN, fill_rows
except ImportError:
    from service.numerics.interpreted import TWIN, fill_rows

__all__ = ["TWIN", "Stream"]


@dataclass(frozen=True, slots=True)
class Stream:
    """The elements of one tensor, numbered in C order of its canonical shape (fan_in, fan_out)."""

    source: Source

    @classmethod
    def of(cls, seed: int, tensor: str, distribution: DistributionName, std: float) -> Self:
        """Return the stream of a tensor whose elements have standard deviation `std`."""
        return cls(Source.of(seed, tensor, distribution, std))

    def fill(self, out: Values, start: int) -> None:
        """Write elements [start, start + len(out)) to the 1-D array `out`, rounded to its dtype."""
        self.fill_rows(out[np.newaxis], start, out.size)

    def fill_rows(self, out: Values, start: int, stride: int) -> None:
        """Write to row k of the 2-D array `out` the elements from start + k * stride on, rounded to its dtype.

        The arrays that the service fills are contiguous, in C or in Fortran order; others take longer.
        """
        fill_rows(out, self.source, start, stride)
