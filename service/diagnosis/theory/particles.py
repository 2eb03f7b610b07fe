"""The law of a layer's activations over networks, carried from layer to layer by particles.

A particle is one sample in one network. It holds the log of its length, the mean over nodes of φ². An array of
particles has shape (networks, samples). Bounds are quantiles over the networks.
"""

from functools import lru_cache
from statistics import NormalDist

import numpy as np

from service.numerics.activations import FloatArray

# Of all networks. More would smooth the quantiles, and take longer.
PARTICLES = 4096
TAIL = 0.025  # share of layers outside on either side
# Values of a layer's own fluctuation, spread over all networks.
OWN_VALUES = 8192


def log_lengths_of_inputs(lengths: FloatArray) -> FloatArray:
    """Return the log lengths of particles in networks that all take the same batch."""
    return np.tile(np.log(lengths), (PARTICLES // len(lengths), 1))


def noise(variance: FloatArray | float, normal: FloatArray) -> FloatArray:
    """Return the log of a factor of mean 1 and this variance, for a standard normal."""
    # A mean of squares is close to a gamma variable: mean and variance of its log, to second order.
    log_factor: FloatArray = np.sqrt(variance + np.square(variance) / 2) * normal - variance / 2
    return log_factor


@lru_cache(maxsize=64)
def even_normals(count: int) -> FloatArray:
    """Return quantiles of N(0, 1) at equal shares, in an order that spreads any run of them evenly."""
    # Multiples of the golden ratio modulo 1.
    ranks = np.argsort(np.argsort(np.arange(count) * (np.sqrt(5) - 1) / 2 % 1))
    return np.array([NormalDist().inv_cdf((rank + 0.5) / count) for rank in ranks.tolist()])


def log_variance_of_all(log_variance: FloatArray, mean: FloatArray) -> FloatArray:
    """Return the log of the variance of φ over all samples of each network, from that and the mean of each sample."""
    variance: FloatArray = np.exp(log_variance).mean(axis=1) + mean.var(axis=1)
    return np.log(variance)


def bounds(log_square: FloatArray, own: FloatArray | float) -> tuple[float, float]:
    """Return the bounds of the root of what has this logarithm in each network, given the layers before.

    Through its finite width the layer adds a fluctuation of relative variance `own`.
    """
    each = OWN_VALUES // len(log_square)
    normals = even_normals(each * len(log_square)).reshape(-1, each)
    log_roots = (log_square + noise(own, normals.T)) / 2
    low, high = np.exp(np.quantile(log_roots, [TAIL, 1 - TAIL], method="hazen"))
    return float(low), float(high)
