"""All that a network learns, in one array: an optimizer moves it with a few calls, however many layers there are."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from service.numerics.activations import FloatArray, Function


@dataclass(frozen=True, slots=True)
class StartLayer:
    """One dense layer before it has learned anything."""

    name: str
    weight: FloatArray  # shape (fan_in, width)
    bias: FloatArray | None  # shape (width,); None where the layer has none
    activation: Function
    is_normalized: bool


@dataclass(frozen=True, slots=True)
class Affine:
    """What a batch normalization learns: γ and β, or the gradients of them."""

    scale: FloatArray  # shape (width,)
    offset: FloatArray  # shape (width,)


@dataclass(frozen=True, slots=True)
class LayerValues:
    """What one layer has learned, or the gradients of it: views of one array of all layers."""

    weight: FloatArray  # shape (fan_in, width)
    bias: FloatArray | None  # shape (width,); None where the layer has none
    affine: Affine | None  # None without batch normalization


@dataclass(frozen=True, slots=True)
class Parameters:
    """Values of all layers."""

    flat: FloatArray  # shape (parameters,)
    layers: tuple[LayerValues, ...]


def start_of(layers: Sequence[StartLayer], dtype: npt.DTypeLike) -> Parameters:
    """Return the parameters of layers before they have learned anything; γ is 1 and β 0."""
    parameters = zeros_of(layers, dtype)
    for layer, values in zip(layers, parameters.layers, strict=True):
        values.weight[...] = layer.weight
        if values.affine is not None:
            values.affine.scale[...] = 1
        if values.bias is not None and layer.bias is not None:
            values.bias[...] = layer.bias
    return parameters


def zeros_of(layers: Sequence[StartLayer], dtype: npt.DTypeLike) -> Parameters:
    """Return zeros in the shape of the parameters of these layers."""
    flat = np.zeros(sum(_size(layer) for layer in layers), dtype)
    values, start = [], 0
    for layer in layers:
        values.append(_views(layer, flat[start : start + _size(layer)]))
        start += _size(layer)
    return Parameters(flat, tuple(values))


def _size(layer: StartLayer) -> int:
    return count_of(layer.weight.shape, has_bias=layer.bias is not None, is_normalized=layer.is_normalized)


def count_of(shape: tuple[int, ...], *, has_bias: bool, is_normalized: bool) -> int:
    """Return how many parameters a layer has: a normalization has two for each node and takes the bias's place."""
    fan_in, width = shape
    return fan_in * width + width * (2 if is_normalized else int(has_bias))


def _views(layer: StartLayer, flat: FloatArray) -> LayerValues:
    size, width = layer.weight.size, layer.weight.shape[1]
    weight = flat[:size].reshape(layer.weight.shape)
    if layer.is_normalized:
        return LayerValues(weight, None, Affine(flat[size : size + width], flat[size + width :]))
    return LayerValues(weight, None if layer.bias is None else flat[size:], None)
