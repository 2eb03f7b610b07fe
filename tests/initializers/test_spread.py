"""Measured mean, standard deviation and shape of whole tensors.

The bounds are five standard errors. With n independent values of standard deviation std and
kurtosis k, the standard error of the mean is std / sqrt(n), and the relative standard error of the
measured standard deviation is sqrt((k - 1) / (4 n)). The seeds are fixed, so nothing is left to chance.
"""

import math
from collections.abc import Callable
from statistics import NormalDist

import numpy as np
import numpy.typing as npt
import pytest

from service.describe.network import Layout
from service.initializers.schemes import SchemeName
from service.numerics.dtypes import DType
from service.numerics.recipe.distributions import DistributionName
from tests.networks import network_from

FAN_IN, FAN_OUT = 400, 600
N = FAN_IN * FAN_OUT
FIVE = 5  # standard errors

EXPECTED_STD = {
    SchemeName.AUTO: math.sqrt(2 / 400),  # the activation is relu
    SchemeName.XAVIER: math.sqrt(1 / 400),
    SchemeName.HE: math.sqrt(2 / 400),
    SchemeName.GLOROT: math.sqrt(2 / 1000),
    SchemeName.LECUN: math.sqrt(1 / 400),
    SchemeName.HE_FAN_OUT: math.sqrt(2 / 600),
    SchemeName.FIXED: 0.37,
    SchemeName.VARIANCE_PRESERVING: math.sqrt(2 / 400),
}

# The moments of N(0, 1) cut to [-2, 2], by integration by parts: E x^2 = 1 - 2 q and
# E x^4 = 3 E x^2 - 8 q, where q = 2 φ(2) / (Φ(2) - Φ(-2)).
Q = 2 * math.exp(-2) / math.sqrt(2 * math.pi) / math.erf(math.sqrt(2))
CUT_VARIANCE = 1 - 2 * Q
KURTOSIS = {
    DistributionName.NORMAL: 3.0,
    DistributionName.TRUNCATED_NORMAL: (3 * CUT_VARIANCE - 8 * Q) / CUT_VARIANCE**2,
    DistributionName.UNIFORM: 9 / 5,
}
# The largest value in standard deviations. For normal: sqrt(-2 ln(2**-32)), the recipe's limit.
LARGEST = {
    DistributionName.NORMAL: math.sqrt(64 * math.log(2)),
    DistributionName.TRUNCATED_NORMAL: 2 / math.sqrt(CUT_VARIANCE),
    DistributionName.UNIFORM: math.sqrt(3),
}


def weights(query: str, layers: str = f"{FAN_IN},{FAN_OUT}") -> npt.NDArray[np.float64]:
    tensor = network_from(f"layers={layers}&activation=relu&{query}").plan.tensor("layers.0.weight")
    values = tensor.whole().read(0, tensor.elements)
    return values.astype(np.float64)


def std_bound(distribution: DistributionName, n: int) -> float:
    """Return the relative deviation of a measured standard deviation that is allowed."""
    return FIVE * math.sqrt((KURTOSIS[distribution] - 1) / (4 * n))


@pytest.mark.parametrize("layout", Layout)
@pytest.mark.parametrize("distribution", DistributionName)
@pytest.mark.parametrize("scheme", EXPECTED_STD)
def test_mean_and_std_are_those_of_the_formula(
    scheme: SchemeName, distribution: DistributionName, layout: Layout
) -> None:
    fixed = "&std=0.37" if scheme is SchemeName.FIXED else ""
    values = weights(f"scheme={scheme}&distribution={distribution}&layout={layout}{fixed}")
    std = EXPECTED_STD[scheme]
    assert values.size == N
    assert abs(values.mean()) < FIVE * std / math.sqrt(N)
    assert abs(values.std() / std - 1) < std_bound(distribution, N)
    # Float32 rounds the scale and the product: three roundings are less than 2**-22.
    assert np.abs(values).max() <= std * LARGEST[distribution] * (1 + 2**-22)


@pytest.mark.parametrize("distribution", DistributionName)
@pytest.mark.parametrize(
    ("dtype", "rounding"),
    # Half a unit in the last place moves a value, so also the root of their mean square, by this at most.
    [(DType.FLOAT16, 2**-11), (DType.BFLOAT16, 2**-8)],
)
def test_std_survives_rounding(distribution: DistributionName, dtype: DType, rounding: float) -> None:
    values = weights(f"scheme=he&distribution={distribution}&dtype={dtype}")
    std = EXPECTED_STD[SchemeName.HE]
    assert abs(values.mean()) < (FIVE / math.sqrt(N) + rounding) * std
    assert abs(values.std() / std - 1) < std_bound(distribution, N) + rounding


CUT = NormalDist().cdf(-2)
# From a probability to the value below which so much of the distribution lies, at std 1.
QUANTILES: dict[DistributionName, Callable[[float], float]] = {
    DistributionName.NORMAL: NormalDist().inv_cdf,
    DistributionName.TRUNCATED_NORMAL: lambda p: (
        NormalDist().inv_cdf(CUT + p * (1 - 2 * CUT)) / math.sqrt(CUT_VARIANCE)
    ),
    DistributionName.UNIFORM: lambda p: (2 * p - 1) * math.sqrt(3),
}


@pytest.mark.parametrize("half", [0, 1], ids=["even", "odd"])
@pytest.mark.parametrize("distribution", DistributionName)
def test_equally_likely_intervals_hold_equally_many_values(distribution: DistributionName, half: int) -> None:
    values = weights(f"scheme=fixed&std=1&distribution={distribution}", "1024,2048")[half::2]
    intervals = 200
    edges = [QUANTILES[distribution](k / intervals) for k in range(1, intervals)]
    counts = np.bincount(np.searchsorted(edges, values), minlength=intervals)
    expected = values.size / intervals
    chi_squared = np.square(counts - expected).sum() / expected
    # Chi-squared has mean f and variance 2 f, f being the degrees of freedom.
    freedom = intervals - 1
    assert abs(chi_squared - freedom) < FIVE * math.sqrt(2 * freedom)


@pytest.mark.parametrize("power", [1, 2], ids=["values", "squares"])
@pytest.mark.parametrize("lag", [1, 2, 8, 2048])
@pytest.mark.parametrize("distribution", DistributionName)
def test_elements_do_not_depend_on_their_neighbours(distribution: DistributionName, lag: int, power: int) -> None:
    values = weights(f"scheme=fixed&std=1&distribution={distribution}", "512,2048") ** power
    correlation = np.corrcoef(values[:-lag], values[lag:])[0, 1]
    assert abs(correlation) < FIVE / math.sqrt(values.size)
