"""How far the std of a layer of finite width strays from mean-field theory.

Given the layer before, the nodes of a layer are independent: node i has a Gaussian vector of
pre-activations over the samples, whose covariance A_ab = σ_w² Σ_j φ_ja φ_jb + σ_b² is random through
the layer before. Hence a mean over nodes and samples of f(φ) has relative variance

    (K - 1) / width,    K = mean over sample pairs a, b of E[f(u) f(v)] / E[f]²,

where u and v have the correlation c of that pair (1 for a = b). For relu, f = φ² and samples that are all alike, K = 6.

The law of log A_aa is carried from layer to layer by particles: some networks, and of each network some
samples. A particle goes through the exact map A_aa -> σ_w² width E[φ²] + σ_b², then takes noise
of the variance above: one part that the samples of a network share, by their correlation, and one of its
own. This holds where fluctuations grow from layer to layer until log A is far from normal (gelu, silu and
mish with he). The bounds are the 2.5 % and 97.5 % quantiles over the networks. Of c, whose mean may be 0 while its
square grows like layers / width, the first two moments are kept.

A batch normalization sets the mean and the variance of each node over the samples. What is left are the
dispersion of A_aa over the samples and the correlations, which make normalized values not quite normal.
Both are known to lowest order only, while the std they shift strays by as little as 0.1 %. Therefore the bounds are
drawn wider there, to hold at least 95 % of layers; of layers close to linear they hold nearly all.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import NamedTuple, Self

import numpy as np

from service.diagnosis.gaussian import DEGREE, moments, pairs, rule
from service.diagnosis.passes import EPSILON
from service.numerics.activations import FUNCTIONS, Activation, Floats

# Particles are all samples of all networks. More would smooth the quantiles, and take longer.
PARTICLES = 4096
MOST_SAMPLES = 16  # of a network without normalization, whose samples share most of what they stray
TAIL = 0.025  # share of layers outside on either side
# Expectations are tabulated over log q in these steps; linear interpolation errs by some 0.001 in log E[φ²].
STEP = 0.25
LARGEST_LOG = 700.0  # exp of it is finite
# A batch normalization fixes the mean and the variance of each node, so that Hermite orders 1 and 2 cannot fluctuate.
FIRST_FREE_ORDER = 3
# With normalization: how much wider than to lowest order, and what part of a shift of the median may be wrong.
# Both are measured, on networks of other seeds than those the tests take.
WIDENED, UNSURE = 1.3, 0.2
ROUNDING = 1e-5  # of float32
POWERS = np.arange(DEGREE + 2)


@dataclass(frozen=True, slots=True)
class LayerSetup:
    """What theory needs to know of a layer."""

    activation: Activation
    fan_in: int
    width: int
    weight_std: float
    bias_std: float = 0.0


@dataclass(frozen=True, slots=True)
class Correlations:
    """Moments of c over the pairs of different samples."""

    mean: float
    square: float

    def biased(self, part: float) -> Self:
        """Return those after biases; `part` of A_aa is from weights."""
        rest = 1 - part
        square = part**2 * self.square + 2 * part * rest * self.mean + rest**2
        return type(self)(part * self.mean + rest, square)

    def powers(self) -> Floats:
        """Return the powers of two correlations that have these moments: shape (2, orders)."""
        half = np.sqrt(np.maximum(self.square - self.mean**2, 0.0))
        ends = np.clip(np.array([self.mean - half, self.mean + half]), -1.0, 1.0)
        result: Floats = np.power.outer(ends, POWERS)
        return result


class _Knot(NamedTuple):
    """Expectations at one q; Hermite coefficients are squared, and relative to E[f]²."""

    plain: Floats  # log E[φ²], log variance of φ, E[φ]
    square: Floats  # of f = φ²
    value: Floats  # of ψ = φ - E[φ], relative to E[φ²]; order 0 is that of φ
    centred: Floats  # of ψ, relative to its variance
    centred_square: Floats  # of f = ψ²


@lru_cache(maxsize=4096)
def _knot(activation: Activation, number: int) -> _Knot:
    q = float(np.exp(number * STEP))
    at, found = moments(activation, q), pairs(activation, q)
    centred = np.square(found.value)
    value = np.where(POWERS == 0, found.mean**2, centred)
    squares = np.where(POWERS == 0, 1.0, np.square(found.square))
    plain = np.array([np.log(np.float64(at.square)), np.log(np.float64(at.variance)), at.mean])
    centred_squares = np.square(found.centred_square / found.variance)
    return _Knot(plain, squares, value, centred / found.variance, centred_squares)


class _Table:
    """Expectations at all knots that these log q lie between."""

    def __init__(self, activation: Activation, log_q: Floats, *, margin: int) -> None:
        self.first = int(np.floor(log_q.min() / STEP)) - margin
        last = int(np.floor(log_q.max() / STEP)) + 1 + margin
        knots = [_knot(activation, number) for number in range(self.first, last + 1)]
        self.plain, self.square, self.value, self.centred, self.centred_square = (
            np.array(field) for field in zip(*knots, strict=True)
        )

    def at(self, log_q: Floats, columns: Floats) -> Floats:
        """Return columns of shape (knots, n) at these log q: shape (n, *log_q.shape)."""
        place = log_q / STEP - self.first
        below = np.clip(np.asarray(place).astype(int), 0, len(columns) - 2)
        rows = columns.T
        result: Floats = rows[:, below] + (place - below) * np.diff(rows)[:, below]
        return result


def spreads(layers: Sequence[LayerSetup], samples: int, *, normalized: bool) -> Iterator[tuple[float, float]]:
    """Yield for each layer the bounds within which about 95 % of layers have the std of their activations.

    Bounds are NaN from where a second moment is 0 or has overflowed.
    """
    walk = _normalized(layers, samples) if normalized else _plain(layers, samples)
    found = 0
    for bounds in walk:
        found += 1
        yield bounds
    yield from [(np.nan, np.nan)] * (len(layers) - found)


def _plain(layers: Sequence[LayerSetup], samples: int) -> Iterator[tuple[float, float]]:
    drawn = np.random.default_rng(0)
    log_a = _as_of_all(_of_inputs(layers[0].fan_in, min(samples, MOST_SAMPLES), drawn), samples)
    common = _normals(len(log_a))
    correlations = Correlations(0.0, 1 / layers[0].fan_in)
    for layer in layers:
        weighted = layer.fan_in * layer.weight_std**2 * np.exp(log_a)
        q = weighted + layer.bias_std**2
        correlations = correlations.biased(float(np.median(weighted / q)))
        log_q = np.log(q)
        if not np.abs(log_q).max() < LARGEST_LOG:
            return
        middle = np.median(log_q)
        table = _Table(layer.activation, log_q, margin=0)
        powers = correlations.powers()

        def over_pairs(coefficients: Floats, powers: Floats = powers) -> Floats:
            different = (coefficients[:, 1:] @ powers[:, 1:].T).mean(axis=1)
            return np.asarray(different + (coefficients[:, 1:].sum(axis=1) - different) / samples)

        shared = np.maximum((table.square[:, 1:] @ powers[:, 1:].T).mean(axis=1), 0.0) / layer.width
        total = np.maximum(table.square[:, 1:].sum(axis=1) / layer.width, shared)
        noise = np.stack([total, np.sqrt(shared / np.maximum(total, 1e-300))], axis=1)
        square, variance, mean, strays, together = table.at(log_q, np.hstack([table.plain, noise]))
        of_layer = np.stack([over_pairs(table.centred_square), over_pairs(table.centred)], axis=1) / layer.width
        own, lost = table.at(np.log(q.mean(axis=1)), of_layer)
        yield _bounds(_log_variance(variance, mean), own, lost)
        # Networks next to each other in A take common noise that is spread evenly, which smooths the quantiles. Where
        # the order begins is drawn, so that a network which keeps its rank takes independent noise in each layer.
        ranked = np.argsort(np.argsort(q.mean(axis=1))) + drawn.integers(len(common))
        fresh = _as_of_all(drawn.standard_normal(q.shape), samples)
        apart = np.sqrt(np.maximum(1 - together**2, 0.0))
        log_a = square + _noise(strays, together * common[ranked % len(common)][:, None] + apart * fresh)
        product, squares = (_series(table, middle, columns, powers) for columns in (table.value, table.square))
        correlations = Correlations(float(np.mean(product)), _over_nodes(product**2, squares, layer.width))


def _normalized(layers: Sequence[LayerSetup], samples: int) -> Iterator[tuple[float, float]]:
    drawn = np.random.default_rng(0)
    # Samples do not stray independently: they lie in a space of `width` dimensions, so that so many count.
    alone = max(2, round(1 / (1 / samples + 2 / min(layer.width for layer in layers))))
    log_a = _of_inputs(layers[0].fan_in, min(alone, PARTICLES // 16), drawn)
    square = 1 / layers[0].fan_in  # mean of c²
    for layer in layers:
        weighted = layer.fan_in * layer.weight_std**2 * np.exp(log_a).mean(axis=1, keepdims=True)
        share = np.exp(log_a) / np.exp(log_a).mean(axis=1, keepdims=True)
        # The variance of a node over the samples, by which it is divided, varies by this together with sample a.
        tied = 2 * (square + share / samples)
        share /= 1 + tied
        share /= share.mean(axis=1, keepdims=True)
        log_q = np.log(share * weighted / (weighted + EPSILON))
        if not np.abs(log_q).max() < LARGEST_LOG:
            return
        reach = np.sqrt(np.clip(2 * tied - (share * tied).mean(axis=1, keepdims=True), 0.0, 0.8))
        middle = np.median(log_q)
        table = _Table(layer.activation, log_q, margin=9)
        # Two values of q stand for a law that is wider than Gaussian. Here it is narrower: their effect is taken off.
        low, at, high = (table.at(log_q + shift, table.plain) for shift in (np.log1p(-reach), 0.0, np.log1p(reach)))
        mean_square = 2 * np.exp(at[0]) - (np.exp(low[0]) + np.exp(high[0])) / 2
        mean = 2 * at[2] - (low[2] + high[2]) / 2
        mean_of_all = mean.mean(axis=1, keepdims=True)
        variance = np.maximum(mean_square - mean * mean, 1e-300)
        log_variance = _log_variance(np.log(variance), mean)
        powers = Correlations(0.0, square).powers()
        own, lost = _own_of_normalized(layer, table, log_q, powers, samples)
        # Shifts of the median by the dispersion over samples, and by the narrower law.
        dispersed = _log_variance(at[1], at[2])
        flat = table.at(np.log(weighted / (weighted + EPSILON))[:, 0], table.plain)[1]
        unsure = np.median(np.abs(log_variance - dispersed) + np.abs(dispersed - flat)) / 2
        centre = np.median(log_variance)
        widened = centre + WIDENED * (log_variance - centre)
        bounds = _bounds(widened, own * WIDENED**2, lost)
        off = np.exp(UNSURE * unsure + ROUNDING)
        yield bounds[0] / off, bounds[1] * off
        # What samples of other A_aa have as another mean, all nodes share.
        apart = np.square(mean - mean_of_all)
        strays = table.at(log_q, table.centred_square[:, 1:].sum(axis=1)[:, None])[0] / layer.width
        fresh = drawn.standard_normal(log_q.shape)
        log_a = np.log(variance + apart) + _noise(strays, fresh)
        product, squares = (
            _series(table, middle, columns, powers) for columns in (table.centred, table.centred_square)
        )
        # Normalizing shrinks large correlations: with a sample itself exactly so, with others near enough.
        passed_on = product**2 / (1 + 4 / samples + square)
        aligned = float(np.mean(np.square(np.mean(apart / (variance + apart), axis=1))))
        square = min(aligned + _over_nodes(passed_on, squares, layer.width), 0.9)


def _own_of_normalized(
    layer: LayerSetup, table: _Table, log_q: Floats, powers: Floats, samples: int
) -> tuple[float, float]:
    """Return the relative variance of the layer's variance, and what the mean over nodes takes out of it."""
    # Few samples of large A_aa govern the variance: their whole law counts, in steps of log q.
    steps, counts = np.unique(np.rint(log_q), return_counts=True)
    z, density = rule(())
    u = np.exp(steps / 2)[:, None] * z
    weights = counts[:, None] / log_q.size * density
    value = FUNCTIONS[layer.activation].value(u)
    value = value - np.sum(weights * value)
    variance = np.sum(weights * np.square(value))
    found = []
    for f, columns in ((np.square(value), table.centred_square), (value, table.centred)):
        # A node's sums of u and of u² are fixed, so that f varies by what they leave of it.
        left = f - np.sum(weights * f)
        for fixed in (u, np.square(u) - np.sum(weights * np.square(u))):
            left = left - fixed * (np.sum(weights * left * fixed) / np.sum(weights * fixed * fixed))
        alike = np.sum(weights * np.square(left)) / samples
        different = _series(table, np.median(log_q), columns[:, FIRST_FREE_ORDER:], powers[:, FIRST_FREE_ORDER:]).mean()
        found.append((different, alike))
    (squares, squares_alike), (values, values_alike) = found
    return (
        float(squares + squares_alike / variance**2) / layer.width,
        float(values + values_alike / variance) / layer.width,
    )


def _of_inputs(fan_in: int, samples: int, drawn: np.random.Generator) -> Floats:
    """Return log A_aa of independent normal inputs: shape (networks, samples)."""
    found: Floats = np.log(drawn.chisquare(fan_in, (PARTICLES // samples, samples)) / fan_in)
    return found


def _as_of_all(strays: Floats, samples: int) -> Floats:
    """Return these of a few samples with means over them that stray as little as those of all samples."""
    mean = strays.mean(axis=1, keepdims=True)
    found: Floats = strays - mean * (1 - np.sqrt(strays.shape[1] / samples))
    return found


@lru_cache(maxsize=64)
def _normals(count: int) -> Floats:
    """Return quantiles of N(0, 1) at equal shares, in an order that spreads any run of them evenly."""
    # Multiples of the golden ratio modulo 1.
    ranks = np.argsort(np.argsort(np.arange(count) * (np.sqrt(5) - 1) / 2 % 1))
    return np.array([NormalDist().inv_cdf((rank + 0.5) / count) for rank in ranks.tolist()])


def _noise(variance: Floats | float, normal: Floats) -> Floats:
    """Return the log of a factor of mean 1 and this variance, for a standard normal."""
    # A mean of squares is close to a gamma variable: mean and variance of its log, to second order.
    found: Floats = np.sqrt(variance + np.square(variance) / 2) * normal - variance / 2
    return found


def _log_variance(log_variance: Floats, mean: Floats) -> Floats:
    """Return the log of the variance of φ over the samples of each network."""
    found: Floats = np.log(np.exp(log_variance).mean(axis=1) + mean.var(axis=1))
    return found


def _bounds(log_variance: Floats, own: Floats | float, lost: Floats | float) -> tuple[float, float]:
    """Return the bounds of the std; the layer's own fluctuation is `own`, a relative variance."""
    # The mean over nodes takes its own fluctuation out of the variance.
    median = log_variance + np.log1p(-np.minimum(lost, 0.9))
    stds = (median + _noise(own, _normals(32)[:, None])) / 2
    low, high = np.exp(np.quantile(stds, [TAIL, 1 - TAIL], method="hazen"))
    return float(low), float(high)


def _series(table: _Table, log_q: Floats, columns: Floats, powers: Floats) -> Floats:
    """Return the series at one log q and at both correlations: shape (2,)."""
    return table.at(log_q, columns @ powers.T)


def _over_nodes(product_square: Floats, squares: Floats, width: int) -> float:
    """Return the mean over pairs of the c² that a layer of this width has."""
    one_more = 1 / width
    found = np.mean(product_square * (1 - one_more) + squares * one_more) / np.mean(1 + (squares - 1) * one_more)
    return float(found)
