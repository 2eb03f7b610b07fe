import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.numerics.activations import (
    FUNCTIONS,
    SELU_ALPHA,
    SELU_SCALE,
    Activation,
    FloatArray,
    Function,
    erf,
    function_of,
)
from tests.functions import EVERY_FUNCTION, WITH_PARAMETERS

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

# Of those with a parameter.
DEFINITIONS_WITH: dict[str, Callable[[float, float], float]] = {
    "leaky_relu": lambda x, slope: x if x > 0 else slope * x,
    "elu": lambda x, alpha: x if x > 0 else alpha * math.expm1(x),
}
SLOPES_WITH: dict[str, Callable[[float, float], float]] = {
    "leaky_relu": lambda x, slope: 1.0 if x > 0 else slope,
    "elu": lambda x, alpha: 1.0 if x > 0 else alpha * math.exp(x),
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
    points: FloatArray = POINTS.astype(dtype)
    values = FUNCTIONS[activation].value(points)
    np.testing.assert_allclose(values, [DEFINITIONS[activation](x) for x in points.tolist()], atol=tolerance, rtol=0)


@pytest.mark.parametrize("function", WITH_PARAMETERS, ids=str)
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-6), (np.float64, 1e-15)])
def test_value_and_slope_with_a_parameter_are_the_definition(function: Function, dtype: type, tolerance: float) -> None:
    points: FloatArray = POINTS.astype(dtype)
    for evaluate, definition in ((function.value, DEFINITIONS_WITH), (function.slope, SLOPES_WITH)):
        expected = [definition[function.name](x, function.parameter or 0.0) for x in points.tolist()]
        np.testing.assert_allclose(evaluate(points), expected, rtol=tolerance, atol=tolerance)


@given(activation=st.sampled_from(Activation), slope=st.floats(0, 1e6), alpha=st.floats(0, 1e6))
def test_any_slope_and_alpha_give_a_function_with_its_derivative(
    activation: Activation, slope: float, alpha: float
) -> None:
    function = function_of(activation, slope, alpha)
    assert function == function_of(activation, slope, alpha)
    assert hash(function) == hash(function_of(activation, slope, alpha))
    used = {Activation.LEAKY_RELU: slope, Activation.ELU: alpha}.get(activation)
    assert function.parameter == (None if used == {"leaky_relu": 0.01, "elu": 1.0}.get(activation) else used)
    points, step = np.array([-3.7, -0.9, -0.2, 0.3, 1.7]), 1e-5
    difference = (function.value(points + step) - function.value(points - step)) / (2 * step)
    np.testing.assert_allclose(function.slope(points), difference, atol=1e-5 * max(1.0, used or 0.0), rtol=0)


@given(slope=st.floats(0, 1e6), alpha=st.floats(0, 1e6))
def test_what_has_no_parameter_is_one_function(slope: float, alpha: float) -> None:
    for activation in set(Activation) - {Activation.LEAKY_RELU, Activation.ELU}:
        assert function_of(activation, slope, alpha) is FUNCTIONS[activation]
    assert function_of(Activation.LEAKY_RELU, alpha=alpha) is FUNCTIONS[Activation.LEAKY_RELU]
    assert function_of(Activation.ELU, slope=slope) is FUNCTIONS[Activation.ELU]


@pytest.mark.parametrize("parameter", [1e-50, 1e-40, 0.3, 2.5, 1e6])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_extremes_give_the_limits_with_any_parameter(parameter: float, dtype: type) -> None:
    ends: FloatArray = np.array([-np.inf, np.inf, np.nan], dtype)
    leaky, elu = function_of(Activation.LEAKY_RELU, slope=parameter), function_of(Activation.ELU, alpha=parameter)
    # 1e-50 is 0 in float32, in which a slope of 0 leaves 0.
    low = 0.0 if parameter == 1e-50 else -np.inf
    np.testing.assert_array_equal(leaky.value(ends), [low, np.inf, np.nan])
    np.testing.assert_allclose(leaky.slope(ends[:2]), [parameter, 1.0], rtol=1e-4, atol=1e-44)
    np.testing.assert_allclose(elu.value(ends), [-parameter, np.inf, np.nan], rtol=1e-4, atol=1e-44)
    np.testing.assert_allclose(elu.slope(ends), [0.0, 1.0, np.nan])
    far: FloatArray = np.array([3e38], dtype)  # whose product with 1e6 would overflow
    np.testing.assert_array_equal(leaky.value(far), far)


def test_slope_0_is_relu_and_slope_1_the_identity() -> None:
    ends: FloatArray = np.append(POINTS, [-np.inf, np.inf])
    for slope, other in ((0.0, Activation.RELU), (1.0, Activation.IDENTITY)):
        function = function_of(Activation.LEAKY_RELU, slope=slope)
        np.testing.assert_array_equal(function.value(ends), FUNCTIONS[other].value(ends))
        np.testing.assert_array_equal(function.slope(ends), FUNCTIONS[other].slope(ends))
    no_elu = function_of(Activation.ELU, alpha=0.0)
    np.testing.assert_array_equal(no_elu.value(ends), FUNCTIONS[Activation.RELU].value(ends))
    np.testing.assert_array_equal(no_elu.slope(ends), FUNCTIONS[Activation.RELU].slope(ends))


def test_functions_say_what_is_not_usual() -> None:
    assert str(function_of(Activation.LEAKY_RELU, slope=0.2)) == "leaky_relu with slope 0.2"
    assert str(function_of(Activation.ELU, alpha=2.0)) == "elu with alpha 2"
    assert str(function_of(Activation.ELU, slope=0.2)) == "elu"


@pytest.mark.parametrize("function", EVERY_FUNCTION, ids=str)
def test_slope_is_the_derivative_of_value(function: Function) -> None:
    step = 1e-5
    smooth = POINTS[np.abs(POINTS[:, None] - np.array([*function.kinks, np.inf])).min(axis=1) > step]
    difference = (function.value(smooth + step) - function.value(smooth - step)) / (2 * step)
    # The rational erf in gelu is within 1e-7 of the function, its derivative a little further.
    tolerance = 1e-5 if function.name is Activation.GELU else 1e-8
    np.testing.assert_allclose(function.slope(smooth), difference, atol=tolerance, rtol=0)


@pytest.mark.parametrize("function", EVERY_FUNCTION, ids=str)
def test_kinks_are_where_the_slope_jumps_to_the_flatter_side(function: Function) -> None:
    for kink in function.kinks:
        below, at, above = function.slope(np.array([kink - 1e-9, kink, kink + 1e-9]))
        assert abs(above - below) > 0.5
        assert at == pytest.approx(min(below, above), rel=1e-8)


@pytest.mark.parametrize("activation", EVERY)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_extremes_give_the_limits(activation: Activation, dtype: type) -> None:
    function = FUNCTIONS[activation]
    low, high, slope_low, slope_high = LIMITS[activation]
    ends: FloatArray = np.array([-np.inf, np.inf], dtype)
    np.testing.assert_allclose(function.value(ends), [low, high], rtol=1e-6)
    np.testing.assert_allclose(function.slope(ends), [slope_low, slope_high], rtol=1e-6)
    far: FloatArray = np.array([-1e30, 1e30], dtype)
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


@pytest.mark.parametrize("function", EVERY_FUNCTION, ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_shape_and_dtype_are_kept_and_the_input_too(function: Function, dtype: type) -> None:
    x: FloatArray = np.linspace(-3, 3, 12, dtype=dtype).reshape(3, 4)
    before = x.copy()
    for result in (function.value(x), function.slope(x)):
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


FAR_OUT = (-80.0, -40.0, -17.5, -9.0, -3.0, 3.0, 9.0, 40.0)
SMALL: dict[str, tuple[Callable[[FloatArray], FloatArray], Callable[[float], float]]] = {
    "sigmoid": (FUNCTIONS[Activation.SIGMOID].value, lambda x: 1 / (1 + math.exp(-x))),
    "slope of sigmoid": (FUNCTIONS[Activation.SIGMOID].slope, lambda x: 1 / (2 + math.exp(x) + math.exp(-x))),
    "slope of softplus": (FUNCTIONS[Activation.SOFTPLUS].slope, lambda x: 1 / (1 + math.exp(-x))),
    "slope of tanh": (FUNCTIONS[Activation.TANH].slope, lambda x: 1 / math.cosh(x) ** 2),
}


@pytest.mark.parametrize("name", SMALL)
def test_small_values_keep_their_digits(name: str) -> None:
    evaluate, expected = SMALL[name]
    values = evaluate(np.array(FAR_OUT, np.float32))
    assert values.tolist() == pytest.approx([expected(x) for x in FAR_OUT], rel=1e-5, abs=1e-44)
