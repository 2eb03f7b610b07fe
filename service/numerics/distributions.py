"""The distributions that weights can have, and what one tensor is drawn from."""

import math
from enum import StrEnum
from typing import NamedTuple, Self

import numpy as np

from service.numerics.philox import Key, key_of

# Std of N(0, 1) cut to (-2, 2): sqrt(1 - 4φ(2) / (Φ(2) - Φ(-2))).
TRUNCATED_STD = 0.879_625_661_034_239_78
# Where truncated_normal is cut, in standard deviations before the cut.
TRUNCATION = 2.0


class DistributionName(StrEnum):
    """Shape of the spread of the weights; truncated_normal is cut at two standard deviations."""

    NORMAL = "normal"
    TRUNCATED_NORMAL = "truncated_normal"
    UNIFORM = "uniform"


class Source(NamedTuple):
    """All that the elements of one tensor depend on."""

    key: Key
    distribution: DistributionName
    scale: np.float32  # what the recipe's values are multiplied by

    @classmethod
    def of(cls, seed: int, tensor: str, distribution: DistributionName, std: float) -> Self:
        """Return the source of a tensor whose elements have standard deviation `std`."""
        return cls(key_of(seed, tensor), distribution, _scale(distribution, std))


def _scale(distribution: DistributionName, std: float) -> np.float32:
    """Return the factor that gives this standard deviation (docs/recipe.md, sections 4 and 5)."""
    match distribution:
        case DistributionName.NORMAL:
            return np.float32(std)
        case DistributionName.TRUNCATED_NORMAL:
            return np.float32(std / TRUNCATED_STD)
        case DistributionName.UNIFORM:
            return np.float32(math.sqrt(3) * std)
