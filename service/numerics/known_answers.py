"""Known answers of recipe 1: whether this machine's arithmetic gives the recipe's bits."""

from collections.abc import Mapping
from itertools import product
from types import MappingProxyType

import numpy as np

from service.numerics.distributions import DistributionName
from service.numerics.dtypes import DTYPES, DType
from service.numerics.sampler import Stream

# Elements 0 to 7 of layers.0.weight at seed 42 and std 1: the first case of docs/recipe-vectors.json.
SEED, TENSOR = 42, "layers.0.weight"
BITS: Mapping[DistributionName, str] = MappingProxyType(
    {
        DistributionName.NORMAL: "bee38cf8 bf12455b bf7d65fb bf1fc9b4 bfa5acbc 3e0200ac 3f1bd869 bfa78878",
        DistributionName.TRUNCATED_NORMAL: "bf01585d bf2649a6 bf9009a1 bf35a789 bfbc58cd 3e13cb0a 3f312c20 bfbe75a3",
        DistributionName.UNIFORM: "bf4c653e bf8065b5 bfdbd177 bf1ecfba 3fbe5537 3ddccb8f 3f9c6f28 bfa041a5",
    }
)
# Elements from the beginning of one row to that of the next. Shorter rows leave a gap: they are the columns of a slice.
STRIDE = 4


def arithmetic_is_exact() -> bool:
    """Return whether every distribution gives its known answer here, in every dtype and layout.

    With the compiled twin this compiles all that requests will need: seconds, unless it is on disk already.
    """
    return all(_is_exact(*case) for case in product(DistributionName, DType, (False, True), (STRIDE, STRIDE - 1)))


def _is_exact(distribution: DistributionName, dtype: DType, is_transposed: bool, length: int) -> bool:  # noqa: FBT001
    kind = DTYPES[dtype].numpy
    known = np.array([int(bits, 16) for bits in BITS[distribution].split()], np.uint32).view(np.float32)
    rows = known.reshape(-1, STRIDE)[:, :length].astype(kind)
    drawn = np.empty(rows.shape[::-1], kind).T if is_transposed else np.empty(rows.shape, kind)
    Stream.of(SEED, TENSOR, distribution, 1.0).fill_rows(drawn, 0, STRIDE)
    return drawn.tobytes() == rows.tobytes()
