"""Known answers of recipe 1: whether this machine's arithmetic gives the recipe's bits."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from service.numerics.sampler import DistributionName, Stream

# Elements 0 to 7 of layers.0.weight at seed 42 and std 1: the first case of docs/recipe-vectors.json.
SEED, TENSOR = 42, "layers.0.weight"
BITS: Mapping[DistributionName, str] = MappingProxyType(
    {
        DistributionName.NORMAL: "bee38cf8 bf12455b bf7d65fb bf1fc9b4 bfa5acbc 3e0200ac 3f1bd869 bfa78878",
        DistributionName.TRUNCATED_NORMAL: "bf01585d bf2649a6 bf9009a1 bf35a789 bfbc58cd 3e13cb0a 3f312c20 bfbe75a3",
        DistributionName.UNIFORM: "bf4c653e bf8065b5 bfdbd177 bf1ecfba 3fbe5537 3ddccb8f 3f9c6f28 bfa041a5",
    }
)


def arithmetic_is_exact() -> bool:
    """Return whether every distribution gives its known answer here."""
    return all(_drawn(distribution) == bits for distribution, bits in BITS.items())


def _drawn(distribution: DistributionName) -> str:
    values = np.empty(8, np.float32)
    Stream.of(SEED, TENSOR, distribution, 1.0).fill(values, 0)
    return " ".join(f"{bits:08x}" for bits in values.view(np.uint32))
