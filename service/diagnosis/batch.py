"""What a batch of inputs is like, in figures: inputs of any scale, drawn or sent."""

import math

import numpy as np

from service.diagnosis.report import InputFigures
from service.numerics.activations import FloatArray

MOST_GROUPS = 16
# Pairs of so many samples say enough of all.
MOST_SAMPLES_COMPARED = 256


def input_figures(inputs: FloatArray) -> InputFigures:
    """Return the figures of inputs of shape (samples, values), all finite."""
    samples, values = inputs.shape
    squares = np.einsum("ij,ij->i", inputs, inputs, dtype=np.float64) / values
    chosen = inputs[np.linspace(0, samples - 1, min(samples, MOST_SAMPLES_COMPARED)).astype(np.int64)].astype(
        np.float64
    )
    cosine, cosine_square = _cosines(chosen)
    return InputFigures(
        samples=samples,
        rms=math.sqrt(squares.mean()),
        variance=max(float(squares.mean() - np.square(inputs.mean(axis=0, dtype=np.float64)).mean()), 0.0),
        lengths=_group_means(squares, min(samples, MOST_GROUPS)),
        mean_cosine=cosine,
        cosine_square=cosine_square,
        effective_rank=_rank(chosen),
    )


def corrected_rank(measured: float, samples: int) -> float | None:
    """Return the effective rank without what a covariance over n samples lacks: 1/rank = 1/measured - 1/(n - 1).

    Centred samples span n - 1 directions at most. None where so little is left of the difference that its own error,
    about 1/(10 n), could be all of it.
    """
    difference = 1 / measured - 1 / (samples - 1)
    return 1 / difference if difference >= 1 / (10 * samples) else None


def _group_means(values: FloatArray, groups: int) -> FloatArray:
    """Return the means of groups of equal size of the sorted values; a value may belong to two in part."""
    sums = np.concatenate(([0.0], np.cumsum(np.sort(values))))
    ends = np.linspace(0, len(values), groups + 1)
    means: FloatArray = np.diff(np.interp(ends, np.arange(len(sums)), sums)) * groups / len(values)
    return means


def _cosines(chosen: FloatArray) -> tuple[float, float]:
    """Return mean and mean square of the cosine of two different samples; 0 where there are none."""
    lengths = np.linalg.norm(chosen, axis=1, keepdims=True)
    directions = (chosen / np.where(lengths > 0, lengths, 1.0))[lengths[:, 0] > 0]
    count = len(directions)
    if count < 2:
        return 0.0, 0.0
    cosines = directions @ directions.T
    pairs = count * (count - 1)
    # Of samples that are all alike or opposite, rounding may take it beyond 1.
    mean = np.clip((cosines.sum() - count) / pairs, -1.0, 1.0)
    return float(mean), float(np.clip((np.square(cosines).sum() - count) / pairs, 0.0, 1.0))


def _rank(chosen: FloatArray) -> float | None:
    centred = chosen - chosen.mean(axis=0)
    # The samples' products have the same traces as the covariance of the values, and there are fewer of them.
    products = centred @ centred.T
    square = float(np.vdot(products, products))
    if square == 0:
        return None
    rank = corrected_rank(float(products.trace()) ** 2 / square, len(chosen))
    return None if rank is None else min(rank, float(chosen.shape[1]))
