"""Expectations of activations over a Gaussian pre-activation."""

import math
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from service.numerics.activations import FUNCTIONS, Activation, Floats

# Highest order of the Hermite expansions. What lies beyond it is known in sum and counted at the next order.
DEGREE = 64
ORDERS = np.arange(DEGREE + 2)
POINTS_PER_PANEL = 10
# Density and Hermite functions up to DEGREE vary on the scale of WIDEST; beyond OUTERMOST the density is 1e-24.
WIDEST, OUTERMOST = 0.75, 10.5
# Panels halve towards 0 so often, since a bounded function of a wide pre-activation changes close to 0.
HALVINGS = 24
LEGENDRE = np.polynomial.legendre.leggauss(POINTS_PER_PANEL)


class Rule(NamedTuple):
    """Quadrature for z ~ N(0, 1)."""

    z: Floats  # shape (points,)
    weights: Floats  # shape (points,), sum 1


@lru_cache(maxsize=256)
def rule(kinks: tuple[float, ...]) -> Rule:
    """Return a composite Gauss-Legendre rule whose panels end at these z and refine towards 0."""
    inner = WIDEST * 0.5 ** np.arange(HALVINGS, -1, -1)
    outer = np.arange(2 * WIDEST, OUTERMOST + WIDEST / 2, WIDEST)
    half = np.concatenate((inner, outer))
    edges = np.unique(np.concatenate((-half, [0.0], half, kinks)))
    nodes, weights = LEGENDRE
    centre, radius = (edges[1:] + edges[:-1]) / 2, (edges[1:] - edges[:-1]) / 2
    z = (centre[:, None] + radius[:, None] * nodes).reshape(-1)
    density = np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    return Rule(z, (radius[:, None] * weights).reshape(-1) * density)


@lru_cache(maxsize=64)
def hermite(kinks: tuple[float, ...]) -> Floats:
    """Return He_k(z) / sqrt(k!) times the weights of the rule: float64, shape (DEGREE + 1, points)."""
    z, weights = rule(kinks)
    table = np.empty((DEGREE + 1, z.size))
    table[0], table[1] = weights, z * weights
    for k in range(1, DEGREE):
        table[k + 1] = (z * table[k] - math.sqrt(k) * table[k - 1]) / math.sqrt(k + 1)
    return table


def _kinks(activation: Activation, scale: float) -> tuple[float, ...]:
    """Return the kinks of the activation of scale * z that are not at 0, where panels end anyway."""
    places = (kink / scale for kink in FUNCTIONS[activation].kinks if kink and scale > 0)
    return tuple(place for place in places if abs(place) < OUTERMOST)


@dataclass(frozen=True, slots=True)
class Moments:
    """Expectations for a pre-activation of mean 0 and second moment q."""

    mean: float  # E[φ]
    square: float  # E[φ²]
    variance: float  # E[φ²] - E[φ]²
    slope_square: float  # E[φ'²]


@lru_cache(maxsize=1024)
def moments(activation: Activation, q: float) -> Moments:
    """Return the expectations at second moment q of the pre-activation; all NaN where q has overflowed."""
    if not math.isfinite(q):
        return Moments(*[math.nan] * len(fields(Moments)))
    function = FUNCTIONS[activation]
    scale = math.sqrt(q)
    found = rule(_kinks(activation, scale))
    u = scale * found.z
    value, slope = function.value(u), function.slope(u)
    mean = float(found.weights @ value)
    # The square of the centred value, since the difference of squares would cancel.
    variance = float(found.weights @ np.square(value - mean))
    slope_square = float((found.weights * slope) @ slope)
    return Moments(mean, variance + mean * mean, variance, slope_square)


class PairSeries(NamedTuple):
    """Expectations over two pre-activations of the same q and correlation c, as coefficients of c^ORDERS.

    By Mehler's formula, f = Σ a_k He_k / sqrt(k!) has E[f(u) f(v)] = Σ a_k² c^k. Order 0 is E[f]², the sum of all
    orders is E[f²]. Here ψ = φ - E[φ].
    """

    value: Floats  # E[φ(u) φ(v)] / E[φ²]
    square: Floats  # E[φ²(u) φ²(v)] / E[φ²]²
    centred: Floats  # E[ψ(u) ψ(v)] / E[ψ²]
    centred_square: Floats  # E[ψ²(u) ψ²(v)] / E[ψ²]²


def pair_series(activation: Activation, q: float) -> PairSeries:
    """Return the series at second moment q of the pre-activations; those of ψ are NaN where φ does not vary."""
    kinks = _kinks(activation, math.sqrt(q))
    z, weights = rule(kinks)
    value = FUNCTIONS[activation].value(math.sqrt(q) * z)
    value = value / np.abs(value).max()  # so that no fourth power overflows
    value = value / np.sqrt(weights @ np.square(value))
    mean = weights @ value
    centred = value - mean
    variance = weights @ np.square(centred)
    series = _series(kinks, centred)
    return PairSeries(
        np.where(ORDERS == 0, mean * mean, series),
        _series(kinks, np.square(value)),
        series / variance,
        _series(kinks, np.square(centred) / variance),
    )


def _series(kinks: tuple[float, ...], values: Floats) -> Floats:
    """Return the squared Hermite coefficients up to DEGREE, and one more for what is left of the mean square."""
    coefficients = hermite(kinks) @ values
    left = rule(kinks).weights @ np.square(values) - coefficients @ coefficients
    return np.append(np.square(coefficients), np.maximum(left, 0.0))
