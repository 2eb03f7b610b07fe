"""What the files that a client may send have in common: named tensors, declared first and read later."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from service.errors import FieldError, InvalidRequest
from service.numerics.reference import Floats
from service.spec import LARGEST_WIDTH, shortened

BODY: Final = "body"
INPUTS: Final = "inputs"
KNOWN: Final = "layers.N.weight, layers.N.bias (N counts from 0) and inputs"
MOST_LAYERS: Final = 1000
MOST_TENSORS: Final = 2 * MOST_LAYERS + 1
# At most nine digits, so that every number found is cheap to read.
LAYER_TENSOR = re.compile(r"layers\.(0|[1-9][0-9]{0,8})\.(weight|bias)", re.ASCII)
AXES = {"weight": ("fan_in", "fan_out"), "bias": ("width",), INPUTS: ("samples", "width")}

# Reads the values as the file stores them: float16, bfloat16, float32 or float64, either byte order.
Read = Callable[[], npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """One tensor of a file, as its header declares it."""

    name: str
    shape: tuple[int, ...]  # as in the file; every size from 1 to LARGEST_WIDTH
    read: Read

    def values(self) -> Floats:
        """Return the values rounded to float32, in the file's shape; raise InvalidRequest if one is not finite."""
        stored = self.read()
        # NumPy warns of what is refused below, and of tiny values, which become zero.
        with np.errstate(all="ignore"):
            values = stored.astype(np.float32, copy=False)
            finite = np.isfinite(values)
        if finite.all():
            return values
        place = tuple(int(index) for index in np.unravel_index(np.argmin(finite), self.shape))
        found = f"{float(stored[place])} at {list(place)}"
        raise refusal(self.name, "must hold finite float32 numbers only, from -3.4e38 to 3.4e38", found)


def refusal(field: str, message: str, value: object = "") -> InvalidRequest:
    """Return the failure for one tensor, or for the body where no name is known."""
    return InvalidRequest((FieldError(shortened(field) or BODY, message, shortened(value)),))


def kind_of(name: str) -> tuple[str, int]:
    """Return a tensor's kind, a key of AXES, and its layer's number (0 for inputs); raise InvalidRequest if unknown."""
    if name == INPUTS:
        return INPUTS, 0
    match = LAYER_TENSOR.fullmatch(name)
    if match is None:
        raise refusal(name, f"is not a tensor that is known here: known are {KNOWN}")
    number = int(match[1])
    if number >= MOST_LAYERS:
        raise refusal(name, f"is one layer too many: at most {MOST_LAYERS} layers are diagnosed")
    return match[2], number


def checked_shape(name: str, shape: Sequence[int]) -> tuple[int, ...]:
    """Return a tensor's shape; raise InvalidRequest if its name is unknown or it has other axes than that name says."""
    axes = AXES[kind_of(name)[0]]
    found = ", ".join(str(size) for size in shape[: len(AXES) + 1])
    if len(shape) != len(axes):
        many = "one axis" if len(axes) == 1 else "two axes"
        raise refusal(name, f"must have {many}, {' and '.join(axes)}", f"{len(shape)}: [{found}]")
    if not all(1 <= size <= LARGEST_WIDTH for size in shape):
        raise refusal(name, f"must have sizes from 1 to {LARGEST_WIDTH}", f"[{found}]")
    return tuple(shape)
