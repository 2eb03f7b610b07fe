"""Known answers of recipe 1: whether this machine's arithmetic gives the recipe's bits."""

from collections.abc import Mapping
from itertools import product
from types import MappingProxyType

import numpy as np

from service.numerics.dtypes import DTYPES, DType
from service.numerics.recipe import backend
from service.numerics.recipe.distributions import DistributionName, Stream
from service.numerics.recipe.philox import key_of
from service.numerics.recipe.reference import Float32s
from service.numerics.recipe.reflections import Reflections

# Elements 0 to 7 of layers.0.weight at seed 42 and std 1: the first case of docs/recipe-vectors.json.
SEED, TENSOR = 42, "layers.0.weight"
BITS: Mapping[DistributionName, str] = MappingProxyType(
    {
        DistributionName.NORMAL: "bee38cf8 bf12455b bf7d65fb bf1fc9b4 bfa5acbc 3e0200ac 3f1bd869 bfa78878",
        DistributionName.TRUNCATED_NORMAL: "bf01585d bf2649a6 bf9009a1 bf35a789 bfbc58cd 3e13cb0a 3f312c20 bfbe75a3",
        DistributionName.UNIFORM: "bf4c653e bf8065b5 bfdbd177 bf1ecfba 3fbe5537 3ddccb8f 3f9c6f28 bfa041a5",
    }
)
# The orthogonal matrix of shape (4, 4) of the same tensor: the first case of `orthogonal` in docs/recipe-vectors.json.
ORTHOGONAL_BITS = (
    "bea55f3e 3d91ac21 bf714b43 3d4070ed  "
    "bed49ab1 3de12678 3dd8dbc2 bf659599  "
    "bf382825 3eeae604 3e9ac93d 3ed99b88  "
    "bee8404b bf60fc09 3dc21bc1 3de86d4f "
)
# Elements from the beginning of one row to that of the next. Shorter rows leave a gap: they are the columns of a slice.
STRIDE = 4


def arithmetic_is_exact() -> bool:
    """Return whether every distribution in every dtype and layout, and an orthogonal matrix, are the known ones here.

    With Numba this compiles all that requests will need: seconds, unless it is on disk already.
    """
    cases = product(DistributionName, DType, (False, True), (STRIDE, STRIDE - 1, 1))
    return _is_orthogonal_exact() and all(_is_exact(*case) for case in cases)


def _is_orthogonal_exact() -> bool:
    drawn = np.empty((4, 4), np.float32)
    backend.draw_columns(drawn, Reflections(key_of(SEED, TENSOR), 0, 4), np.arange(4), 1.0)
    return drawn.tobytes() == _floats(ORTHOGONAL_BITS).tobytes()


def _floats(patterns: str) -> Float32s:
    return np.array([int(bits, 16) for bits in patterns.split()], np.uint32).view(np.float32)


def _is_exact(distribution: DistributionName, dtype: DType, is_transposed: bool, length: int) -> bool:  # noqa: FBT001
    kind = DTYPES[dtype].numpy
    rows = _floats(BITS[distribution]).reshape(-1, STRIDE)[:, :length].astype(kind)
    drawn = np.empty(rows.shape[::-1], kind).T if is_transposed else np.empty(rows.shape, kind)
    backend.fill_rows(drawn, Stream.of(SEED, TENSOR, distribution, 1.0), 0, STRIDE)
    return drawn.tobytes() == rows.tobytes()
