import math
from collections.abc import Callable

import numpy as np
import pytest

from service.numerics.activations import FUNCTIONS, SELU_ALPHA, SELU_SCALE, Activation, Floats, erf

EVERY = list(Activation)
BOUNDED = {"sigmoid": 0.25, "tanh": 1.0, "softsign": 1.0, "hard_tanh": 1.0, "relu6": 1.0}
POINTS = np.linspace(-8.03, 8.01, 1001)


def _softplus(x: float) -> float:
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def _sigmoid(x: float) -> float:
    return math.exp(-_softplus(-x))


DEFINITIONS: dict[str, Callable[[float], float]] = {
    "identity": lambda x: x,
    "sigmoid": _sigmoid,
    "tanh": math.tanh,
    "relu": lambda x: x if x > 0 else 0.0,
    "leaky_relu": lambda x: x if x > 0 else 0.01 * x,
    "elu": lambda x: x if x > 0 else math.expm1(x),
    "selu": lambda x: SELU_SCALE * (x if x > 0 else SELU_ALPHA * math.expm1(x)),
    "gelu": lambda x: x * math.erfc(-x / math.sqrt(2)) / 2,
    "silu": lambda x: x * _sigmoid(x),
    "softplus": _softplus,
    "softsign": lambda x: x / (1 + abs(x)),
    "mish": lambda x: x * math.tanh(_softplus(x)),
    "hard_tanh": lambda x: min(max(x, -1.0), 1.0),
    "relu6": lambda x: min(max(x, 0.0), 6.0),
}

INFINITY = math.inf
# Value at minus and plus infinity, slope at minus and plus infinity.
LIMITS = {
    "identity": (-INFINITY, INFINITY, 1, 1),
    "sigmoid": (0, 1, 0, 0),
    "tanh": (-1, 1, 0, 0),
    "relu": (0, INFINITY, 0, 1),
    "leaky_relu": (-INFINITY, INFINITY, 0.01, 1),
    "elu": (-1, INFINITY, 0, 1),
    "selu": (-SELU_SCALE * SELU_ALPHA, INFINITY, 0, SELU_SCALE),
    "gelu": (0, INFINITY, 0, 1),
    "silu": (0, INFINITY, 0, 1),
    "softplus": (0, INFINITY, 0, 1),
    "softsign": (-1, 1, 0, 0),
    "mish": (0, INFINITY, 0, 1),
    "hard_tanh": (-1, 1, 0, 0),
    "relu6": (0, 6, 0, 0),
}


def test_every_activation_has_a_function() -> None:
    assert list(FUNCTIONS) == EVERY
    assert set(DEFINITIONS) == set(LIMITS) == set(EVERY)


@pytest.mark.parametrize("activation", EVERY)
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 2e-6), (np.float64, 2e-7)])
def test_value_is_the_definition(activation: Activation, dtype: type, tolerance: float) -> None:
    points: Floats = POINTS.astype(dtype)
    values = FUNCTIONS[activation].value(points)
    np.testing.assert_allclose(values, [DEFINITIONS[activation](x) for x in points.tolist()], atol=tolerance, rtol=0)


@pytest.mark.parametrize("activation", EVERY)
def test_slope_is_the_derivative_of_value(activation: Activation) -> None:
    function = FUNCTIONS[activation]
    step = 1e-5
    smooth = POINTS[np.abs(POINTS[:, None] - np.array([*function.kinks, np.inf])).min(axis=1) > step]
    difference = (function.value(smooth + step) - function.value(smooth - step)) / (2 * step)
    # The rational erf in gelu is within 1e-7 of the function, its derivative a little further.
    tolerance = 1e-5 if activation is Activation.GELU else 1e-8
    np.testing.assert_allclose(function.slope(smooth), difference, atol=tolerance, rtol=0)


@pytest.mark.parametrize("activation", EVERY)
def test_kinks_are_where_the_slope_jumps_to_the_flatter_side(activation: Activation) -> None:
    function = FUNCTIONS[activation]
    for kink in function.kinks:
        below, at, above = function.slope(np.array([kink - 1e-9, kink, kink + 1e-9]))
        assert abs(above - below) > 0.5
        if activation is not Activation.SELU:
            assert at == min(below, above)


@pytest.mark.parametrize("activation", EVERY)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_extremes_give_the_limits(activation: Activation, dtype: type) -> None:
    function = FUNCTIONS[activation]
    low, high, slope_low, slope_high = LIMITS[activation]
    ends: Floats = np.array([-np.inf, np.inf], dtype)
    np.testing.assert_allclose(function.value(ends), [low, high], rtol=1e-6)
    np.testing.assert_allclose(function.slope(ends), [slope_low, slope_high], rtol=1e-6)
    far: Floats = np.array([-1e30, 1e30], dtype)
    np.testing.assert_allclose(function.slope(far), [slope_low, slope_high], rtol=1e-6, atol=1e-30)
    values = function.value(far)
    for value, limit, x in zip(values.tolist(), (low, high), far.tolist(), strict=True):
        if math.isinf(limit):
            assert value == pytest.approx(x * (0.01 if activation == "leaky_relu" and x < 0 else slope_high), rel=1e-6)
        else:
            assert value == pytest.approx(limit, rel=1e-6, abs=1e-30)


PIECEWISE_LINEAR = {
    Activation.IDENTITY, Activation.RELU, Activation.LEAKY_RELU, Activation.HARD_TANH, Activation.RELU6
}  # fmt: skip


@pytest.mark.parametrize("activation", EVERY)
def test_nan_stays_nan(activation: Activation) -> None:
    function = FUNCTIONS[activation]
    nan = np.array([np.nan], np.float32)
    assert np.isnan(function.value(nan)).all()
    assert activation in PIECEWISE_LINEAR or np.isnan(function.slope(nan)).all()


@pytest.mark.parametrize("activation", EVERY)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_shape_and_dtype_are_kept_and_the_input_too(activation: Activation, dtype: type) -> None:
    x: Floats = np.linspace(-3, 3, 12, dtype=dtype).reshape(3, 4)
    before = x.copy()
    for result in (FUNCTIONS[activation].value(x), FUNCTIONS[activation].slope(x)):
        assert result.shape == x.shape
        assert result.dtype == x.dtype
        assert not np.shares_memory(result, x)
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("activation", EVERY)
def test_bounded_activations_state_their_largest_slope(activation: Activation) -> None:
    function = FUNCTIONS[activation]
    assert function.largest_slope == BOUNDED.get(activation)
    if function.largest_slope is not None:
        points = np.append(POINTS, 0.0)
        assert function.slope(points).max() == function.largest_slope


def test_erf_is_within_rounding_of_float32() -> None:
    points = np.linspace(-6, 6, 20_001)
    exact = np.array([math.erf(x) for x in points.tolist()])
    assert np.abs(erf(points) - exact).max() < 1e-7
    assert np.abs(erf(points.astype(np.float32)) - exact).max() < 5e-7
