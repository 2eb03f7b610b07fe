"""What one layer's activations and gradients look like, in figures."""

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from service.dense.scratch import Scratch
from service.diagnosis.batch import corrected_rank
from service.diagnosis.report import (
    BINS,
    QUANTILES,
    ActivationFigures,
    Histogram,
    NodeFigures,
    PreActivationFigures,
    SampleFigures,
    existing,
)
from service.numerics.activations import FloatArray, Function

# A slope under this share of the largest counts as saturated: for tanh, |activation| > 0.97.
SATURATED_SLOPE = 0.06
# In so many samples a node that varies shows it, with rare exceptions.
FEW_SAMPLES = 16
# Covariances are taken over at most so many nodes, which stand for all: the product of all costs as much as a layer.
MOST_NODES_COMPARED = 512
MOST_NODES_IN_SUMMARY = 128
# Relative to a node's mean: under it the samples differ by little more than float32's rounding, so that rank and
# correlation would be those of rounding.
SMALLEST_SPREAD = 1e-5
# Up to so many values are all sorted for their quantiles.
MOST_SORTED = 1 << 17
# Of more, so many are, evenly spaced; the bars of a histogram never need more.
SORTED_OF_MORE = 1 << 14
SMALL_GRADIENT = 0.01  # of the rms
# Share of the mean square that the squared mean may be: the rest keeps five of float32's seven digits.
LARGEST_CANCELLED = 0.9
# A mean square under which some squares are too small for float32's digits.
SMALLEST_MEAN_SQUARE = 1e-32
# So many values are made float64 at once.
BLOCK_ELEMENTS = 2**16
TINY = float(np.finfo(np.float32).tiny)
# Beyond these, sums of squares of float32 values or their products could overflow or vanish.
SMALLEST_SCALE, LARGEST_SCALE = 1e-6, 1e6


def mean_and_std(values: FloatArray) -> tuple[float, float]:
    """Return mean and standard deviation over all elements; not finite if they overflow float64."""
    # Sums of rows, as a product the fastest there are, and then of few values in float64.
    rows = values @ np.ones(values.shape[-1], values.dtype)
    mean = float(np.mean(rows, dtype=np.float64)) / values.shape[-1]
    flat = values.reshape(-1)
    square = float(np.vdot(flat, flat)) / flat.size
    if SMALLEST_MEAN_SQUARE < square < np.inf and mean * mean < LARGEST_CANCELLED * square:
        return mean, float(np.sqrt(square - mean * mean))
    # Squares that float32 cannot hold well, or a mean so large that its square would cancel the rest.
    exact = float(flat.mean(dtype=np.float64))
    return exact, float(np.sqrt(_sum_of_squares(flat, exact) / flat.size))


def _sum_of_squares(flat: FloatArray, mean: float) -> float:
    """Return the sum of (value - mean)², in float64 by blocks: NumPy would make float64 of all values at once."""
    total = 0.0
    for start in range(0, flat.size, BLOCK_ELEMENTS):
        distances = flat[start : start + BLOCK_ELEMENTS] - np.float64(mean)
        total += float(distances @ distances)
    return total


def pre_activation_figures(values: FloatArray) -> PreActivationFigures:
    """Return mean and std of the pre-activations."""
    mean, std = mean_and_std(values)
    return PreActivationFigures(existing(mean), existing(std))


def activation_figures(values: FloatArray) -> ActivationFigures:
    """Return the figures of activations; none of them exists where one value is not finite.

    Of more than MOST_SORTED values, quantiles and histogram are those of some; the others are of all.
    """
    brief = brief_activation_figures(values)
    if brief.min is None or brief.max is None:
        return brief
    ordered = np.sort(_values_to_sort(values))
    return replace(
        brief,
        quantiles=_quantiles(ordered),
        histogram=_histogram(ordered, brief.min, brief.max),
        zero_share=int(np.count_nonzero(values == 0)) / values.size,
    )


def brief_activation_figures(values: FloatArray) -> ActivationFigures:
    """Return the figures of activations that need no sorting; none of them exists where one value is not finite."""
    smallest, largest = float(values.min()), float(values.max())
    if not np.isfinite([smallest, largest]).all():
        return ActivationFigures()
    mean, std = mean_and_std(values)
    return ActivationFigures(existing(mean), existing(std), smallest, largest)


def saturated_share(entering: FloatArray, activation: Function) -> float | None:
    """Return the share of values whose slope passes next to nothing back; None for unbounded functions."""
    if activation.largest_slope is None:
        return None
    is_flat = activation.slope(entering) < np.float32(SATURATED_SLOPE * activation.largest_slope)
    if activation.flat_up_to is not None:
        is_flat &= entering > np.float32(activation.flat_up_to)
    return float(is_flat.mean())


def value_histogram(values: FloatArray) -> Histogram | None:
    """Return how some values are distributed, evenly spaced among all; None where one of them is not finite."""
    ordered = np.sort(_evenly_spaced(values, SORTED_OF_MORE))
    smallest, largest = float(ordered[0]), float(ordered[-1])  # NaN is sorted to the end
    return _histogram(ordered, smallest, largest) if np.isfinite([smallest, largest]).all() else None


def gradient_sizes(gradient: FloatArray, rms: float) -> tuple[list[float], float]:
    """Return the quantiles of the sizes of gradients, and the share that is under a hundredth of their rms.

    Of more than MOST_SORTED gradients they are those of some.
    """
    ordered = np.sort(np.abs(_values_to_sort(gradient)))
    small = np.searchsorted(ordered, np.asarray(SMALL_GRADIENT * rms, ordered.dtype))
    return _quantiles(ordered), float(small) / ordered.size


def node_and_sample_figures(
    activation: FloatArray, scale: float, scratch: Scratch, most_nodes: int = MOST_NODES_COMPARED
) -> tuple[NodeFigures, SampleFigures]:
    """Return what nodes tell apart and how alike samples are, for finite activations of shape (samples, width).

    All of them are up to `scale`.
    """
    constant = _constant_nodes(activation)
    width = activation.shape[1]
    chosen = _some_nodes(width, most_nodes)
    compared = activation if width == len(chosen) else activation[:, chosen]
    unit = 1.0
    if not SMALLEST_SCALE < scale < LARGEST_SCALE:
        unit = max(scale, TINY)
        compared = compared / np.float32(unit)  # rank, correlation and cosine do not depend on scale
    centred = scratch.array("centred", compared.shape, compared.dtype)
    within = _centre(compared, centred)
    rank, correlation = None, None
    if within >= SMALLEST_SPREAD * np.sqrt(np.vdot(compared, compared) / compared.size) > 0:
        covariance = scratch.array("covariance", (len(chosen), len(chosen)), centred.dtype)
        np.matmul(centred.T, centred, out=covariance)
        rank, correlation = _covariance_figures(covariance, ~constant[chosen], width)
    nodes = NodeFigures(
        dead_share=float((constant & (activation[0] == 0)).mean()),
        constant_share=float(constant.mean()),
        effective_rank=rank,
        corrected_rank=None if rank is None else corrected_rank(rank, len(activation)),
        mean_correlation=correlation,
    )
    return nodes, SampleFigures(_mean_cosine(compared), existing(within * unit))


def _some_nodes(width: int, most: int) -> npt.NDArray[np.int64]:
    """Return the numbers of up to so many nodes, spread evenly and yet with no period that a layer could have."""
    # Multiples of the golden ratio modulo 1.
    return np.sort(np.argsort(np.arange(width) * (math.sqrt(5) - 1) / 2 % 1)[:most])


def _constant_nodes(activation: FloatArray) -> npt.NDArray[np.bool_]:
    """Return which nodes have one value for all samples: shape (width,)."""
    first = activation[0]
    constant: npt.NDArray[np.bool_] = (activation[:FEW_SAMPLES] == first).all(axis=0)
    suspects = np.flatnonzero(constant)
    constant[suspects] = (activation[:, suspects] == first[suspects]).all(axis=0)
    return constant


def _centre(values: FloatArray, centred: FloatArray) -> float:
    """Write the values less the mean of each column to `centred`, and return the root of their mean square."""
    np.subtract(values, values.mean(axis=0), out=centred)
    # The mean of float32 values is itself rounded, by more than values that hardly differ are apart.
    centred -= centred.mean(axis=0)
    return float(np.sqrt(np.vdot(centred, centred) / np.float32(centred.size)))


def _mean_cosine(values: FloatArray) -> float | None:
    """Return the mean cosine of two different rows that are not 0; None where there are no two."""
    lengths = np.sqrt(np.vecdot(values, values))
    count = int(np.count_nonzero(lengths))
    if count < 2:
        return None
    inverse = np.divide(1, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    total = (inverse @ values).astype(np.float64)
    return existing(float(np.clip((total @ total - count) / (count * (count - 1)), -1.0, 1.0)))


def _covariance_figures(
    covariance: FloatArray, varying: npt.NDArray[np.bool_], width: int
) -> tuple[float | None, float | None]:
    """Return the effective rank of all nodes, and the mean absolute correlation between the varying nodes.

    `covariance`, of nodes that stand for a layer of this width, may have any factor; it is overwritten.
    """
    variance = covariance.diagonal().astype(np.float64)
    chosen = len(variance)
    own = float(variance @ variance)
    of_pairs = max(float(np.vdot(covariance, covariance)) - own, 0.0)
    # Sums over some nodes, and over some pairs of different nodes, for those over all.
    for_each_node = width / chosen
    for_each_pair = for_each_node * (width - 1) / (chosen - 1) if chosen > 1 else 1.0
    square = for_each_node * own + for_each_pair * of_pairs
    rank = (for_each_node * float(variance.sum())) ** 2 / square if square > 0 else None
    count = int(varying.sum())
    if count < 2:
        return rank, None
    inverse = np.zeros(len(variance), np.float32)
    inverse[varying] = 1 / np.sqrt(np.maximum(variance[varying], TINY))
    np.abs(covariance, out=covariance)
    # Sum of |C_ij| / (s_i s_j), as a product of matrices; on the diagonal it is 1 for each node.
    total = float(inverse @ covariance @ inverse)
    return rank, min(max(total - count, 0.0) / (count * (count - 1)), 1.0)


def _quantiles(ordered: FloatArray) -> list[float]:
    """Return quantiles of sorted values, linear between neighbours as NumPy's default."""
    place = np.array(QUANTILES) * (ordered.size - 1)
    low = np.floor(place).astype(np.int64)
    high = np.minimum(low + 1, ordered.size - 1)
    part = place - low
    quantiles = ordered[low].astype(np.float64) * (1 - part) + ordered[high].astype(np.float64) * part
    return [float(quantile) for quantile in quantiles]


def _values_to_sort(values: FloatArray) -> FloatArray:
    """Return all values of a matrix up to MOST_SORTED, else some of them."""
    return values.reshape(-1) if values.size <= MOST_SORTED else _evenly_spaced(values, SORTED_OF_MORE)


def _evenly_spaced(values: FloatArray, most: int) -> FloatArray:
    """Return up to so many values of a matrix, evenly spaced, from each of its columns alike."""
    step = -(-values.size // most)
    while math.gcd(step, values.shape[1]) > 1:
        step += 1
    return values.reshape(-1)[::step]


def _histogram(ordered: FloatArray, smallest: float, largest: float) -> Histogram:
    """Count sorted values in bins of equal width between two values; where these are equal, in bins around them."""
    if smallest == largest:
        smallest, largest = smallest - 0.5, largest + 0.5
    edges = np.linspace(smallest, largest, BINS + 1, dtype=ordered.dtype)
    below = np.searchsorted(ordered, edges[1:-1], "left")
    counts = np.diff(np.concatenate(([0], below, [ordered.size])))
    return Histogram(edges.tolist(), counts.tolist())
