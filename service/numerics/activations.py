"""The activation functions by name: value and slope.

The functions take float32 or float64 arrays of pre-activations of any shape and return a new array
of the same type and shape. Infinite inputs give the limits without a warning; NaN stays NaN,
though the slopes of piecewise linear functions are numbers even there.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[Any]  # float32 or float64


class Activation(StrEnum):
    """An activation function: leaky_relu has slope 0.01 below zero, gelu is the exact form with erf."""

    IDENTITY = "identity"
    SIGMOID = "sigmoid"
    TANH = "tanh"
    RELU = "relu"
    LEAKY_RELU = "leaky_relu"
    ELU = "elu"
    SELU = "selu"
    GELU = "gelu"
    SILU = "silu"
    SOFTPLUS = "softplus"
    SOFTSIGN = "softsign"
    MISH = "mish"
    HARD_TANH = "hard_tanh"
    RELU6 = "relu6"


@dataclass(frozen=True, slots=True)
class Function:
    """An activation function and its derivative, element by element.

    At a kink the slope is that of the flatter side, so that of relu at 0 is 0.
    """

    value: Callable[[Floats], Floats]
    slope: Callable[[Floats], Floats]
    # A bounded function saturates where its slope is a small part of this. The unbounded ones have
    # None: they are flat on one side at most, and there by design.
    largest_slope: float | None
    kinks: tuple[float, ...] = ()  # pre-activations where the slope jumps


LEAK = 0.01  # Maas et al. 2013, Rectifier nonlinearities improve neural network acoustic models
# Klambauer et al. 2017, arXiv:1706.02515, equation 14.
SELU_ALPHA, SELU_SCALE = 1.673_263_242_354_377_2, 1.050_700_987_355_480_5

# exp(-FAR) is 0 in float32 and lost beside 1 in float64. Cutting inputs there keeps 0 * inf out of products.
FAR = 104.0
# Above this, tanh(softplus(x)) is 1 in float64.
MISH_IS_LINEAR = 20.0

# erf(x) = x P(x²) / Q(x²) for |x| <= 4, highest order first: Eigen, MathFunctionsImpl.h, generic fast erf.
ROOT_HALF, INVERSE_ROOT_TWO_PI = math.sqrt(0.5), 1 / math.sqrt(2 * math.pi)
ERF_LIMIT = 4.0
ERF_NUMERATOR = (
    -2.72614225801306e-10, 2.77068142495902e-08, -2.10102402082508e-06, -5.69250639462346e-05,
    -7.34990630326855e-04, -2.95459980854025e-03, -1.60960333262415e-02,
)  # fmt: skip
ERF_DENOMINATOR = (
    -1.45660718464996e-05, -2.13374055278905e-04, -1.68282697438203e-03, -7.37332916720468e-03,
    -1.42647390514189e-02,
)  # fmt: skip


def erf(x: Floats) -> Floats:
    """Return the error function."""
    x = np.clip(x, -ERF_LIMIT, ERF_LIMIT)
    square = x * x
    x *= _polynomial(square, ERF_NUMERATOR)
    x /= _polynomial(square, ERF_DENOMINATOR)
    return np.clip(x, -1.0, 1.0, out=x)


def _polynomial(x: Floats, coefficients: tuple[float, ...]) -> Floats:
    total = np.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        total *= x
        total += coefficient
    return total


def _sigmoid(x: Floats) -> Floats:
    # 1 / (1 + exp(-x)) without exp, which would overflow.
    y = np.multiply(x, 0.5)
    np.tanh(y, out=y)
    y *= 0.5
    y += 0.5
    return y


def _sigmoid_slope(x: Floats) -> Floats:
    value = _sigmoid(x)
    return value * (1.0 - value)


def _tanh_slope(x: Floats) -> Floats:
    y = np.tanh(x)
    y *= y
    return np.subtract(1.0, y, out=y)


def _step(x: Floats) -> Floats:
    """Return 1 above 0 and 0 up to it."""
    # np.heaviside is the same, thirty times slower.
    return (x > 0).astype(x.dtype)


def _elu(x: Floats) -> Floats:
    return np.maximum(x, 0.0) + np.expm1(np.minimum(x, 0.0))


def _elu_slope(x: Floats) -> Floats:
    return np.exp(np.minimum(x, 0.0))


def _selu(x: Floats) -> Floats:
    return SELU_SCALE * np.maximum(x, 0.0) + SELU_SCALE * SELU_ALPHA * np.expm1(np.minimum(x, 0.0))


def _selu_slope(x: Floats) -> Floats:
    y = np.exp(np.minimum(x, 0.0))
    y *= SELU_SCALE * SELU_ALPHA
    np.copyto(y, SELU_SCALE, where=x > 0)
    return y


def _normal_share(x: Floats) -> Floats:
    """Return the standard normal distribution function."""
    return 0.5 * erf(x * ROOT_HALF) + 0.5


def _gelu(x: Floats) -> Floats:
    # Below -6 the value is under float32's last digit beside 1; cut, it cannot magnify the rounding of erf.
    return np.maximum(x, -6.0) * _normal_share(x)


def _gelu_slope(x: Floats) -> Floats:
    near: Floats = np.clip(x, -FAR, FAR)
    density = np.exp(-0.5 * near * near) * INVERSE_ROOT_TWO_PI
    return _normal_share(x) + near * density


def _silu(x: Floats) -> Floats:
    return np.maximum(x, -FAR) * _sigmoid(x)


def _silu_slope(x: Floats) -> Floats:
    value = _sigmoid(x)
    return value * (1.0 + np.clip(x, -FAR, FAR) * (1.0 - value))


def _softplus(x: Floats) -> Floats:
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))


def _softsign(x: Floats) -> Floats:
    near: Floats = np.clip(x, -1e30, 1e30)
    return near / (1.0 + np.abs(near))


def _softsign_slope(x: Floats) -> Floats:
    y = 1.0 / (1.0 + np.abs(x))
    y *= y
    return y


def _mish_factor(x: Floats) -> Floats:
    # tanh(ln(1 + e)) = (e² + 2e) / (e² + 2e + 2) with e = exp(x).
    e = np.exp(np.minimum(x, MISH_IS_LINEAR))
    e *= e + 2.0
    return e / (e + 2.0)


def _mish(x: Floats) -> Floats:
    return np.maximum(x, -FAR) * _mish_factor(x)


def _mish_slope(x: Floats) -> Floats:
    factor = _mish_factor(x)
    return factor + np.clip(x, -FAR, FAR) * (1.0 - factor * factor) * _sigmoid(x)


FUNCTIONS: Mapping[Activation, Function] = MappingProxyType(
    {
        Activation.IDENTITY: Function(np.positive, np.ones_like, None),
        Activation.SIGMOID: Function(_sigmoid, _sigmoid_slope, 0.25),
        Activation.TANH: Function(np.tanh, _tanh_slope, 1.0),
        Activation.RELU: Function(lambda x: np.maximum(x, 0.0), _step, None, (0.0,)),
        Activation.LEAKY_RELU: Function(
            lambda x: np.maximum(x, LEAK * x), lambda x: LEAK + (1.0 - LEAK) * _step(x), None, (0.0,)
        ),
        # Clevert et al. 2016, arXiv:1511.07289, with alpha 1.
        Activation.ELU: Function(_elu, _elu_slope, None),
        Activation.SELU: Function(_selu, _selu_slope, None, (0.0,)),
        # Hendrycks and Gimpel 2016, arXiv:1606.08415; the same paper names silu.
        Activation.GELU: Function(_gelu, _gelu_slope, None),
        Activation.SILU: Function(_silu, _silu_slope, None),
        Activation.SOFTPLUS: Function(_softplus, _sigmoid, None),
        Activation.SOFTSIGN: Function(_softsign, _softsign_slope, 1.0),
        # Misra 2019, arXiv:1908.08681.
        Activation.MISH: Function(_mish, _mish_slope, None),
        Activation.HARD_TANH: Function(
            lambda x: np.clip(x, -1.0, 1.0), lambda x: _step(1.0 - np.abs(x)), 1.0, (-1.0, 1.0)
        ),
        # Krizhevsky 2010, Convolutional deep belief networks on CIFAR-10.
        Activation.RELU6: Function(
            lambda x: np.clip(x, 0.0, 6.0), lambda x: _step(x) * _step(6.0 - x), 1.0, (0.0, 6.0)
        ),
    }
)
