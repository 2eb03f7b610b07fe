"""How far the gradient ratio of a layer of finite width strays from mean-field theory: docs/theory.md.

It is carried from the last layer back by the particles that `spread` carried forward. A particle now holds the log of
a sample's gradient, δ² summed over nodes. At node i, δ_i = φ'(u_i) g_i, where g is normal over nodes, and two samples
of it have the correlation ρ. Hence a mean over nodes of δ² has relative variance

    (K - 1) / width,    K = mean over sample pairs of E[φ'²(u) φ'²(v)] / E[φ'²]² · (1 + 2 ρ²),

where ρ is 1 for a sample with itself: for relu, K = 6 once more.
"""

from collections.abc import Sequence

import numpy as np

from service.diagnosis.theory.mean_field import LayerSetup
from service.diagnosis.theory.particles import bounds, noise
from service.diagnosis.theory.spread import LayerSpread, normals
from service.diagnosis.theory.tables import square_at_width
from service.numerics.activations import FloatArray


def gradient_bounds(
    layers: Sequence[LayerSetup], spreads: Sequence[LayerSpread], samples: int
) -> list[tuple[float, float]]:
    """Return the bounds of the gradient ratio of each layer, from the first to the last, whose ratio is 1."""
    generator = np.random.default_rng(1)
    log_lengths = np.zeros_like(spreads[-1].log_q)
    square = 0.0  # mean of ρ² over pairs of different samples: the gradients at the outputs are independent
    last: FloatArray | None = None
    found = []
    for layer, at_layer, above in zip(reversed(layers), reversed(spreads), [None, *reversed(layers[1:])], strict=True):
        table, width = at_layer.table, layer.width
        if above is not None:
            log_lengths = log_lengths + np.log(above.width * above.weight_std**2)
        log_lengths = log_lengths + table.at(at_layer.log_q, table.moments[:, 3:])[0]
        different, same = _of_pairs(at_layer, square)
        given = _log_mean(log_lengths)
        own = (different + (same - different) / samples) / width
        found.append((1.0, 1.0) if last is None else bounds(given - last, own))
        common_part = np.full(log_lengths.shape, np.sqrt(np.clip(different / same, 0.0, 1.0)))
        normal = normals(common_part, np.argsort(np.argsort(given)), samples, generator)
        log_lengths = log_lengths + noise(same / width, normal)
        last = _log_mean(log_lengths) if last is None else last
        square = _passed_back(at_layer, square, width)
    return found[::-1]


def _of_pairs(at_layer: LayerSpread, square: float) -> tuple[float, float]:
    """Return K - 1 over pairs of different samples, and for a sample with itself."""
    series = at_layer.table.in_the_middle(at_layer.table.series.slope_square)
    different = float(np.mean(series @ at_layer.powers)) * (1 + 2 * square) - 1
    return max(different, 0.0), 3 * float(series.sum()) - 1


def _passed_back(at_layer: LayerSpread, square: float, width: int) -> float:
    """Return the mean of ρ² over pairs of different samples in a layer of this width, given that of the layer above."""
    table, powers = at_layer.table, at_layer.powers
    product, squares = (
        table.in_the_middle(of_pair @ powers) for of_pair in (table.series.slope, table.series.slope_square)
    )
    return square_at_width(np.square(product) * square, squares * (1 + 2 * square), width)


def _log_mean(log_lengths: FloatArray) -> FloatArray:
    """Return the log of the mean length over the samples of each network."""
    mean: FloatArray = np.log(np.exp(log_lengths).mean(axis=1))
    return mean
