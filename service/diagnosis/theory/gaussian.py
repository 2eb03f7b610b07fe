"""Expectations of activations over a Gaussian pre-activation."""

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from service.numerics.activations import FloatArray, Function

# Highest order of the Hermite expansions. What lies beyond it is known in sum and counted at the next order.
DEGREE = 64
ORDERS = np.arange(DEGREE + 2)
POINTS_PER_PANEL = 10
# Density and Hermite functions up to DEGREE vary on the scale of WIDEST; beyond OUTERMOST the density is 1e-24.
WIDEST, OUTERMOST = 0.75, 10.5
# Panels halve towards 0 so often, since a bounded function of a wide pre-activation changes close to 0.
HALVINGS = 24
LEGENDRE = np.polynomial.legendre.leggauss(POINTS_PER_PANEL)
# Of two values that differ by less, the difference is a slope times theirs.
LEAST_APART = 1e-12


class Rule(NamedTuple):
    """Quadrature for z ~ N(0, 1)."""

    z: FloatArray  # shape (points,)
    weights: FloatArray  # shape (points,), sum 1


def _half_hermite() -> tuple[FloatArray, FloatArray]:
    """Return points above 0 and weights of sum 1 that integrate even functions over N(0, 1)."""
    points, weights = np.polynomial.hermite_e.hermegauss(24)
    return points[12:], weights[12:] / weights[12:].sum()


HALF_HERMITE = _half_hermite()


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
def hermite(kinks: tuple[float, ...]) -> FloatArray:
    """Return He_k(z) / sqrt(k!) times the weights of the rule: float64, shape (DEGREE + 1, points)."""
    z, weights = rule(kinks)
    table = np.empty((DEGREE + 1, z.size))
    table[0], table[1] = weights, z * weights
    for k in range(1, DEGREE):
        table[k + 1] = (z * table[k] - math.sqrt(k) * table[k - 1]) / math.sqrt(k + 1)
    return table


def _kinks(activation: Function, scale: float) -> tuple[float, ...]:
    """Return the kinks of the activation of scale * z that are not at 0, where panels end anyway."""
    places = (kink / scale for kink in activation.kinks if kink and scale > 0)
    return tuple(place for place in places if abs(place) < OUTERMOST)


class Moments(NamedTuple):
    """Expectations for pre-activations of mean 0 and these second moments q: each of the shape of q."""

    mean: FloatArray  # E[φ]
    square: FloatArray  # E[φ²]
    variance: FloatArray  # E[φ²] - E[φ]²
    slope_square: FloatArray  # E[φ'²]


def moments(activation: Function, q: FloatArray) -> Moments:
    """Return the expectations at second moments q, shape (n,), of the pre-activation; NaN where q has overflowed."""
    if any(activation.kinks):  # the rule depends on q
        return Moments(*np.concatenate([_moments(activation, q[n : n + 1]) for n in range(len(q))], axis=1))
    return _moments(activation, q)


def _moments(activation: Function, q: FloatArray) -> Moments:
    """Return the expectations at q of one rule, that of the first."""
    scale = np.sqrt(q)
    z, weights = rule(_kinks(activation, float(scale[0])))
    u = scale[:, None] * z
    value, slope = activation.value(u), activation.slope(u)
    mean = value @ weights
    # The square of the centred value, since the difference of squares would cancel.
    variance = np.square(value - mean[:, None]) @ weights
    return Moments(mean, variance + mean * mean, variance, np.square(slope) @ weights)


def distance(activation: Function, q: float, e: float) -> float:
    """Return 1 - the cosine of φ of two pre-activations of second moment q whose own cosine is 1 - e.

    That is E[(φ(u) - φ(v))²] / 2 E[φ²], in which nothing cancels however alike they are.
    """
    scale = math.sqrt(q)
    z, weights = rule(_kinks(activation, scale))
    square = float(np.square(activation.value(scale * z)) @ weights)
    if not square > 0:
        return math.nan
    if e < LEAST_APART:
        slope_square = float(np.square(activation.slope(scale * z)) @ weights)
        return e * q * slope_square / square
    e = min(e, 2.0)  # of opposite samples, but for rounding
    common, own = (scale * math.sqrt(part) for part in (1 - e / 2, e / 2))
    half, half_weights = HALF_HERMITE
    apart = activation.value(common * z + own * half[:, None]) - activation.value(common * z - own * half[:, None])
    return float(half_weights @ np.square(apart) @ weights) / (2 * square)


class PairSeries(NamedTuple):
    """Expectations over two pre-activations of the same q and correlation c, as coefficients of c^ORDERS.

    By Mehler's formula, f = Σ a_k He_k / sqrt(k!) has E[f(u) f(v)] = Σ a_k² c^k. Order 0 is E[f]², the sum of all
    orders is E[f²]. Here ψ = φ - E[φ].
    """

    value: FloatArray  # E[φ(u) φ(v)] / E[φ²]
    square: FloatArray  # E[φ²(u) φ²(v)] / E[φ²]²
    centred: FloatArray  # E[ψ(u) ψ(v)] / E[ψ²]
    centred_square: FloatArray  # E[ψ²(u) ψ²(v)] / E[ψ²]²
    slope: FloatArray  # E[φ'(u) φ'(v)] / E[φ'²]
    slope_square: FloatArray  # E[φ'²(u) φ'²(v)] / E[φ'²]²


def pair_series(activation: Function, q: float) -> PairSeries:
    """Return the series at second moment q of the pre-activations; those of ψ are NaN where φ does not vary."""
    kinks = _kinks(activation, math.sqrt(q))
    z, weights = rule(kinks)
    u = math.sqrt(q) * z
    value, slope = (_of_mean_square_1(values, weights) for values in (activation.value(u), activation.slope(u)))
    mean = weights @ value
    centred = value - mean
    variance = weights @ np.square(centred)
    series = _series(kinks, centred)
    return PairSeries(
        np.where(ORDERS == 0, mean * mean, series),
        _series(kinks, np.square(value)),
        series / variance,
        _series(kinks, np.square(centred) / variance),
        _series(kinks, slope),
        _series(kinks, np.square(slope)),
    )


def _of_mean_square_1(values: FloatArray, weights: FloatArray) -> FloatArray:
    values = values / np.abs(values).max()  # so that no fourth power overflows
    scaled: FloatArray = values / np.sqrt(weights @ np.square(values))
    return scaled


def _series(kinks: tuple[float, ...], values: FloatArray) -> FloatArray:
    """Return the squared Hermite coefficients up to DEGREE, and one more for what is left of the mean square."""
    coefficients = hermite(kinks) @ values
    left = rule(kinks).weights @ np.square(values) - coefficients @ coefficients
    return np.append(np.square(coefficients), np.maximum(left, 0.0))
