"""How far the std of a layer of finite width strays from mean-field theory.

Given the layer before, the nodes of a layer are independent: node i has a Gaussian vector of
pre-activations over the samples, whose covariance A_ab = σ_w² Σ_j φ_ja φ_jb + σ_b² is random through
the layer before. Hence a mean over nodes and samples of f(φ) has relative variance

    (K - 1) / width,    K = mean over sample pairs a, b of E[f(u) f(v)] / E[f]²,

where u and v have the correlation c of that pair (1 for a = b). For f = φ² this makes A fluctuate in the next
layer, and d log A' / d log A passes it on. For relu and samples that are all alike, K = 6.

Kept for each layer, to first order in 1 / width, are the variances of log A_aa (for one sample, and
for their mean, which all samples share) and the first two moments of c over pairs: even where c has
mean 0, its square grows like layers / width.

Not described well: gelu, silu and mish with he over many narrow layers. There d log A' / d log A is
above 1, fluctuations grow from layer to layer until they are not log-normal, and up to a third of
layers of width 100 lie outside. With batch normalization the bounds are mostly wider than need be:
about 2 % of layers lie outside, of softplus 10 %.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple, Self

import numpy as np

from service.diagnosis.gaussian import Moments, moments, pairs
from service.numerics.activations import Activation, Floats

# A batch normalization fixes the mean and the variance of each node, so that Hermite orders 1 and 2 cannot fluctuate.
FIRST_FREE_ORDER = 3
ROUNDING = 1e-5


@dataclass(frozen=True, slots=True)
class LayerSetup:
    """What theory needs to know of a layer."""

    activation: Activation
    fan_in: int
    width: int
    weight_std: float
    bias_std: float = 0.0


@dataclass(frozen=True, slots=True)
class Fluctuations:
    """How the Gram matrix A_ab of the samples in one layer strays from its mean-field value."""

    samples: int
    normalized: bool  # whether batches are normalized
    shift: float  # log of the median of A_aa averaged over the samples, relative to mean field
    common: float  # variance of the log of A_aa averaged over the samples
    single: float  # variance of log A_aa of one sample
    correlation: float  # mean of c over pairs of samples
    square: float  # mean of c²

    @classmethod
    def of_inputs(cls, fan_in: int, samples: int, *, normalized: bool) -> Self:
        """Return those of independent normal inputs."""
        common = 0.0 if normalized else 2 / (fan_in * samples)
        return cls(samples, normalized, 0.0, common, 2 / fan_in, 0.0, 1 / fan_in)

    def summed(self, share: float) -> Self:
        """Return those of pre-activations; `share` of mean-field A_aa is from weights, the rest from biases."""
        grown = share * np.exp(self.shift)
        total = grown + 1 - share
        part = grown / total
        rest = 1 - part
        return replace(
            self,
            shift=np.log(total),
            common=part**2 * self.common,
            single=part**2 * self.single,
            correlation=part * self.correlation + rest,
            square=part**2 * self.square + 2 * part * rest * self.correlation + rest**2,
        )

    def spread(self, layer: LayerSetup, q: float) -> tuple[float, float]:
        """Return the bounds within which about 95 % of layers have the std of their activations.

        These are pre-activations, and q is the mean-field second moment of the activation's argument.
        """
        found = pairs(layer.activation, self._second_moment(q))
        order = FIRST_FREE_ORDER if self.normalized else 0
        of_mean = self._over_pairs(found.centred(self._ends(), max(order, 1)), found.centred(_ALIKE, max(order, 1)))
        of_square = self._over_pairs(
            found.centred_squares(self._ends(), max(order, 1)), found.centred_squares(_ALIKE, max(order, 1))
        )
        # The mean over nodes takes its own fluctuation out of the variance.
        lost = of_mean / found.variance / layer.width
        mean_square, mean = self._over_samples(layer.activation, q)
        own = np.log1p(of_square / found.variance**2 / layer.width)
        passed_on = 0.0 if self.normalized else _gain(layer.activation, self._second_moment(q), self.common).variance
        variance = passed_on**2 * self.common + own
        # A log-normal fluctuation of mean 1 has a smaller median. Halved: std from variance.
        median = (np.log(mean_square - mean * mean) + np.log1p(-lost) - own / 2) / 2
        expected = np.log(moments(layer.activation, q).variance) / 2
        reach = np.sqrt(variance)  # two standard deviations of log std
        if self.normalized:
            # Few samples of large A_aa govern how far the median is from mean field, so it varies as much.
            # ROUNDING stands for float32 and for ε, which leave an identity layer its only spread.
            reach += np.abs(median - expected) + ROUNDING
        return (
            float(np.exp(np.minimum(median - reach, expected))),
            float(np.exp(np.maximum(median + reach, expected))),
        )

    def activated(self, layer: LayerSetup, q: float) -> Self:
        """Return those of the activations, relative to their own mean-field second moment (or variance)."""
        middle = self._second_moment(q)
        found = pairs(layer.activation, middle)
        ends = self._ends()
        if self.normalized:
            product, squares = found.centred(ends) / found.variance, found.centred_squares(ends) / found.variance**2
            alike = found.centred_squares(_ALIKE)[0] / found.variance**2
            common, shift, gain = 0.0, 0.0, _local_gain(moments(layer.activation, middle))
        else:
            product, squares, alike = found.product(ends), found.squares(ends), found.squares(_ALIKE)[0]
            gain = _gain(layer.activation, middle, self.single).square
            common_gain = _gain(layer.activation, middle, self.common).square
            fresh = self._over_pairs(squares - 1, np.array([alike - 1]))
            own = np.log1p(fresh / layer.width)
            common = common_gain**2 * self.common + own
            mean_square, _ = self._over_samples(layer.activation, q)
            # A log-normal fluctuation of mean 1 has a smaller median.
            shift = np.log(mean_square / np.float64(moments(layer.activation, q).square)) - own / 2
        one_more = 1 / layer.width
        square = np.mean(product**2 * (1 - one_more) + squares * one_more) / np.mean(1 + (squares - 1) * one_more)
        return replace(
            self,
            shift=shift,
            common=common,
            single=gain**2 * self.single + np.log1p((alike - 1) / layer.width),
            correlation=float(np.mean(product)),
            square=float(square),
        )

    def _second_moment(self, q: float) -> float:
        return float(q * np.exp(self.shift))

    def _ends(self) -> Floats:
        """Return two correlations that stand for all: c has their mean and variance."""
        half = np.sqrt(np.maximum(self.square - self.correlation**2, 0.0))
        ends: Floats = np.clip(np.array([self.correlation - half, self.correlation + half]), -1.0, 1.0)
        return ends

    def _over_pairs(self, different: Floats, same: Floats) -> float:
        """Return the mean over pairs of samples, those of a sample with itself included."""
        # Samples of large A_aa weigh more in a normalized batch, where they do not share their fluctuations.
        weight = np.minimum(np.exp(self.single) / self.samples, 1.0) if self.normalized else 1 / self.samples
        return float(np.mean(different) + (same[0] - np.mean(different)) * weight)

    def _over_samples(self, activation: Activation, q: float) -> tuple[float, float]:
        """Return E[φ²] and E[φ], with A_aa spread over the samples around their mean."""
        # A normalization divides by the variance over the samples, which varies with 2 c² between nodes.
        single = self.single - 2 * self.square if self.normalized else max(self.single - self.common, 0.0)
        # Two values of A_aa stand for all: they have its mean, and log A_aa has its variance.
        half = np.sqrt(np.abs(single))
        factors = np.exp(np.array([-half, half])) / np.cosh(half)
        middle = self._second_moment(q)
        ends = [moments(activation, float(middle * factor)) for factor in factors]
        mean_square = sum(end.square for end in ends) / 2
        mean = sum(end.mean for end in ends) / 2
        if single >= 0:
            return mean_square, mean
        at = moments(activation, middle)
        return 2 * at.square - mean_square, 2 * at.mean - mean


_ALIKE = np.array([1.0])


class _Gain(NamedTuple):
    """How a fluctuation of log q shows in the activation."""

    square: float  # d log E[φ²] / d log q
    variance: float  # d log (E[φ²] - E[φ]²) / d log q


def _gain(activation: Activation, q: float, variance: float) -> _Gain:
    """Return the gains as chords over the range of q, since curvature counts where log q varies much."""
    half = np.sqrt(variance)
    low, high = (moments(activation, float(q * np.exp(end))) for end in (-half, half))
    return _Gain(
        float(np.log(np.float64(high.square) / low.square) / (2 * half)),
        float(np.log(np.float64(high.variance) / low.variance) / (2 * half)),
    )


def _local_gain(found: Moments) -> float:
    """Return d log(variance of φ) / d log q."""
    return float((found.square_gain - 2 * found.mean * found.mean_gain) / np.float64(found.variance))
