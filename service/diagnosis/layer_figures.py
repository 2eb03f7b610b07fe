"""What one layer's activations and gradients look like, in figures."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pydantic import MISSING

from service.diagnosis.report import BINS, QUANTILES, ActivationFigures, Histogram, PreActivation
from service.diagnosis.scratch import Scratch
from service.numerics.activations import FUNCTIONS, Activation
from service.numerics.reference import Floats

# A slope under this share of the largest counts as saturated: for tanh, |activation| > 0.97.
SATURATED_SLOPE = 0.06
# Covariances are taken over at most so many nodes, evenly spaced: their product costs as much as a layer.
MOST_NODES_COMPARED = 1024
# Share of the mean square that the squared mean may be: the rest keeps five of float32's seven digits.
LARGEST_CANCELLED = 0.9
# A mean square under which some squares are too small for float32's digits.
SMALLEST_MEAN_SQUARE = 1e-32
# Searched for in the values' own type: another one would have them all converted first.
ZERO = np.float32(0)
TINY = float(np.finfo(np.float32).tiny)
# Beyond these, sums of squares of float32 values or their products could overflow or vanish.
SMALLEST_SCALE, LARGEST_SCALE = 1e-6, 1e6


@dataclass(frozen=True, slots=True)
class NodeFigures:
    """What the nodes of a layer tell apart; MISSING where it does not exist."""

    dead_share: float
    constant_share: float
    effective_rank: float | MISSING
    mean_correlation: float | MISSING


def figure(value: float) -> float | MISSING:
    """Return a figure if it exists: infinities and NaN do not."""
    return float(value) if np.isfinite(value) else MISSING


def mean_and_std(values: Floats) -> tuple[float, float]:
    """Return mean and standard deviation over all elements; not finite if they overflow float64."""
    mean = float(values.mean())
    flat = values.reshape(-1)
    square = float(np.vdot(flat, flat)) / flat.size
    if SMALLEST_MEAN_SQUARE < square < np.inf and mean * mean < LARGEST_CANCELLED * square:
        return mean, float(np.sqrt(square - mean * mean))
    # Squares that float32 cannot hold well, or a mean so large that its square would cancel the rest.
    return float(values.mean(dtype=np.float64)), float(values.std(dtype=np.float64))


def pre_activation_figures(values: Floats) -> PreActivation:
    """Return mean and std of the pre-activations."""
    mean, std = mean_and_std(values)
    return PreActivation(mean=figure(mean), std=figure(std))


def activation_figures(values: Floats, scratch: Scratch) -> tuple[ActivationFigures, float | MISSING]:
    """Return the figures of finite activations, and the share of them that is zero."""
    ordered = scratch.array("ordered", (values.size,), values.dtype)
    np.copyto(ordered.reshape(values.shape), values)
    ordered.sort()
    smallest, largest = float(ordered[0]), float(ordered[-1])
    if not np.isfinite(ordered[[0, -1]]).all():  # NaN is sorted to the end
        return ActivationFigures(), MISSING
    mean, std = mean_and_std(values)
    below, up_to = (np.searchsorted(ordered, ZERO, side) for side in ("left", "right"))
    figures = ActivationFigures(
        mean=figure(mean),
        std=figure(std),
        min=smallest,
        max=largest,
        quantiles=_quantiles(ordered),
        histogram=_histogram(ordered),
    )
    return figures, float(up_to - below) / ordered.size


def saturated_share(entering: Floats, activation: Activation) -> float | MISSING:
    """Return the share of values whose slope passes next to nothing back; MISSING for unbounded functions."""
    function = FUNCTIONS[activation]
    if function.largest_slope is None:
        return MISSING
    return float((function.slope(entering) < np.float32(SATURATED_SLOPE * function.largest_slope)).mean())


def node_figures(activation: Floats, scale: float, scratch: Scratch) -> NodeFigures:
    """Return what the nodes tell apart, for finite activations of shape (samples, width), all up to `scale`."""
    first = activation[0]
    constant = (activation == first).all(axis=0)
    width = activation.shape[1]
    chosen = np.linspace(0, width - 1, min(width, MOST_NODES_COMPARED)).astype(np.int64)
    compared = activation if width == len(chosen) else activation[:, chosen]
    if not SMALLEST_SCALE < scale < LARGEST_SCALE:
        compared = compared / np.float32(max(scale, TINY))  # rank and correlation do not depend on scale
    centred = scratch.array("centred", compared.shape, compared.dtype)
    np.subtract(compared, compared.mean(axis=0), out=centred)
    covariance = scratch.array("covariance", (len(chosen), len(chosen)), centred.dtype)
    np.matmul(centred.T, centred, out=covariance)
    rank, correlation = _covariance_figures(covariance, ~constant[chosen])
    return NodeFigures(
        dead_share=float((constant & (first == 0)).mean()),
        constant_share=float(constant.mean()),
        effective_rank=rank,
        mean_correlation=correlation,
    )


def _covariance_figures(covariance: Floats, varying: npt.NDArray[np.bool_]) -> tuple[float | MISSING, float | MISSING]:
    """Return the effective rank, and the mean absolute correlation between the varying nodes.

    `covariance` may have any factor; it is overwritten.
    """
    variance = covariance.diagonal().astype(np.float64)
    square = float(np.vdot(covariance, covariance))
    rank: float | MISSING = variance.sum() ** 2 / square if square > 0 else MISSING
    count = int(varying.sum())
    if count < 2:
        return rank, MISSING
    inverse = np.zeros(len(variance), np.float32)
    inverse[varying] = 1 / np.sqrt(np.maximum(variance[varying], TINY))
    np.abs(covariance, out=covariance)
    # Sum of |C_ij| / (s_i s_j), as a product of matrices; on the diagonal it is 1 for each node.
    total = float(inverse @ covariance @ inverse)
    return rank, min(max(total - count, 0.0) / (count * (count - 1)), 1.0)


def _quantiles(ordered: Floats) -> list[float]:
    """Return quantiles of sorted values, linear between neighbours as NumPy's default."""
    place = np.array(QUANTILES) * (ordered.size - 1)
    low = np.floor(place).astype(np.int64)
    high = np.minimum(low + 1, ordered.size - 1)
    part = place - low
    found = ordered[low].astype(np.float64) * (1 - part) + ordered[high].astype(np.float64) * part
    return [float(quantile) for quantile in found]


def _histogram(ordered: Floats) -> Histogram:
    """Count sorted values in bins of equal width; all of one value lie in a bin around it."""
    smallest, largest = float(ordered[0]), float(ordered[-1])
    if smallest == largest:
        smallest, largest = smallest - 0.5, largest + 0.5
    edges = np.linspace(smallest, largest, BINS + 1, dtype=ordered.dtype)
    below = np.searchsorted(ordered, edges[1:-1], "left")
    counts = np.diff(np.concatenate(([0], below, [ordered.size])))
    return Histogram(edges=edges.tolist(), counts=counts.tolist())
