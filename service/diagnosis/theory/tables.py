"""Expectations of an activation, tabulated over log q, and the correlations of samples."""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, Self

import numpy as np

from service.diagnosis.theory.gaussian import ORDERS, PairSeries, moments, pair_series
from service.numerics.activations import FloatArray, Function

# Distance of the knots in log q; linear interpolation errs by some 0.001 in log E[φ²].
STEP = 0.25
LARGEST_LOG = 700.0  # exp of it is finite


class _Knot(NamedTuple):
    """Expectations at one q."""

    moments: FloatArray  # log E[φ²], log of the variance of φ, E[φ], log E[φ'²]
    series: FloatArray  # a row for each field of PairSeries


@lru_cache(maxsize=4096)
def _knot(activation: Function, number: int) -> _Knot:
    q = float(np.exp(number * STEP))
    at_knot = moments(activation, np.array([q]))
    square, variance, slope_square = (
        np.log(moment) for moment in (at_knot.square, at_knot.variance, at_knot.slope_square)
    )
    row = np.concatenate([square, variance, at_knot.mean, slope_square])
    return _Knot(row, np.array(pair_series(activation, q)))


class Table:
    """Expectations at all knots that these log q lie between."""

    def __init__(self, activation: Function, log_q: FloatArray) -> None:
        self._middle = np.median(log_q)
        self._first = int(np.floor(log_q.min() / STEP))
        last = int(np.floor(log_q.max() / STEP)) + 1
        knots = [_knot(activation, number) for number in range(self._first, last + 1)]
        self.moments = np.array([knot.moments for knot in knots])  # shape (knots, 4)
        self.series = PairSeries(*np.stack([knot.series for knot in knots], axis=1))  # each of shape (knots, orders)

    def at(self, log_q: FloatArray, columns: FloatArray) -> FloatArray:
        """Interpolate columns of shape (knots, n) linearly at these log q: shape (n, *log_q.shape)."""
        place = log_q / STEP - self._first
        below = np.clip(np.asarray(place).astype(int), 0, len(columns) - 2)
        rows = columns.T
        values: FloatArray = rows.take(below, axis=1) + (place - below) * np.diff(rows).take(below, axis=1)
        return values

    def in_the_middle(self, columns: FloatArray) -> FloatArray:
        """Interpolate columns at the one log q that stands for all: shape (n,)."""
        return self.at(self._middle, columns)


def in_range(log_q: FloatArray) -> bool:
    """Whether no second moment is 0, infinite or NaN."""
    return bool(np.abs(log_q).max() < LARGEST_LOG)


@dataclass(frozen=True, slots=True)
class Correlations:
    """Moments of the correlation c over the pairs of different samples.

    The mean may be 0 while the mean square grows like layers / width.
    """

    mean: float
    square: float

    def biased(self, part: float) -> Self:
        """Return those of pre-activations whose second moment is from weights to this part, and else from biases."""
        rest = 1 - part
        square = part**2 * self.square + 2 * part * rest * self.mean + rest**2
        return type(self)(part * self.mean + rest, square)

    def powers(self) -> FloatArray:
        """Return the powers of two correlations that have these moments: shape (orders, 2)."""
        half = np.sqrt(np.maximum(self.square - self.mean**2, 0.0))
        ends = np.clip(np.array([self.mean - half, self.mean + half]), -1.0, 1.0)
        powers: FloatArray = np.power(ends, ORDERS[:, None])
        return powers


def square_at_width(product_square: FloatArray, squares: FloatArray, width: int) -> float:
    """Return the mean of c² over pairs in a layer of this width.

    At infinite width c² is `product_square`, each node's E[f(u) f(v)]² / E[f²]²; `squares` is E[f²(u) f²(v)] / E[f²]².
    """
    one_more = 1 / width
    numerator = product_square * (1 - one_more) + squares * one_more
    return float(np.mean(numerator) / np.mean(1 + (squares - 1) * one_more))
