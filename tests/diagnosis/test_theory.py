import dataclasses
import itertools
import math

import numpy as np
import pytest

from benchmarks.coverage import CELLS, Cell
from service.diagnosis.report import InputFigures
from service.diagnosis.theory.expected import expected
from service.diagnosis.theory.gaussian import ORDERS, Moments, distance, moments, pair_series
from service.diagnosis.theory.mean_field import LayerSetup, mean_field
from service.diagnosis.theory.phase import phases
from service.diagnosis.theory.spread import spread
from service.diagnosis.theory.tables import Table, _knot
from service.numerics.activations import FUNCTIONS, Activation, function_of
from tests.diagnosis.reports import endless

# E[φ²] and E[φ'²] for a pre-activation of N(0, 1).
MEAN_FIELD = {
    "identity": (1.0, 1.0),
    "relu": (0.5, 0.5),
    "leaky_relu": (0.50005, 0.50005),
    "tanh": (0.394294, 0.464403),
    "sigmoid": (0.293379, 0.044836),
    "gelu": (0.425221, 0.455851),
    "silu": (0.355776, 0.379482),
    "elu": (0.644945, 0.668102),
    "selu": (1.000000, 1.071575),
    "softplus": (0.921246, 0.293379),
    "mish": (0.452342, 0.479084),
}
EVERY = list(Activation)


def std_bounds(layers: list[LayerSetup], inputs: InputFigures) -> list[tuple[float, float]]:
    return [at_layer.bounds for at_layer in spread(layers, inputs)]


def network(activation: Activation, widths: list[int], gain: float, bias_std: float = 0.0) -> list[LayerSetup]:
    """Layers of a network whose weights have variance gain / fan_in."""
    return [
        LayerSetup(FUNCTIONS[activation], n, m, math.sqrt(gain / n), bias_std) for n, m in itertools.pairwise(widths)
    ]


@pytest.mark.parametrize(("name", "constants"), MEAN_FIELD.items(), ids=MEAN_FIELD)
def test_mean_field_constants(name: str, constants: tuple[float, float]) -> None:
    at_one = moments(FUNCTIONS[Activation(name)], np.ones(1))
    assert (at_one.square[0], at_one.slope_square[0]) == pytest.approx(constants, abs=1e-6)


@pytest.mark.parametrize("activation", EVERY)
@pytest.mark.parametrize("q", [1e-4, 0.3, 1.0, 7.0, 500.0])
def test_moments_equal_a_sum_over_a_fine_grid(activation: Activation, q: float) -> None:
    z = np.linspace(-10, 10, 100_001)
    density = np.exp(-z * z / 2) / math.sqrt(2 * math.pi) * (z[1] - z[0])
    value, slope = (
        evaluate(math.sqrt(q) * z) for evaluate in (FUNCTIONS[activation].value, FUNCTIONS[activation].slope)
    )
    integrals = Moments(*(integral[1] for integral in moments(FUNCTIONS[activation], np.array([2.0, q]))))
    assert integrals.mean == pytest.approx(float(density @ value), rel=1e-5, abs=1e-8)
    assert integrals.square == pytest.approx(float(density @ np.square(value)), rel=1e-5)
    # The sum is off by up to half a step of z at each jump of the slope.
    assert integrals.slope_square == pytest.approx(float(density @ np.square(slope)), rel=1e-5, abs=2e-4)


def normal_share(x: float) -> float:
    return math.erfc(-x / math.sqrt(2)) / 2


@pytest.mark.parametrize("slope", [0.0, 0.2, 1.0, 3.0])
@pytest.mark.parametrize("q", [1e-3, 1.0, 50.0])
def test_moments_of_leaky_relu_are_those_of_its_two_halves(slope: float, q: float) -> None:
    integrals = moments(function_of(Activation.LEAKY_RELU, slope=slope), np.array([q]))
    half = (1 + slope * slope) / 2
    assert integrals.mean == pytest.approx((1 - slope) * math.sqrt(q / (2 * math.pi)), abs=1e-12)
    assert integrals.square == pytest.approx(half * q, rel=1e-9)
    assert integrals.slope_square == pytest.approx(half, rel=1e-9)


@pytest.mark.parametrize("alpha", [0.0, 0.2, 3.0])
@pytest.mark.parametrize("q", [1e-3, 1.0, 50.0])
def test_moments_of_elu_are_those_of_log_normals(alpha: float, q: float) -> None:
    integrals = moments(function_of(Activation.ELU, alpha=alpha), np.array([q]))
    # E[exp(k u); u < 0] for u of N(0, q), by completing the square.
    once, twice = (math.exp(k * k * q / 2) * normal_share(-k * math.sqrt(q)) for k in (1, 2))
    assert integrals.mean == pytest.approx(math.sqrt(q / (2 * math.pi)) + alpha * (once - 0.5), rel=1e-6)
    assert integrals.square == pytest.approx(q / 2 + alpha * alpha * (twice - 2 * once + 0.5), rel=1e-6)
    assert integrals.slope_square == pytest.approx(0.5 + alpha * alpha * twice, rel=1e-6)


@pytest.mark.parametrize("slope", [0.0, 0.2, 3.0])
@pytest.mark.parametrize("c", [-0.9, 0.0, 0.5, 0.9])
def test_correlation_of_leaky_relu_is_that_of_its_line_and_its_fold(slope: float, c: float) -> None:
    # leaky_relu is (1 + s) / 2 · u + (1 - s) / 2 · |u|, and E|uv| = 2 / π · (√(1 - c²) + c asin c).
    line, fold = (1 + slope) / 2, (1 - slope) / 2
    product = line * line * c + fold * fold * 2 / math.pi * (math.sqrt(1 - c * c) + c * math.asin(c))
    kernel = product / ((1 + slope * slope) / 2)
    function = function_of(Activation.LEAKY_RELU, slope=slope)
    assert pair_series(function, 2.0).value @ c**ORDERS == pytest.approx(kernel, abs=2e-4)
    assert distance(function, 2.0, 1 - c) == pytest.approx(1 - kernel, rel=4e-3)


@pytest.mark.parametrize("slope", [0.2, 3.0])
def test_leaky_relu_multiplies_the_gradient_s_variance_by_that_of_both_slopes(slope: float) -> None:
    function, width = function_of(Activation.LEAKY_RELU, slope=slope), 100
    he = [LayerSetup(function, width, width, math.sqrt(2 / width))] * 10
    (phase,) = phases(he, normalized=False)
    assert phase.activation == function
    assert phase.chi == pytest.approx(1 + slope * slope, rel=1e-9)
    assert (phase.word, phase.fixed_point) == ("chaotic", None)
    ratios = [layer.gradient_ratio for layer in mean_field(he, endless(width, 100), normalized=False)]
    assert ratios == pytest.approx([(1 + slope * slope) ** (place / 2) for place in range(9, -1, -1)])
    # Weights of variance 2 / (1 + s²) / fan_in keep both.
    kept = [LayerSetup(function, width, width, math.sqrt(2 / (1 + slope * slope) / width))] * 10
    (phase,) = phases(kept, normalized=False)
    assert phase.chi == pytest.approx(1.0, rel=1e-9)
    assert (phase.word, phase.fixed_point) == ("critical", 1.0)


def test_tables_of_equal_functions_are_made_once() -> None:
    before = _knot.cache_info()
    for _ in range(3):
        Table(function_of(Activation.LEAKY_RELU, slope=0.123), np.array([0.1]))
    after = _knot.cache_info()
    assert after.misses - before.misses == 2  # the knots on both sides of 0.1
    assert after.hits - before.hits == 4


@pytest.mark.parametrize("c", [-0.9, -0.2, 0.0, 0.5, 0.9])
def test_correlation_of_relu_is_the_arc_cosine_kernel(c: float) -> None:
    # Cho and Saul 2009, Kernel methods for deep learning, degree 1.
    angle = math.acos(c)
    kernel = (math.sin(angle) + (math.pi - angle) * c) / math.pi
    assert pair_series(FUNCTIONS[Activation.RELU], 2.0).value @ c**ORDERS == pytest.approx(kernel, abs=2e-4)


@pytest.mark.parametrize("angle", [0.5 * math.pi, 1.0, 0.1, 1e-3, 1e-6])
def test_distance_of_relu_is_the_arc_cosine_kernel_however_alike(angle: float) -> None:
    # Cho and Saul 2009, degree 1; 1 - cos without cancelling, and the kernel's series for small angles.
    e = 2 * math.sin(angle / 2) ** 2
    kernel = (math.sin(angle) + (math.pi - angle) * math.cos(angle)) / math.pi
    expected_distance = 1 - kernel if angle > 0.01 else e - angle**3 / (3 * math.pi)
    assert distance(FUNCTIONS[Activation.RELU], 2.0, e) == pytest.approx(expected_distance, rel=2e-3)


def test_relu_with_he_keeps_its_second_moment_and_gradient() -> None:
    for layer in expected(network(Activation.RELU, [784] + [100] * 50, 2.0), endless(784, 1000), normalized=False):
        assert layer.mean == pytest.approx(1 / math.sqrt(math.pi))
        assert layer.std == pytest.approx(math.sqrt(1 - 1 / math.pi))
        assert layer.gradient_ratio == pytest.approx(1.0, rel=1e-9)


def test_relu_fluctuates_by_five_over_width_once_samples_are_alike() -> None:
    assert pair_series(FUNCTIONS[Activation.RELU], 2.0).square.sum() - 1 == pytest.approx(5.0)
    width = 1000
    bounds = std_bounds(network(Activation.RELU, [width] * 200, 2.0), endless(width, 1000))
    # The bounds are four standard deviations of log std apart, which is half the log of the variance.
    variance = [math.log(high / low) ** 2 / 4 for low, high in bounds]
    # Samples become alike slowly: 1 - c falls like 1 / layers². Quantiles of the particles are rough.
    assert (variance[-1] - variance[99]) / 100 == pytest.approx(5 / width, rel=0.15)


def test_gradient_through_normalized_relu_explodes_as_published() -> None:
    # Yang et al. 2019, arXiv:1902.08129: π / (π - 1) in variance for each layer.
    layers = mean_field(network(Activation.RELU, [100] * 12, 2.0), endless(100, 1000), normalized=True)
    ratios = [(a.gradient_ratio / b.gradient_ratio) ** 2 for a, b in itertools.pairwise(layers)][1:]
    assert ratios == pytest.approx([math.pi / (math.pi - 1)] * len(ratios), rel=1e-4)


def test_gradient_ratio_of_a_linear_network_is_the_product_of_gains() -> None:
    layers = network(Activation.IDENTITY, [30, 20, 10, 5], 1.0)
    last_gain = 5 * layers[2].weight_std ** 2
    middle_gain = 10 * layers[1].weight_std ** 2
    ratios = [layer.gradient_ratio for layer in mean_field(layers, endless(30, 1000), normalized=False)]
    assert ratios == pytest.approx([math.sqrt(middle_gain * last_gain), math.sqrt(last_gain), 1.0])


def test_biases_add_their_variance() -> None:
    layers = [LayerSetup(FUNCTIONS[Activation.IDENTITY], 50, 50, math.sqrt(0.5 / 50), 0.7)] * 2
    first, second = expected(layers, endless(50, 100), normalized=False)
    assert first.std == pytest.approx(math.sqrt(0.5 + 0.49))
    assert second.std == pytest.approx(math.sqrt(0.5 * (0.5 + 0.49) + 0.49))


@pytest.mark.parametrize("activation", EVERY)
@pytest.mark.parametrize("normalized", [False, True])
@pytest.mark.parametrize("std", [0.0, 1e-30, 1.0, 1e30])
def test_any_std_passes_quietly(activation: Activation, normalized: bool, std: float) -> None:  # noqa: FBT001
    theories = expected(
        [LayerSetup(FUNCTIONS[activation], 100, 100, std)] * 200, endless(100, 1000), normalized=normalized
    )
    assert len(theories) == 200
    for theory in theories:
        assert all(figure is None or math.isfinite(figure) for figure in dataclasses.astuple(theory))


def test_overflow_shows_as_figures_that_do_not_exist() -> None:
    layers = expected(
        [LayerSetup(FUNCTIONS[Activation.RELU], 100, 100, 1.0)] * 400, endless(100, 1000), normalized=False
    )
    assert layers[0].std is not None
    assert (layers[-1].std, layers[-1].std_low, layers[-1].std_high, layers[0].gradient_ratio) == (None,) * 4


def test_batch_normalization_has_no_bounds() -> None:
    for layer in expected(network(Activation.TANH, [100] * 5, 1.0), endless(100, 100), normalized=True):
        assert layer.std is not None
        assert (layer.std_low, layer.std_high) == (None, None)


@pytest.mark.parametrize("activation", EVERY)
@pytest.mark.parametrize("gain", [1.0, 2.0])
def test_bounds_of_a_wide_network_contain_the_std_of_infinite_width(activation: Activation, gain: float) -> None:
    layers = network(activation, [784] + [300] * 9 + [10], gain)
    inputs = endless(784, 500)
    theories = mean_field(layers, inputs, normalized=False)
    for layer, (low, high) in zip(theories, std_bounds(layers, inputs), strict=True):
        assert low < layer.std < high


@pytest.mark.parametrize(("inputs", "width", "samples"), [(100, 100, 100), (784, 300, 500), (200, 1000, 1000)])
def test_bounds_of_a_linear_layer_are_those_of_a_product_of_normals(inputs: int, width: int, samples: int) -> None:
    ((low, high),) = std_bounds(network(Activation.IDENTITY, [inputs, width], 1.0), endless(inputs, samples))
    # The squared correlation is 1 for a sample with itself, and 1 / inputs on average for two.
    of_width = 2 / width * (1 / samples + (1 - 1 / samples) / inputs)
    half = 1.96 * math.sqrt(of_width) / 2  # of the log of a std
    assert math.log(high / low) == pytest.approx(2 * half, rel=0.08)
    assert math.log(high * low) / 2 == pytest.approx(0.0, abs=0.1 * half)


@pytest.mark.parametrize("cell", [CELLS[4], CELLS[7]], ids=lambda cell: cell.name)
def test_of_networks_drawn_anew_nineteen_in_twenty_lie_within_the_bounds(cell: Cell) -> None:
    # Layers of one network stray together, up to all of them or none. Networks are independent: their shares give the
    # standard error of the share of all. Two more in a hundred are accepted for what theory leaves out.
    for within in cell.shares_within(60):
        off = 3 * within.std() / math.sqrt(within.size) + 0.02
        assert within.mean() > 0.95 - off
    of_std = cell.shares_within(60)[0]
    assert of_std.mean() < 0.95 + 3 * of_std.std() / math.sqrt(of_std.size) + 0.02
