"""Expectations of an activation, tabulated over log q, and the correlations of samples."""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, Self

import numpy as np

from service.diagnosis.theory.gaussian import ORDERS, PairSeries, moments, pair_series
from service.numerics.activations import Activation, Floats

# Distance of the knots in log q; linear interpolation errs by some 0.001 in log E[φ²].
STEP = 0.25
LARGEST_LOG = 700.0  # exp of it is finite


class _Knot(NamedTuple):
    """Expectations at one q."""

    moments: Floats  # log E[φ²], log of the variance of φ, E[φ]
    series: Floats  # a row for each field of PairSeries


@lru_cache(maxsize=4096)
def _knot(activation: Activation, number: int) -> _Knot:
    q = float(np.exp(number * STEP))
    found = moments(activation, q)
    logs = np.log([found.square, found.variance])
    return _Knot(np.append(logs, found.mean), np.array(pair_series(activation, q)))


class Table:
    """Expectations at all knots that these log q lie between, and `margin` more on either side."""

    def __init__(self, activation: Activation, log_q: Floats, *, margin: int = 0) -> None:
        self._middle = np.median(log_q)
        self._first = int(np.floor(log_q.min() / STEP)) - margin
        last = int(np.floor(log_q.max() / STEP)) + 1 + margin
        knots = [_knot(activation, number) for number in range(self._first, last + 1)]
        self.moments = np.array([knot.moments for knot in knots])  # shape (knots, 3)
        self.series = PairSeries(*np.stack([knot.series for knot in knots], axis=1))  # each of shape (knots, orders)

    def at(self, log_q: Floats, columns: Floats) -> Floats:
        """Interpolate columns of shape (knots, n) linearly at these log q: shape (n, *log_q.shape)."""
        place = log_q / STEP - self._first
        below = np.clip(np.asarray(place).astype(int), 0, len(columns) - 2)
        rows = columns.T
        found: Floats = rows.take(below, axis=1) + (place - below) * np.diff(rows).take(below, axis=1)
        return found

    def in_the_middle(self, columns: Floats) -> Floats:
        """Interpolate columns at the one log q that stands for all: shape (n,)."""
        return self.at(self._middle, columns)


def in_range(log_q: Floats) -> bool:
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

    def powers(self) -> Floats:
        """Return the powers of two correlations that have these moments: shape (orders, 2)."""
        half = np.sqrt(np.maximum(self.square - self.mean**2, 0.0))
        ends = np.clip(np.array([self.mean - half, self.mean + half]), -1.0, 1.0)
        found: Floats = np.power(ends, ORDERS[:, None])
        return found


def square_at_width(product_square: Floats, squares: Floats, width: int) -> float:
    """Return the mean of c² over pairs in a layer of this width.

    At infinite width c² is `product_square`, each node's E[f(u) f(v)]² / E[f²]²; `squares` is E[f²(u) f²(v)] / E[f²]².
    """
    one_more = 1 / width
    numerator = product_square * (1 - one_more) + squares * one_more
    return float(np.mean(numerator) / np.mean(1 + (squares - 1) * one_more))
