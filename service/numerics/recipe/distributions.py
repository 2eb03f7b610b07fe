"""The distributions that weights can have, and the stream of values that one tensor is drawn from."""

import math
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple, Self

import numpy as np

from service.numerics.recipe.philox import Key, key_of

# Std of N(0, 1) cut to (-c, c), for every c that may be asked for: sqrt(1 - 2c φ(c) / (Φ(c) - Φ(-c))), to 17 digits.
# They are constants because the last bit of a formula depends on the library that computes it.
CUT_STDS: Mapping[float, float] = MappingProxyType(
    {
        0.5: 0.283_882_290_044_327_52,
        1.0: 0.539_560_093_754_896_97,
        1.5: 0.742_646_898_439_326_49,
        2.0: 0.879_625_661_034_239_78,
        2.5: 0.954_597_486_344_580_70,
        3.0: 0.986_578_392_558_108_62,
        4.0: 0.999_464_501_807_079_60,
        5.0: 0.999_992_566_370_535_20,
        6.0: 0.999_999_963_544_702_16,
    }
)


class DistributionName(StrEnum):
    """Shape of the spread of the weights; truncated_normal is cut at two standard deviations."""

    NORMAL = "normal"
    TRUNCATED_NORMAL = "truncated_normal"
    UNIFORM = "uniform"


class CutStd(StrEnum):
    """Whether the standard deviation of truncated_normal is that after the cut or that before it."""

    AFTER = "after"
    BEFORE = "before"


class Cut(NamedTuple):
    """How truncated_normal is cut; other distributions ignore it."""

    at: float = 2.0  # in standard deviations before the cut: a key of CUT_STDS
    std: CutStd = CutStd.AFTER


CUT_AT_TWO = Cut()


class Stream(NamedTuple):
    """All that the elements of one tensor depend on, beside their numbers."""

    key: Key
    distribution: DistributionName
    scale: np.float32  # what the recipe's values are multiplied by
    cut: np.float32  # the largest value of truncated_normal before it is multiplied

    @classmethod
    def of(cls, seed: int, tensor: str, distribution: DistributionName, std: float, cut: Cut = CUT_AT_TWO) -> Self:
        """Return the stream of a tensor whose elements have standard deviation `std`."""
        return cls(key_of(seed, tensor), distribution, _scale(distribution, std, cut), np.float32(cut.at))

    @classmethod
    def standard_normal(cls, key: Key) -> Self:
        """Return the stream of the recipe's normal values as they are."""
        return cls(key, DistributionName.NORMAL, np.float32(1), np.float32(CUT_AT_TWO.at))


def _scale(distribution: DistributionName, std: float, cut: Cut) -> np.float32:
    """Return the factor that gives this standard deviation (docs/recipe.md, sections 4, 5 and 12)."""
    match distribution:
        case DistributionName.NORMAL:
            return np.float32(std)
        case DistributionName.TRUNCATED_NORMAL:
            return np.float32(std if cut.std is CutStd.BEFORE else std / CUT_STDS[cut.at])
        case DistributionName.UNIFORM:
            return np.float32(math.sqrt(3) * std)
