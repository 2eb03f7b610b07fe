"""A batch through a network, forward and backward: what enters and leaves every layer.

The type of the inputs is kept: float32 takes half the time and memory of float64. The
products depend on the linear-algebra library: results repeat to rounding, not to the bit.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from service.dense.scratch import Scratch
from service.numerics.activations import FloatArray, Function

# Added to a variance before it divides: Ioffe and Szegedy 2015, arXiv:1502.03167, algorithm 1.
EPSILON = 1e-5


@dataclass(frozen=True, slots=True)
class DrawnLayer:
    """One dense layer with its values: activation(inputs @ weight + bias)."""

    name: str
    weight: FloatArray  # shape (fan_in, width)
    bias: FloatArray | None  # shape (width,); None for zeros
    activation: Function


@dataclass(frozen=True, slots=True)
class Passed:
    """What is kept of a layer for the way back; all arrays float32 of shape (samples, width)."""

    inputs: FloatArray  # shape (samples, fan_in)
    activation: FloatArray
    entering: FloatArray  # what the activation was taken of: the pre-activation, or its normalized values
    inverse_std: FloatArray | None  # shape (width,): what a normalization multiplied by, where there was one


@dataclass(frozen=True, slots=True)
class Gradients:
    """Gradients of the loss at one layer, both float32."""

    pre_activation: FloatArray  # shape (samples, width)
    weight: FloatArray  # shape (fan_in, width): the mean over the samples


def always_wanted() -> None:
    """Go on: what is worked on is wanted to its end."""


def forward(
    layers: Sequence[DrawnLayer], inputs: FloatArray, *, normalize: bool
) -> Iterator[tuple[FloatArray, Passed]]:
    """Yield each layer's pre-activations (before normalization) and what is kept, from the first layer to the last."""
    samples, widths = len(inputs), [layer.weight.shape[1] for layer in layers]
    # The system gives one large array in large pages, in a third of the time that many take.
    free = np.empty(2 * samples * sum(widths), np.result_type(inputs, *(layer.weight for layer in layers)))
    for layer, width in zip(layers, widths, strict=True):
        taken, free = np.split(free, [2 * samples * width])
        entering, activation = taken.reshape(2, samples, width)
        pre_activation = np.matmul(inputs, layer.weight, out=None if normalize else entering)
        if layer.bias is not None:
            pre_activation += layer.bias
        inverse_std = _normalize(pre_activation, entering) if normalize else None
        activation[:] = layer.activation.value(entering)
        yield pre_activation, Passed(inputs, activation, entering, inverse_std)
        inputs = activation


def backward(
    layers: Sequence[DrawnLayer], passed: Sequence[Passed], upstream: FloatArray, scratch: Scratch
) -> Iterator[Gradients]:
    """Yield the gradients at each layer, from the last layer to the first; each is overwritten by the next.

    `upstream` is the gradient of the loss at the output, shape (samples, width of the last layer).
    """
    gradient = upstream.copy()  # which is worked on in place from here on
    samples = np.float32(len(upstream))
    for number in reversed(range(len(layers))):
        layer, found = layers[number], passed[number]
        gradient *= layer.activation.slope(found.entering)
        if found.inverse_std is not None:
            gradient = _through_normalization(gradient, found.entering, found.inverse_std)
        weight_gradient = scratch.array("weight gradient", layer.weight.shape, gradient.dtype)
        np.matmul(found.inputs.T, gradient, out=weight_gradient)
        weight_gradient /= samples
        yield Gradients(gradient, weight_gradient)
        if number:
            below = scratch.array(f"gradient {number % 2}", found.inputs.shape, gradient.dtype)
            gradient = np.matmul(gradient, layer.weight.T, out=below)


def _normalize(pre_activation: FloatArray, normalized: FloatArray) -> FloatArray:
    """Write values of mean 0 and variance 1 for each node over the samples; return what they were multiplied by."""
    np.subtract(pre_activation, pre_activation.mean(axis=0), out=normalized)
    variance = np.einsum("ij,ij->j", normalized, normalized) / np.float32(len(normalized))
    inverse_std: FloatArray = 1 / np.sqrt(variance + np.float32(EPSILON))
    normalized *= inverse_std
    return inverse_std


def _through_normalization(gradient: FloatArray, normalized: FloatArray, inverse_std: FloatArray) -> FloatArray:
    """Return the gradient before a normalization, given the one after it: Ioffe and Szegedy 2015, section 3."""
    along = (gradient * normalized).mean(axis=0)
    through: FloatArray = gradient - gradient.mean(axis=0) - normalized * along
    through *= inverse_std
    return through
