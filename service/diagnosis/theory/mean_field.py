"""Mean-field theory: what infinitely wide layers of random weights do to one batch of inputs (docs/theory.md).

A few lengths stand for the samples; nothing else of a sample matters to an infinitely wide layer.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from service.dense.passes import EPSILON
from service.diagnosis.report import InputFigures
from service.diagnosis.theory.gaussian import Moments, distance, moments
from service.numerics.activations import FloatArray, Function


@dataclass(frozen=True, slots=True)
class LayerSetup:
    """What theory needs to know of a layer."""

    activation: Function
    fan_in: int
    width: int
    weight_std: float
    bias_rms: float = 0.0

    @property
    def gain(self) -> float:
        """Factor from the mean square of the inputs to that of the sums, without biases."""
        return self.fan_in * self.weight_std * self.weight_std


@dataclass(frozen=True, slots=True)
class LayerMeanField:
    """What to expect of a layer; any figure may be infinite or NaN after an overflow."""

    mean: float  # of the activation
    std: float  # of the activation, over samples and nodes
    gradient_ratio: float  # std of the gradient at the pre-activation, relative to the last layer's
    mean_cosine: float  # between the activations of two samples; NaN with batch normalization
    within_std: float  # of the activation of one node, over samples; NaN with batch normalization


@dataclass(frozen=True, slots=True)
class _LayerForward:
    """One layer on the way forward."""

    moments: Moments  # of what enters the activation, for each length
    through_normalization: float  # factor of the gradient's variance; 1 without normalization
    apart: float  # 1 - mean cosine of two samples

    @property
    def mean(self) -> float:
        return float(self.moments.mean.mean())

    @property
    def std(self) -> float:
        return math.sqrt(float((self.moments.variance + np.square(self.moments.mean - self.mean)).mean()))


def mean_field(layers: Sequence[LayerSetup], inputs: InputFigures, *, normalized: bool) -> list[LayerMeanField]:
    """Return the expectations from the first layer to the last."""
    # Overflow gives figures that are infinite or NaN.
    with np.errstate(all="ignore"):
        forward = list(_normalized(layers, inputs) if normalized else _plain(layers, inputs))
        ratios = _gradient_ratios(layers, forward)
        share_within = 1 - 1 / inputs.samples
        return [
            LayerMeanField(
                layer.mean,
                layer.std,
                ratio,
                1 - layer.apart,
                math.sqrt(float(layer.moments.square.mean()) * layer.apart * share_within),
            )
            for layer, ratio in zip(forward, ratios, strict=True)
        ]


def _plain(layers: Sequence[LayerSetup], inputs: InputFigures) -> Iterator[_LayerForward]:
    lengths, apart = inputs.lengths, 1 - inputs.mean_cosine
    for layer in layers:
        weighted = layer.gain * lengths
        q = weighted + layer.bias_rms * layer.bias_rms
        at_layer = moments(layer.activation, q)
        apart = _apart(layer.activation, weighted, q, apart)
        yield _LayerForward(at_layer, 1.0, apart)
        lengths = at_layer.square


def _apart(activation: Function, weighted: FloatArray, q: FloatArray, apart: float) -> float:
    """Return 1 - mean cosine of the activations, given that of what the weights take: the length of all is typical."""
    typical = float(np.median(q))
    if not 0 < typical < math.inf:
        return math.nan
    # A bias is common to all samples.
    return distance(activation, typical, apart * float(np.median(weighted)) / typical)


def _normalized(layers: Sequence[LayerSetup], inputs: InputFigures) -> Iterator[_LayerForward]:
    variance = np.array([inputs.variance])
    for layer in layers:
        # A normalization removes the bias with the mean of each node.
        weighted = layer.gain * variance
        at_layer = moments(layer.activation, weighted / (weighted + EPSILON))
        yield _LayerForward(at_layer, 1 / float(weighted[0] + EPSILON), math.nan)
        variance = at_layer.variance


def _gradient_ratios(layers: Sequence[LayerSetup], forward: Sequence[_LayerForward]) -> list[float]:
    """Return the std of the gradient at each layer, relative to the last layer's."""
    variances = [forward[-1].moments.slope_square]
    for layer, above in zip(reversed(forward[:-1]), reversed(layers[1:]), strict=True):
        gain = above.width * above.weight_std * above.weight_std
        variances.append(variances[-1] * gain * layer.moments.slope_square * layer.through_normalization)
    last = float(variances[0].mean())
    return [math.sqrt(float(variance.mean()) / last) if last > 0 else math.nan for variance in reversed(variances)]
