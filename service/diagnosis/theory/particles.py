"""The law of a layer's activations over networks, carried from layer to layer by particles.

A particle is one sample in one network. It holds the log of its length, the mean over nodes of φ². An array of
particles has shape (networks, samples). Bounds are quantiles over the networks.
"""

from functools import lru_cache
from statistics import NormalDist

import numpy as np

from service.numerics.activations import Floats

# Of all networks. More would smooth the quantiles, and take longer.
PARTICLES = 4096
TAIL = 0.025  # share of layers outside on either side
# So many values of a layer's own fluctuation are joined to each network.
OWN_VALUES = 32
MOST_LOST = 0.9  # of a variance, so that its log exists


def lengths_of_inputs(fan_in: int, samples: int, drawn: np.random.Generator) -> Floats:
    """Return the log lengths of independent normal inputs."""
    found: Floats = np.log(drawn.chisquare(fan_in, (PARTICLES // samples, samples)) / fan_in)
    return found


def noise(variance: Floats | float, normal: Floats) -> Floats:
    """Return the log of a factor of mean 1 and this variance, for a standard normal."""
    # A mean of squares is close to a gamma variable: mean and variance of its log, to second order.
    found: Floats = np.sqrt(variance + np.square(variance) / 2) * normal - variance / 2
    return found


@lru_cache(maxsize=64)
def even_normals(count: int) -> Floats:
    """Return quantiles of N(0, 1) at equal shares, in an order that spreads any run of them evenly."""
    # Multiples of the golden ratio modulo 1.
    ranks = np.argsort(np.argsort(np.arange(count) * (np.sqrt(5) - 1) / 2 % 1))
    return np.array([NormalDist().inv_cdf((rank + 0.5) / count) for rank in ranks.tolist()])


def log_variance_of_all(log_variance: Floats, mean: Floats) -> Floats:
    """Return the log of the variance of φ over all samples of each network, from that and the mean of each sample."""
    found: Floats = np.log(np.exp(log_variance).mean(axis=1) + mean.var(axis=1))
    return found


def bounds(log_variance: Floats, own: Floats | float, lost: Floats | float) -> tuple[float, float]:
    """Return the bounds of the std of a layer.

    `log_variance` is expected given the layer before. Through its finite width the layer adds a fluctuation of relative
    variance `own`. Taken about its own mean over nodes, the variance is smaller by the share `lost`.
    """
    log_variance = log_variance + np.log1p(-np.minimum(lost, MOST_LOST))
    log_stds = (log_variance + noise(own, even_normals(OWN_VALUES)[:, None])) / 2
    low, high = np.exp(np.quantile(log_stds, [TAIL, 1 - TAIL], method="hazen"))
    return float(low), float(high)
