"""The backends of the sampler that can be had here, each to be held against the recipe."""

import importlib
import importlib.util
import sys
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Literal

import numpy as np
import numpy.typing as npt
import pytest

from service.numerics.dtypes import DTYPES, DType, Values
from service.numerics.recipe import numpy_backend, numpy_orthogonal
from service.numerics.recipe.distributions import DistributionName, Stream
from service.numerics.recipe.reference import Float32s
from service.numerics.recipe.reflections import Reflections

Order = Literal["C", "F"]  # F is how the rows of a transposed array lie
ORDERS: tuple[Order, ...] = ("C", "F")
FillRows = Callable[[Values, Stream, int, int], None]
DrawColumns = Callable[[Float32s, Reflections, npt.NDArray[np.int64], float], None]

# Not merely whether the compiled backend can be imported: where Numba is there, a failure to import it must be seen.
HAS_NUMBA = importlib.util.find_spec("numba") is not None and sys.byteorder == "little"
needs_numba = pytest.mark.skipif(not HAS_NUMBA, reason="the Numba backend needs Numba and a little-endian machine")


def _backends() -> Mapping[str, FillRows]:
    backends: dict[str, FillRows] = {"numpy": numpy_backend.fill_rows}
    if HAS_NUMBA:
        backends["numba"] = importlib.import_module("service.numerics.recipe.numba_backend").fill_rows
    return MappingProxyType(backends)


def _column_backends() -> Mapping[str, DrawColumns]:
    backends: dict[str, DrawColumns] = {"numpy": numpy_orthogonal.draw_columns}
    if HAS_NUMBA:
        backends["numba"] = importlib.import_module("service.numerics.recipe.numba_orthogonal").draw_columns
    return MappingProxyType(backends)


BACKENDS = _backends()
COLUMN_BACKENDS = _column_backends()

SEED, TENSOR, STD = 42, "layers.0.weight", 0.0505
# What the Numba backend draws at once, in elements; tests of its seams state that this is still so.
RUN = 2048


def filled(
    backend: str, source: Stream, shape: tuple[int, int], start: int, stride: int, *,
    dtype: DType = DType.FLOAT32, order: Order = "C",
) -> Values:  # fmt: skip
    """Return what a backend writes to an array of this shape and order in memory."""
    # What is not written shows: it is NaN in every dtype.
    out = np.full(shape, np.nan, DTYPES[dtype].numpy, order=order)
    BACKENDS[backend](out, source, start, stride)
    return out


def drawn(backend: str, distribution: DistributionName, start: int, count: int, std: float = STD) -> Float32s:
    """Return elements [start, start + count), which are one row."""
    source = Stream.of(SEED, TENSOR, distribution, std)
    values: Float32s = filled(backend, source, (1, count), start, count)[0]
    return values
