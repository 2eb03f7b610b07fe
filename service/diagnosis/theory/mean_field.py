"""What mean-field theory, of infinite width, expects of each layer.

Poole et al. 2016, arXiv:1606.05340; Schoenholz et al. 2017, arXiv:1611.01232.

Inputs are independent samples of mean 0 and variance 1. In layers of infinite width all samples have
pre-activations of one second moment q, and

    q_1 = fan_in σ_w² + σ_b²,    q' = fan_in σ_w² E[φ(√q z)²] + σ_b²,    z ~ N(0, 1).

With batch normalization the activation's argument has second moment v / (v + ε), where v is the
variance of the pre-activation over the samples, and the gradient is divided by v + ε in variance:
Yang et al. 2019, arXiv:1902.08129.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from service.diagnosis.passes import EPSILON
from service.diagnosis.theory.gaussian import Moments, moments
from service.numerics.activations import Activation


@dataclass(frozen=True, slots=True)
class LayerSetup:
    """What theory needs to know of a layer."""

    activation: Activation
    fan_in: int
    width: int
    weight_std: float
    bias_std: float = 0.0


@dataclass(frozen=True, slots=True)
class LayerMeanField:
    """What to expect of a layer; any figure may be infinite or NaN after an overflow."""

    mean: float  # of the activation
    std: float  # of the activation, over samples and nodes
    gradient_ratio: float  # std of the gradient at the pre-activation, relative to the last layer's


@dataclass(frozen=True, slots=True)
class _Passed:
    """One layer on the way forward."""

    moments: Moments  # of what enters the activation
    through_normalization: float  # factor of the gradient's variance; 1 without normalization


def mean_field(layers: Sequence[LayerSetup], *, normalized: bool) -> list[LayerMeanField]:
    """Return the expectations from the first layer to the last."""
    # Overflow gives figures that are infinite or NaN.
    with np.errstate(all="ignore"):
        forward = list(_forward(layers, normalized=normalized))
        ratios = _gradient_variances(layers, forward)
        return [
            LayerMeanField(layer.moments.mean, math.sqrt(layer.moments.variance), math.sqrt(ratio))
            for layer, ratio in zip(forward, ratios, strict=True)
        ]


def _forward(layers: Sequence[LayerSetup], *, normalized: bool) -> Iterator[_Passed]:
    before = 1.0  # second moment of what enters the layer, or its variance if batches are normalized
    for layer in layers:
        weighted = layer.fan_in * layer.weight_std * layer.weight_std * before
        # A normalization removes the bias with the mean of each node.
        q = weighted / (weighted + EPSILON) if normalized else weighted + layer.bias_std * layer.bias_std
        found = moments(layer.activation, q)
        yield _Passed(found, 1 / (weighted + EPSILON) if normalized else 1.0)
        before = found.variance if normalized else found.square


def _gradient_variances(layers: Sequence[LayerSetup], forward: Sequence[_Passed]) -> list[float]:
    """Return the variance of the gradient at each layer, relative to the last layer's."""
    ratios = [1.0]
    for layer, above in zip(reversed(forward[:-1]), reversed(layers[1:]), strict=True):
        gain = above.width * above.weight_std * above.weight_std
        ratios.append(ratios[-1] * gain * layer.moments.slope_square * layer.through_normalization)
    return ratios[::-1]
