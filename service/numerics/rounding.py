"""Numbers rounded once."""

import numpy as np
import numpy.typing as npt

from service.numerics.dtypes import Values


def store(values: npt.NDArray[np.float64], out: Values) -> None:
    """Write values to `out`, each rounded once to its dtype, to nearest even."""
    # ml_dtypes goes through float32. What that rounds to halfway between two short numbers would be rounded twice.
    out[...] = _to_odd(values) if out.dtype.itemsize == 2 else values


def _to_odd(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Return float32 values that round to shorter types as these do: what is inexact ends in a one."""
    near = values.astype(np.float32)
    away = np.nextafter(near, np.where(values > near, np.float32(np.inf), np.float32(-np.inf)))
    is_even = near.view(np.uint32) & np.uint32(1) == 0
    return np.where((near != values) & is_even, away, near)
