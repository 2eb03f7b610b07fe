"""The activation functions by name: value and slope.

The functions take float32 or float64 arrays of pre-activations of any shape and return a new array
of the same type and shape. Infinite inputs give the limits without a warning; NaN stays NaN,
though the slopes of piecewise linear functions are numbers even there.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[Any]  # float32 or float64


class Activation(StrEnum):
    """An activation function: leaky_relu has `slope` below zero, elu `alpha`, gelu is the exact form with erf."""

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
    """An activation function and its derivative, element by element; equal where name and parameter are.

    At a kink the slope is that of the flatter side, so that of relu at 0 is 0.
    """

    name: Activation
    value: Callable[[FloatArray], FloatArray] = field(compare=False)
    slope: Callable[[FloatArray], FloatArray] = field(compare=False)
    # A bounded function saturates where its slope is a small part of this. The unbounded ones have
    # None: they are flat on one side at most, and there by design.
    largest_slope: float | None
    kinks: tuple[float, ...] = ()  # pre-activations where the slope jumps
    flat_up_to: float | None = None  # a bounded function's flat part that is by design, as relu's
    parameter: float | None = None  # one of PARAMETERS; None for that of FUNCTIONS

    def __str__(self) -> str:
        """Return the name, with the parameter where it is not the usual one."""
        if self.parameter is None:
            return self.name
        return f"{self.name} with {PARAMETERS[self.name]} {self.parameter:g}"


# What an activation leaves open.
PARAMETERS: Mapping[Activation, str] = MappingProxyType({Activation.LEAKY_RELU: "slope", Activation.ELU: "alpha"})
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


def erf(x: FloatArray) -> FloatArray:
    """Return the error function."""
    x = np.clip(x, -ERF_LIMIT, ERF_LIMIT)
    square = x * x
    x *= _polynomial(square, ERF_NUMERATOR)
    x /= _polynomial(square, ERF_DENOMINATOR)
    return np.clip(x, -1.0, 1.0, out=x)


def _polynomial(x: FloatArray, coefficients: tuple[float, ...]) -> FloatArray:
    total = np.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        total *= x
        total += coefficient
    return total


def _sigmoid(x: FloatArray) -> FloatArray:
    # 1 / (1 + e) above 0 and e / (1 + e) below, with e = exp(-|x|): keeps every digit, and overflows nowhere.
    e = np.abs(x)
    np.negative(e, out=e)
    np.exp(e, out=e)
    y = 1.0 / (1.0 + e)
    np.multiply(y, e, out=y, where=x < 0)
    return y


def _sigmoid_slope(x: FloatArray) -> FloatArray:
    e = np.exp(-np.abs(x))
    y = 1.0 + e
    y *= y
    return np.divide(e, y, out=y)


def _tanh_slope(x: FloatArray) -> FloatArray:
    # 1 - tanh(x)² would lose the digits of small slopes, and half of a saturated layer has those.
    e = np.exp(-2.0 * np.abs(x))
    y = 1.0 + e
    y *= y
    e *= 4.0
    return np.divide(e, y, out=e)


def _step(x: FloatArray) -> FloatArray:
    """Return 1 above 0 and 0 up to it."""
    # np.heaviside is the same, thirty times slower.
    return (x > 0).astype(x.dtype)


def _relu(x: FloatArray) -> FloatArray:
    return np.maximum(x, 0.0)


def _leaky_relu(slope: float) -> Function:
    """Return leaky_relu with this slope below zero, which may be steeper than the 1 above."""
    parameter = None if slope == LEAK else slope
    if not np.float32(slope):  # times -inf it would be NaN
        return Function(Activation.LEAKY_RELU, _relu, _step, None, (0.0,), parameter=parameter)
    is_above = _above_0(slope)

    def value(x: FloatArray) -> FloatArray:
        below = np.minimum(x, 0.0)
        below *= slope
        below += np.maximum(x, 0.0)
        return below

    def derivative(x: FloatArray) -> FloatArray:
        y = np.full_like(x, slope)
        np.copyto(y, 1.0, where=is_above(x, 0.0))
        return y

    return Function(Activation.LEAKY_RELU, value, derivative, None, () if slope == 1 else (0.0,), parameter=parameter)


def _elu(alpha: float) -> Function:
    """Return elu with this alpha, which is also its slope just below zero."""
    is_above = _above_0(alpha)

    def value(x: FloatArray) -> FloatArray:
        below = np.expm1(np.minimum(x, 0.0))
        below *= alpha
        below += np.maximum(x, 0.0)
        return below

    def derivative(x: FloatArray) -> FloatArray:
        y = np.exp(np.minimum(x, 0.0))
        y *= alpha
        np.copyto(y, 1.0, where=is_above(x, 0.0))
        return y

    parameter = None if alpha == 1 else alpha
    return Function(Activation.ELU, value, derivative, None, () if alpha == 1 else (0.0,), parameter=parameter)


def _above_0(slope_below: float) -> np.ufunc:
    """Return what tells where the slope above zero counts: at zero itself only if it is the flatter one."""
    return np.greater if slope_below < 1 else np.greater_equal


def _selu(x: FloatArray) -> FloatArray:
    return SELU_SCALE * np.maximum(x, 0.0) + SELU_SCALE * SELU_ALPHA * np.expm1(np.minimum(x, 0.0))


def _selu_slope(x: FloatArray) -> FloatArray:
    y = np.exp(np.minimum(x, 0.0))
    y *= SELU_SCALE * SELU_ALPHA
    np.copyto(y, SELU_SCALE, where=x >= 0)  # the flatter side
    return y


def _normal_share(x: FloatArray) -> FloatArray:
    """Return the standard normal distribution function."""
    return 0.5 * erf(x * ROOT_HALF) + 0.5


def _gelu(x: FloatArray) -> FloatArray:
    # Below -6 the value is under float32's last digit beside 1; cut, it cannot magnify the rounding of erf.
    return np.maximum(x, -6.0) * _normal_share(x)


def _gelu_slope(x: FloatArray) -> FloatArray:
    near: FloatArray = np.clip(x, -FAR, FAR)
    density = np.exp(-0.5 * near * near) * INVERSE_ROOT_TWO_PI
    return _normal_share(x) + near * density


def _silu(x: FloatArray) -> FloatArray:
    return np.maximum(x, -FAR) * _sigmoid(x)


def _silu_slope(x: FloatArray) -> FloatArray:
    value = _sigmoid(x)
    return value * (1.0 + np.clip(x, -FAR, FAR) * (1.0 - value))


def _softplus(x: FloatArray) -> FloatArray:
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))


def _softsign(x: FloatArray) -> FloatArray:
    near: FloatArray = np.clip(x, -1e30, 1e30)
    return near / (1.0 + np.abs(near))


def _softsign_slope(x: FloatArray) -> FloatArray:
    y = 1.0 / (1.0 + np.abs(x))
    y *= y
    return y


def _mish_factor(x: FloatArray) -> FloatArray:
    # tanh(ln(1 + e)) = (e² + 2e) / (e² + 2e + 2) with e = exp(x).
    e = np.exp(np.minimum(x, MISH_IS_LINEAR))
    e *= e + 2.0
    return e / (e + 2.0)


def _mish(x: FloatArray) -> FloatArray:
    return np.maximum(x, -FAR) * _mish_factor(x)


def _mish_slope(x: FloatArray) -> FloatArray:
    factor = _mish_factor(x)
    return factor + np.clip(x, -FAR, FAR) * (1.0 - factor * factor) * _sigmoid(x)


FUNCTIONS: Mapping[Activation, Function] = MappingProxyType(
    {
        function.name: function
        for function in (
            Function(Activation.IDENTITY, np.positive, np.ones_like, None),
            Function(Activation.SIGMOID, _sigmoid, _sigmoid_slope, 0.25),
            Function(Activation.TANH, np.tanh, _tanh_slope, 1.0),
            Function(Activation.RELU, _relu, _step, None, (0.0,)),
            _leaky_relu(LEAK),
            # Clevert et al. 2016, arXiv:1511.07289.
            _elu(1.0),
            Function(Activation.SELU, _selu, _selu_slope, None, (0.0,)),
            # Hendrycks and Gimpel 2016, arXiv:1606.08415; the same paper names silu.
            Function(Activation.GELU, _gelu, _gelu_slope, None),
            Function(Activation.SILU, _silu, _silu_slope, None),
            Function(Activation.SOFTPLUS, _softplus, _sigmoid, None),
            Function(Activation.SOFTSIGN, _softsign, _softsign_slope, 1.0),
            # Misra 2019, arXiv:1908.08681.
            Function(Activation.MISH, _mish, _mish_slope, None),
            Function(
                Activation.HARD_TANH,
                lambda x: np.clip(x, -1.0, 1.0),
                lambda x: _step(1.0 - np.abs(x)),
                1.0,
                (-1.0, 1.0),
            ),
            # Krizhevsky 2010, Convolutional deep belief networks on CIFAR-10.
            Function(
                Activation.RELU6,
                lambda x: np.clip(x, 0.0, 6.0),
                lambda x: _step(x) * _step(6.0 - x),
                1.0,
                (0.0, 6.0),
                0.0,
            ),
        )
    }
)


def function_of(activation: Activation, slope: float = LEAK, alpha: float = 1.0) -> Function:
    """Return the function of an activation; `slope` is that of leaky_relu below zero, `alpha` that of elu."""
    if activation is Activation.LEAKY_RELU and slope != LEAK:
        return _leaky_relu(slope)
    if activation is Activation.ELU and alpha != 1:
        return _elu(alpha)
    return FUNCTIONS[activation]
