"""The number types that weights can be rounded to."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import ml_dtypes
import numpy as np
import numpy.typing as npt

Values = npt.NDArray[Any]  # of one of the types below


class DType(StrEnum):
    """Number type of the values; float64 is the exact widening of float32, the short ones are it rounded to even."""

    FLOAT32 = "float32"
    FLOAT64 = "float64"
    FLOAT16 = "float16"
    BFLOAT16 = "bfloat16"


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """How one number type is stored: always little-endian."""

    numpy: np.dtype[Any]
    size: int  # bytes
    largest_std: float  # with a margin: no weight is more than 6.67 standard deviations from zero


DTYPES: Mapping[DType, NumberFormat] = MappingProxyType(
    {
        DType.FLOAT32: NumberFormat(np.dtype("<f4"), 4, 1e37),
        # All values come from float32, so its range is the limit here too.
        DType.FLOAT64: NumberFormat(np.dtype("<f8"), 8, 1e37),
        DType.FLOAT16: NumberFormat(np.dtype("<f2"), 2, 8000.0),
        DType.BFLOAT16: NumberFormat(np.dtype(ml_dtypes.bfloat16).newbyteorder("<"), 2, 1e37),
    }
)
