"""How far the std of a layer of finite width strays from mean-field theory, without normalization: docs/theory.md.

Given the layer before, the nodes of a layer are independent: node i has a Gaussian vector of
pre-activations over the samples, whose covariance A_ab = σ_w² Σ_j φ_ja φ_jb + σ_b² is random through
the layer before. Hence a mean over nodes and samples of f(φ) has relative variance

    (K - 1) / width,    K = mean over sample pairs a, b of E[f(u) f(v)] / E[f]²,

where u and v have the correlation c of that pair (1 for a = b). For relu, f = φ² and samples that are all alike, K = 6.

The law of the lengths is carried by particles. A particle goes through the exact map of its length to
σ_w² width E[φ²] + σ_b², then takes noise of the variance above: one part that the samples of a network share, by their
correlation, and one of its own. This holds where fluctuations grow from layer to layer until log A_aa is far from
normal (gelu, silu and mish with he). Of c, the first two moments are kept.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from service.diagnosis.report import InputFigures
from service.diagnosis.theory.gaussian import PairSeries
from service.diagnosis.theory.mean_field import LayerSetup
from service.diagnosis.theory.particles import bounds, even_normals, log_lengths_of_inputs, log_variance_of_all, noise
from service.diagnosis.theory.tables import Correlations, Table, in_range, square_at_width
from service.numerics.activations import FloatArray

TINY = 1e-300  # instead of a divisor of 0
MOST_LOST = 0.9  # of a variance, so that its log exists


@dataclass(frozen=True, slots=True)
class LayerSpread:
    """One layer in many networks."""

    bounds: tuple[float, float]  # of the std of the activations
    table: Table
    log_q: FloatArray  # of the pre-activations; shape (networks, samples)
    powers: FloatArray  # of two correlations of the pre-activations of two samples; shape (orders, 2)


def spread(layers: Sequence[LayerSetup], inputs: InputFigures) -> Iterator[LayerSpread]:
    """Yield each layer in many networks, up to where a second moment is 0 or has overflowed."""
    generator = np.random.default_rng(0)
    samples = inputs.samples
    log_lengths = log_lengths_of_inputs(inputs.lengths)
    correlations = Correlations(inputs.mean_cosine, inputs.cosine_square)
    for layer in layers:
        weighted = layer.gain * np.exp(log_lengths)
        q = weighted + layer.bias_rms**2
        log_q, q_of_all = np.log(q), q.mean(axis=1)
        if not in_range(log_q):
            return
        correlations = correlations.biased(float(np.median(weighted / q)))
        powers = correlations.powers()
        table = Table(layer.activation, log_q)
        columns = np.hstack([table.moments[:, :3], _noise_of_samples(table.series, powers)])
        log_square, log_variance, mean, strays, common_part = table.at(log_q, columns)
        own, lost = table.at(np.log(q_of_all), _noise_of_batch(table.series, powers, samples)) / layer.width
        # Taken about the layer's own mean over nodes, the variance is smaller.
        left = np.log1p(-np.minimum(lost, MOST_LOST))
        yield LayerSpread(bounds(log_variance_of_all(log_variance, mean) + left, own), table, log_q, powers)
        normal = normals(common_part, np.argsort(np.argsort(q_of_all)), samples, generator)
        log_lengths = log_square + noise(strays / layer.width, normal)
        correlations = _passed_on(table, powers, layer.width)


def _standing_for(samples: int, strays: FloatArray) -> FloatArray:
    """Return these of a few samples with means over them that stray as little as those of all samples."""
    mean = strays.mean(axis=1, keepdims=True) - strays.mean()
    shrunk: FloatArray = strays - mean * (1 - np.sqrt(strays.shape[1] / samples))
    return shrunk


def _noise_of_samples(series: PairSeries, powers: FloatArray) -> FloatArray:
    """Return the variance of a sample's length, times the width, and the part of its std that all samples share."""
    shared = np.maximum(_of_pairs(series.square, powers), 0.0)
    total = np.maximum(series.square[:, 1:].sum(axis=1), shared)
    return np.stack([total, np.sqrt(shared / np.maximum(total, TINY))], axis=1)


def _noise_of_batch(series: PairSeries, powers: FloatArray, samples: int) -> FloatArray:
    """Return, times the width, the variances of the layer's variance and of its mean, over all pairs of samples."""
    variances = []
    for of_pair in (series.centred_square, series.centred):
        different = _of_pairs(of_pair, powers)
        variances.append(different + (of_pair[:, 1:].sum(axis=1) - different) / samples)
    return np.stack(variances, axis=1)


def _of_pairs(series: FloatArray, powers: FloatArray) -> FloatArray:
    """Return K - 1 over the pairs of different samples, at each knot."""
    covariance: FloatArray = series[:, 1:] @ powers[1:].mean(axis=1)
    return covariance


def normals(common_part: FloatArray, ranks: FloatArray, samples: int, generator: np.random.Generator) -> FloatArray:
    """Return standard normals of which the samples of a network have a part in common."""
    # Networks next to each other in q take common noise that is spread evenly, which smooths the quantiles. Where
    # the order begins is drawn, so that a network which keeps its rank takes independent noise in each layer.
    even = even_normals(len(ranks))
    common = even[(ranks + generator.integers(len(ranks))) % len(ranks)]
    own = _standing_for(samples, generator.standard_normal(common_part.shape))
    own_part = np.sqrt(np.maximum(1 - common_part**2, 0.0))
    drawn: FloatArray = common_part * common[:, None] + own_part * own
    return drawn


def _passed_on(table: Table, powers: FloatArray, width: int) -> Correlations:
    """Return the correlations of the activations."""
    product, squares = (table.in_the_middle(of_pair @ powers) for of_pair in (table.series.value, table.series.square))
    return Correlations(float(np.mean(product)), square_at_width(product**2, squares, width))
