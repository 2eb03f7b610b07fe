"""The twins of the sampler that can be had here, each to be held against the recipe."""

import importlib
import importlib.util
import sys
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Literal

import numpy as np
import pytest

from service.numerics import interpreted
from service.numerics.distributions import DistributionName, Source
from service.numerics.dtypes import DTYPES, DType, Values
from service.numerics.reference import Floats

Order = Literal["C", "F"]  # F is how the rows of a transposed array lie
ORDERS: tuple[Order, ...] = ("C", "F")
FillRows = Callable[[Values, Source, int, int], None]

# Not merely whether the compiled twin can be imported: where Numba is there, a failure to import it must be seen.
HAS_NUMBA = importlib.util.find_spec("numba") is not None and sys.byteorder == "little"
needs_numba = pytest.mark.skipif(not HAS_NUMBA, reason="the compiled twin needs Numba and a little-endian machine")


def _twins() -> Mapping[str, FillRows]:
    twins: dict[str, FillRows] = {"interpreted": interpreted.fill_rows}
    if HAS_NUMBA:
        twins["compiled"] = importlib.import_module("service.numerics.compiled").fill_rows
    return MappingProxyType(twins)


TWINS = _twins()

SEED, TENSOR, STD = 42, "layers.0.weight", 0.0505
# What the compiled twin draws at once, in elements; tests of its seams state that this is still so.
RUN = 2048


def filled(
    twin: str, source: Source, shape: tuple[int, int], start: int, stride: int, *,
    dtype: DType = DType.FLOAT32, order: Order = "C",
) -> Values:  # fmt: skip
    """Return what a twin writes to an array of this shape and order in memory."""
    # What is not written shows: it is NaN in every dtype.
    out = np.full(shape, np.nan, DTYPES[dtype].numpy, order=order)
    TWINS[twin](out, source, start, stride)
    return out


def drawn(twin: str, distribution: DistributionName, start: int, count: int, std: float = STD) -> Floats:
    """Return elements [start, start + count), which are one row."""
    source = Source.of(SEED, TENSOR, distribution, std)
    values: Floats = filled(twin, source, (1, count), start, count)[0]
    return values
