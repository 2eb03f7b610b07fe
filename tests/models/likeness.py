"""Whether two samples of weights come from one distribution: a library's own over some seeds, and ours."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from tests.models.weights import Arrays

SEEDS = range(8)
# Standard errors that a mean or a standard deviation may lie away: all draws are seeded, so a test that passes once
# passes always; a fair draw fails for one figure in 150,000, and there are some thousand.
MOST_ERRORS = 4.5
LEAST_LIKELY = 1e-5
MOST_ELEMENTS = 50_000  # of one tensor and seed that are compared


def pooled(draw: Callable[[int], Arrays]) -> dict[str, NDArray[Any]]:
    """Return values of each tensor, all or evenly spaced ones, over all seeds: shape (seeds, elements)."""
    draws = [draw(seed) for seed in SEEDS]
    return {name: np.stack([_some(drawn[name].reshape(-1)) for drawn in draws]) for name in draws[0]}


def _some(values: NDArray[Any]) -> NDArray[Any]:
    return values[:: -(-values.size // MOST_ELEMENTS)]


def unlike(theirs: Mapping[str, NDArray[Any]], ours: Mapping[str, NDArray[Any]]) -> list[str]:
    """Return what is wrong with our tensors, a line for each that differs from the library's."""
    wrong = [] if theirs.keys() == ours.keys() else [f"names differ: {set(theirs) ^ set(ours)}"]
    return wrong + [
        f"{name}: {found}" for name in theirs if name in ours for found in [_unlike(theirs[name], ours[name])] if found
    ]


def _unlike(theirs: NDArray[Any], ours: NDArray[Any]) -> str:
    if theirs.dtype != ours.dtype:
        return f"{ours.dtype} instead of {theirs.dtype}"
    if (theirs == theirs[0, 0]).all():
        return "" if (ours == theirs[0, 0]).all() else f"{ours.flat[0]} … instead of {theirs[0, 0]} everywhere"
    a, b = theirs.astype(np.float64).reshape(-1), ours.astype(np.float64).reshape(-1)
    mean_error = math.sqrt((a.var() + b.var()) / a.size)
    # Of the variance: that of the squares.
    square_error = math.sqrt((((a - a.mean()) ** 2).var() + ((b - b.mean()) ** 2).var()) / a.size)
    if abs(a.mean() - b.mean()) > MOST_ERRORS * mean_error:
        return f"mean {b.mean():.4g} instead of {a.mean():.4g} ± {mean_error:.2g}"
    if abs(a.var() - b.var()) > MOST_ERRORS * square_error:
        return f"std {b.std():.4g} instead of {a.std():.4g} ± {square_error / (2 * a.std()):.2g}"
    likelihood = stats.ks_2samp(a, b).pvalue
    return "" if likelihood > LEAST_LIKELY else f"another distribution (Kolmogorov-Smirnov, p = {likelihood:.1g})"


def shared(values: Arrays) -> set[frozenset[str]]:
    """Return the names of tensors of two axes or more that have the same values."""
    same: dict[bytes, set[str]] = {}
    for name, array in values.items():
        if array.ndim > 1:
            same.setdefault(array.tobytes(), set()).add(name)
    return {frozenset(names) for names in same.values() if len(names) > 1}
