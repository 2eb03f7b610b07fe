"""What a batch normalization leaves to fluctuate in a layer of finite width.

It sets the mean and the variance of each node over the samples. What is left are the dispersion of A_aa over the
samples and their correlations (see spread_plain.py), which make normalized values not quite normal. Both are known
here to lowest order only.
"""

from typing import NamedTuple, Self

import numpy as np

from service.diagnosis.passes import EPSILON
from service.diagnosis.theory.gaussian import rule
from service.diagnosis.theory.mean_field import LayerSetup
from service.diagnosis.theory.particles import log_variance_of_all
from service.diagnosis.theory.tables import STEP, Table
from service.numerics.activations import FUNCTIONS, Activation, Floats

# The expansion to lowest order means nothing beyond these.
LARGEST_REACH, SMALLEST_VARIANCE = np.sqrt(0.8), 1e-300
# Knots that a table needs beyond all log q, for log (q (1 - LARGEST_REACH)).
MARGIN = int(np.ceil(-np.log1p(-LARGEST_REACH) / STEP))


class Normalized(NamedTuple):
    """The law of what enters an activation."""

    log_q: Floats  # of each sample: shape (networks, samples)
    log_q_of_all: Floats  # of all samples together: shape (networks,)
    reach: Floats  # the fourth moment is 3 q² (1 - reach²): shape (networks, samples)

    @classmethod
    def of(cls, layer: LayerSetup, log_lengths: Floats, square: float, samples: int) -> Self:
        """Return the law for samples of these lengths, whose correlations have the mean square `square`."""
        lengths = np.exp(log_lengths)
        length = lengths.mean(axis=1, keepdims=True)
        share = lengths / length
        # The variance of a node over the samples, by which it is divided, varies by this together with sample a.
        tied = 2 * (square + share / samples)
        share /= 1 + tied
        share /= share.mean(axis=1, keepdims=True)
        weighted = layer.fan_in * layer.weight_std**2 * length
        q_of_all = weighted / (weighted + EPSILON)
        reach_square = 2 * tied - (share * tied).mean(axis=1, keepdims=True)
        reach = np.sqrt(np.clip(reach_square, 0.0, LARGEST_REACH**2))
        return cls(np.log(share * q_of_all), np.log(q_of_all[:, 0]), reach)


class Activated(NamedTuple):
    """What leaves an activation."""

    mean: Floats  # of each sample over the nodes: shape (networks, samples)
    variance: Floats  # of the same shape
    log_variance: Floats  # over nodes and samples: shape (networks,)
    shift: float  # of the median of log_variance, by dispersion and by correlations


def activated(table: Table, entering: Normalized) -> Activated:
    """Return what the activation makes of these values."""
    log_square, log_variance, gaussian_mean = table.at(entering.log_q, table.moments)
    # Gaussian laws of q (1 - reach) and q (1 + reach), half each, are as much wider than one of q as the true law is
    # narrower: their effect is taken off.
    below, above = (
        table.at(entering.log_q + np.log1p(reach), table.moments[:, [0, 2]])
        for reach in (-entering.reach, entering.reach)
    )
    square = 2 * np.exp(log_square) - (np.exp(below[0]) + np.exp(above[0])) / 2
    mean = 2 * gaussian_mean - (below[1] + above[1]) / 2
    variance = np.maximum(square - mean * mean, SMALLEST_VARIANCE)
    undispersed = table.at(entering.log_q_of_all, table.moments[:, 1:2])[0]
    dispersed = log_variance_of_all(log_variance, gaussian_mean)
    narrowed = log_variance_of_all(np.log(variance), mean)
    shift = np.median(np.abs(narrowed - dispersed) + np.abs(dispersed - undispersed))
    return Activated(mean, variance, narrowed, float(shift))


def free_fluctuations(activation: Activation, log_q: Floats) -> tuple[float, float]:
    """Return the mean squares, relative to the variance of φ, of what is free of ψ² and of ψ, with ψ = φ - E[φ]."""
    # Few samples of large A_aa govern the variance: their whole law counts, in steps of log q.
    steps, counts = np.unique(np.rint(log_q), return_counts=True)
    z, density = rule(())
    u = np.exp(steps / 2)[:, None] * z
    weights = counts[:, None] / log_q.size * density
    value = FUNCTIONS[activation].value(u)
    value = value - np.sum(weights * value)
    value = value / np.sqrt(np.sum(weights * np.square(value)))
    square, u_square = (np.square(f) - np.sum(weights * np.square(f)) for f in (value, u))
    # A node's sums of u and of u² over the samples are fixed, so that f varies by what they leave of it.
    for fixed in (u, u_square):
        along = weights * fixed / np.sum(weights * fixed * fixed)
        square, value = (f - fixed * np.sum(along * f) for f in (square, value))
    of_square, of_value = (float(np.sum(weights * np.square(f))) for f in (square, value))
    return of_square, of_value
