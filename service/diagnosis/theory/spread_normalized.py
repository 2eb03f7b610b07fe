"""How far the std of a layer of finite width strays from mean-field theory, with batch normalization.

Theory gives the lowest order only (see normalized_law.py), while the std strays by as little as 0.1 %. Therefore the
bounds are drawn wider than theory says, by what simulations ask for.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from service.diagnosis.theory.mean_field import LayerSetup
from service.diagnosis.theory.normalized_law import MARGIN, Activated, Normalized, activated, free_fluctuations
from service.diagnosis.theory.particles import PARTICLES, bounds, lengths_of_inputs, noise
from service.diagnosis.theory.tables import Correlations, Table, in_range, square_at_width
from service.numerics.activations import Floats

FEWEST_NETWORKS = 16
# A normalization fixes the mean and the variance of each node, so that Hermite orders 1 and 2 cannot fluctuate.
FIRST_FREE_ORDER = 3
LARGEST_SQUARE = 0.9  # mean of c², beyond which the lowest order means nothing
ROUNDING = 1e-5  # of float32
# Fitted to simulations, of other seeds than those of the tests, and not derived: how much wider the spread is than to
# lowest order, and what part of a shift of the median may be wrong.
WIDENED, UNSURE = 1.3, 0.2


def normalized_spreads(layers: Sequence[LayerSetup], samples: int) -> Iterator[tuple[float, float]]:
    """Yield the bounds of each layer, up to where a second moment is 0 or has overflowed."""
    drawn = np.random.default_rng(0)
    log_lengths = lengths_of_inputs(layers[0].fan_in, _samples_that_count(layers, samples), drawn)
    square = 1 / layers[0].fan_in  # mean of c² over the pairs of different samples
    for layer in layers:
        entering = Normalized.of(layer, log_lengths, square, samples)
        if not in_range(entering.log_q):
            return
        table = Table(layer.activation, entering.log_q, margin=MARGIN)
        powers = Correlations(0.0, square).powers()
        leaving = activated(table, entering)
        alike = free_fluctuations(layer.activation, entering.log_q)
        own, lost = _of_layer(table, powers, alike, samples) / layer.width
        yield _widened_bounds(leaving, own, lost)
        # What samples of other lengths have as another mean, all nodes share.
        apart = np.square(leaving.mean - leaving.mean.mean(axis=1, keepdims=True))
        lengths = leaving.variance + apart
        strays = table.at(entering.log_q, table.series.centred_square[:, 1:].sum(axis=1, keepdims=True))[0]
        log_lengths = np.log(lengths) + noise(strays / layer.width, drawn.standard_normal(lengths.shape))
        aligned = float(np.mean(np.square(np.mean(apart / lengths, axis=1))))
        square = min(aligned + _passed_on(table, powers, square, samples, layer.width), LARGEST_SQUARE)


def _samples_that_count(layers: Sequence[LayerSetup], samples: int) -> int:
    # Samples do not stray independently, since they lie in a space of `width` dimensions. This number is fitted to
    # simulations, not derived.
    width = min(layer.width for layer in layers)
    return min(max(2, round(1 / (1 / samples + 2 / width))), PARTICLES // FEWEST_NETWORKS)


def _of_layer(table: Table, powers: Floats, alike: tuple[float, float], samples: int) -> Floats:
    """Return, times the width, the relative variance of the layer's variance, and what its mean takes out of it.

    `alike` is what a sample has with itself of either; `powers` are of correlations with others.
    """
    free_powers = powers[FIRST_FREE_ORDER:].mean(axis=1)
    series = (table.series.centred_square, table.series.centred)
    columns = np.stack([of_pair[:, FIRST_FREE_ORDER:] @ free_powers for of_pair in series], axis=1)
    found: Floats = table.in_the_middle(columns) + np.array(alike) / samples
    return found


def _widened_bounds(leaving: Activated, own: float, lost: float) -> tuple[float, float]:
    median = np.median(leaving.log_variance)
    low, high = bounds(median + WIDENED * (leaving.log_variance - median), WIDENED**2 * own, lost)
    off = float(np.exp(UNSURE * leaving.shift / 2 + ROUNDING))  # a std shifts by half of what a log variance does
    return low / off, high * off


def _passed_on(table: Table, powers: Floats, square: float, samples: int, width: int) -> float:
    """Return the mean of c² over pairs of samples' activations, if it was `square` before the layer."""
    product, squares = (
        table.in_the_middle(of_pair @ powers) for of_pair in (table.series.centred, table.series.centred_square)
    )
    # Normalizing shrinks large correlations. By how much is fitted to simulations, not derived.
    damping = 1 + 4 / samples + square
    return square_at_width(product**2 / damping, squares, width)
