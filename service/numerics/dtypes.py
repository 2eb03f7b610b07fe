"""The number types that values can be rounded to."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import inf
from types import MappingProxyType
from typing import Any

import ml_dtypes
import numpy as np
import numpy.typing as npt

BFLOAT16 = np.dtype(ml_dtypes.bfloat16).newbyteorder("<")

Values = npt.NDArray[Any]  # of one of the types below


class DType(StrEnum):
    """Number type of the values; float64 is the exact widening of float32, the short ones are it rounded to even."""

    FLOAT32 = "float32"
    FLOAT64 = "float64"
    FLOAT16 = "float16"
    BFLOAT16 = "bfloat16"


class TensorDType(StrEnum):
    """Number type of a tensor: those of random values, and for constants and tables integers and bool (0 and 1)."""

    FLOAT32 = "float32"
    FLOAT64 = "float64"
    FLOAT16 = "float16"
    BFLOAT16 = "bfloat16"
    INT64 = "int64"
    INT32 = "int32"
    UINT8 = "uint8"
    BOOL = "bool"


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """How one number type is stored: always little-endian."""

    numpy: np.dtype[Any]
    size: int  # bytes
    largest_std: float  # with a margin: no weight is more than 6.67 standard deviations from zero; 0: none is random
    smallest: float = -inf  # of the whole numbers it holds exactly; of floats, the range that rounds to a finite one
    largest: float = inf

    @property
    def is_float(self) -> bool:
        """Whether it holds fractions, and so random values."""
        return self.largest_std > 0


DTYPES: Mapping[str, NumberFormat] = MappingProxyType(
    {
        DType.FLOAT32: NumberFormat(np.dtype("<f4"), 4, 1e37, -3.4028234663852886e38, 3.4028234663852886e38),
        # All random values come from float32, so its range is the limit of their spread here too.
        DType.FLOAT64: NumberFormat(np.dtype("<f8"), 8, 1e37),
        DType.FLOAT16: NumberFormat(np.dtype("<f2"), 2, 8000.0, -65504.0, 65504.0),
        DType.BFLOAT16: NumberFormat(BFLOAT16, 2, 1e37, -3.3895313892515355e38, 3.3895313892515355e38),
        # From 2**53 on not every JSON reader keeps an integer exact.
        TensorDType.INT64: NumberFormat(np.dtype("<i8"), 8, 0.0, 1 - 2.0**53, 2.0**53 - 1),
        TensorDType.INT32: NumberFormat(np.dtype("<i4"), 4, 0.0, -(2.0**31), 2.0**31 - 1),
        TensorDType.UINT8: NumberFormat(np.dtype("u1"), 1, 0.0, 0.0, 255.0),
        TensorDType.BOOL: NumberFormat(np.dtype("?"), 1, 0.0, 0.0, 1.0),
    }
)


def rounded(value: float, dtype: str) -> Values:
    """Return a number of the dtype's range rounded to it once, to nearest even: an array of no dimension."""
    kind = DTYPES[dtype].numpy
    if kind != BFLOAT16:
        return np.array(value, np.float64).astype(kind)
    # The library's way leads through float32: what that rounds to halfway between two would be rounded twice.
    single = np.float32(value)
    if float(single) != value and int(single.view(np.uint32)) & 0xFFFF == 0x8000:
        single = np.nextafter(single, np.float32(np.copysign(np.inf, value - float(single))))
    return np.array(single).astype(kind)
