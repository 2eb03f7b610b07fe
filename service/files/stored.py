"""What the readers of all formats give: named tensors, declared first and read later."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from service.errors import FieldError, InvalidRequest, shortened

BODY: Final = "body"
MOST_TENSORS: Final = 2001
LARGEST_SIDE: Final = 2**31 - 1

# Values are converted so many bytes at a time: of what is compressed, no more is ever inflated at once.
PIECE_BYTES: Final = 2**20
Values = Callable[[], Iterator[bytes | memoryview]]


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """One tensor of a file, as its header declares it."""

    name: str
    shape: tuple[int, ...]  # as in the file; every side from 1 to LARGEST_SIDE
    dtype: np.dtype[Any]  # as in the file: float16, bfloat16, float32 or float64, either byte order
    values: Values  # all bytes of the values, in pieces of at most PIECE_BYTES
    is_fortran: bool = False  # whether the first axis runs fastest

    @property
    def elements(self) -> int:
        """Number of values."""
        return prod(self.shape)

    def float32s(self, check_wanted: Callable[[], None]) -> npt.NDArray[np.float32]:
        """Return the values rounded to float32, in the file's shape; raise InvalidRequest if one is not finite.

        `check_wanted` is called now and then, and may raise.
        """
        values = np.empty(self.elements, np.float32)
        place, rest, not_finite = 0, b"", ""
        for piece in self.values():
            check_wanted()
            whole = b"".join((rest, piece)) if rest else piece
            count = len(whole) // self.dtype.itemsize
            rest = bytes(whole[count * self.dtype.itemsize :])
            stored = np.frombuffer(whole, self.dtype, count)
            not_finite = not_finite or self._convert(stored, values, place)
            place += count
        if not_finite:
            raise refusal(self.name, "must hold finite float32 numbers only, from -3.4e38 to 3.4e38", not_finite)
        return values.reshape(self.shape, order="F" if self.is_fortran else "C")

    def _convert(self, stored: npt.NDArray[Any], values: npt.NDArray[np.float32], place: int) -> str:
        """Put values in their place as float32; return the first that is not finite, and where, if there is one."""
        target = values[place : place + len(stored)]
        # NumPy warns of what is told here, and of tiny values, which become zero.
        with np.errstate(all="ignore"):
            target[:] = stored
            finite = np.isfinite(target)
        if finite.all():
            return ""
        first = int(np.argmin(finite))
        index = np.unravel_index(place + first, self.shape, order="F" if self.is_fortran else "C")
        return f"{float(stored[first])} at {[int(axis) for axis in index]}"


def pieces_of(values: memoryview) -> Iterator[memoryview]:
    """Return values that are in memory already in pieces."""
    return (values[start : start + PIECE_BYTES] for start in range(0, len(values), PIECE_BYTES))


def refusal(field: str, message: str, value: object = "") -> InvalidRequest:
    """Return the failure for one tensor, or for the body where no name is known."""
    return InvalidRequest((FieldError(shortened(field) or BODY, message, shortened(value)),))


def checked_shape(name: str, shape: Sequence[int]) -> tuple[int, ...]:
    """Return a tensor's shape; raise InvalidRequest unless all sides are within bounds."""
    if not all(1 <= side <= LARGEST_SIDE for side in shape):
        raise refusal(name, f"must have sizes from 1 to {LARGEST_SIDE}", str(list(shape)))
    return tuple(shape)
