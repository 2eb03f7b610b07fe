import itertools
import math
from dataclasses import dataclass

import numpy as np
import pytest

from service.diagnosis.passes import EPSILON
from service.diagnosis.theory.expected import expected
from service.diagnosis.theory.gaussian import ORDERS, moments, pair_series
from service.diagnosis.theory.mean_field import LayerSetup
from service.numerics.activations import FUNCTIONS, Activation

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


def network(activation: Activation, widths: list[int], gain: float, bias_std: float = 0.0) -> list[LayerSetup]:
    """Layers of a network whose weights have variance gain / fan_in."""
    return [LayerSetup(activation, n, m, math.sqrt(gain / n), bias_std) for n, m in itertools.pairwise(widths)]


def simulated_stds(
    layers: list[LayerSetup], samples: int, generator: np.random.Generator, *, normalized: bool = False
) -> list[float]:
    """The std of the activations of each layer in one forward pass in float32."""
    x = generator.standard_normal((samples, layers[0].fan_in), np.float32)
    stds = []
    for layer in layers:
        weight = generator.standard_normal((layer.fan_in, layer.width), np.float32) * np.float32(layer.weight_std)
        u = x @ weight + generator.standard_normal(layer.width, np.float32) * np.float32(layer.bias_std)
        if normalized:
            u = (u - u.mean(axis=0)) / np.sqrt(u.var(axis=0) + np.float32(EPSILON))
        x = FUNCTIONS[layer.activation].value(u)
        stds.append(float(x.std(dtype=np.float64)))
    return stds


@dataclass(frozen=True)
class Cells:
    """Networks to simulate: `nets` of every activation and gain."""

    activations: list[Activation]
    gains: tuple[float, ...]
    width: int
    depth: int
    samples: int
    nets: int
    bias_std: float = 0.0
    normalized: bool = False

    def shares_outside(self) -> dict[tuple[Activation, float], list[float]]:
        """The share of its layers that each network has outside the spread."""
        found = {}
        for activation, gain in itertools.product(self.activations, self.gains):
            layers = network(activation, [200] + [self.width] * self.depth, gain, self.bias_std)
            theory = expected(layers, self.samples, normalized=self.normalized)
            # Other seeds than those that constants of the theory were measured with.
            generator = np.random.default_rng([977, EVERY.index(activation), int(gain), self.width])
            found[activation, gain] = [
                float(np.mean([not t.std_low <= std <= t.std_high for t, std in zip(theory, stds, strict=True)]))
                for stds in (
                    simulated_stds(layers, self.samples, generator, normalized=self.normalized)
                    for _ in range(self.nets)
                )
            ]
        return found


def most_of(count: int, share: float) -> int:
    """The number that a binomial variable exceeds once in 10,000 times."""
    chances = [math.comb(count, k) * share**k * (1 - share) ** (count - k) for k in range(count + 1)]
    return next(k for k in range(count + 1) if sum(chances[k + 1 :]) < 1e-4)


SOME = [Activation.TANH, Activation.RELU, Activation.GELU, Activation.ELU, Activation.SOFTPLUS, Activation.MISH]
CELLS = {
    "narrow and deep": Cells(EVERY, (1.0, 2.0), width=100, depth=50, samples=40, nets=32),
    "wide": Cells(EVERY, (1.0, 2.0), width=1000, depth=6, samples=20, nets=3),
    "samples of the default": Cells(SOME, (2.0,), width=100, depth=20, samples=1000, nets=6),
    "biases": Cells(SOME, (1.0, 2.0), width=100, depth=30, samples=40, nets=20, bias_std=0.3),
    "normalized": Cells(EVERY, (1.0,), width=100, depth=50, samples=100, nets=8, normalized=True),
    "normalized, samples of the default": Cells(
        SOME, (1.0,), width=100, depth=50, samples=1000, nets=4, normalized=True
    ),
}


@pytest.mark.parametrize(("name", "constants"), MEAN_FIELD.items(), ids=MEAN_FIELD)
def test_mean_field_constants(name: str, constants: tuple[float, float]) -> None:
    found = moments(Activation(name), 1.0)
    assert (found.square, found.slope_square) == pytest.approx(constants, abs=1e-6)


@pytest.mark.parametrize("activation", EVERY)
@pytest.mark.parametrize("q", [1e-4, 0.3, 1.0, 7.0, 500.0])
def test_moments_equal_a_sum_over_a_fine_grid(activation: Activation, q: float) -> None:
    z = np.linspace(-10, 10, 100_001)
    density = np.exp(-z * z / 2) / math.sqrt(2 * math.pi) * (z[1] - z[0])
    value, slope = (
        evaluate(math.sqrt(q) * z) for evaluate in (FUNCTIONS[activation].value, FUNCTIONS[activation].slope)
    )
    found = moments(activation, q)
    assert found.mean == pytest.approx(float(density @ value), rel=1e-5, abs=1e-8)
    assert found.square == pytest.approx(float(density @ np.square(value)), rel=1e-5)
    # The sum is off by up to half a step of z at each jump of the slope.
    assert found.slope_square == pytest.approx(float(density @ np.square(slope)), rel=1e-5, abs=2e-4)


@pytest.mark.parametrize("c", [-0.9, -0.2, 0.0, 0.5, 0.9])
def test_correlation_of_relu_is_the_arc_cosine_kernel(c: float) -> None:
    # Cho and Saul 2009, Kernel methods for deep learning, degree 1.
    angle = math.acos(c)
    kernel = (math.sin(angle) + (math.pi - angle) * c) / math.pi
    assert pair_series(Activation.RELU, 2.0).value @ c**ORDERS == pytest.approx(kernel, abs=2e-4)


def test_relu_with_he_keeps_its_second_moment_and_gradient() -> None:
    for layer in expected(network(Activation.RELU, [784] + [100] * 50, 2.0), 1000, normalized=False):
        assert layer.mean == pytest.approx(1 / math.sqrt(math.pi))
        assert layer.std == pytest.approx(math.sqrt(1 - 1 / math.pi))
        assert layer.gradient_ratio == pytest.approx(1.0, rel=1e-9)


def test_relu_fluctuates_by_five_over_width_once_samples_are_alike() -> None:
    assert pair_series(Activation.RELU, 2.0).square.sum() - 1 == pytest.approx(5.0)
    width = 1000
    layers = expected(network(Activation.RELU, [width] * 200, 2.0), 1000, normalized=False)
    # The spread is four standard deviations of log std wide, which is half the log of the variance.
    variance = [math.log(layer.std_high / layer.std_low) ** 2 / 4 for layer in layers]
    # Samples become alike slowly: 1 - c falls like 1 / layers². Quantiles of the particles are rough.
    assert (variance[-1] - variance[99]) / 100 == pytest.approx(5 / width, rel=0.15)


def test_gradient_through_normalized_relu_explodes_as_published() -> None:
    # Yang et al. 2019, arXiv:1902.08129: π / (π - 1) in variance for each layer.
    layers = expected(network(Activation.RELU, [100] * 12, 2.0), 1000, normalized=True)
    ratios = [(a.gradient_ratio / b.gradient_ratio) ** 2 for a, b in itertools.pairwise(layers)][1:]
    assert ratios == pytest.approx([math.pi / (math.pi - 1)] * len(ratios), rel=1e-4)


def test_gradient_ratio_of_a_linear_network_is_the_product_of_gains() -> None:
    layers = network(Activation.IDENTITY, [30, 20, 10, 5], 1.0)
    last_gain = 5 * layers[2].weight_std ** 2
    middle_gain = 10 * layers[1].weight_std ** 2
    ratios = [layer.gradient_ratio for layer in expected(layers, 100, normalized=False)]
    assert ratios == pytest.approx([math.sqrt(middle_gain * last_gain), math.sqrt(last_gain), 1.0])


def test_biases_add_their_variance() -> None:
    layers = [LayerSetup(Activation.IDENTITY, 50, 50, math.sqrt(0.5 / 50), 0.7)] * 2
    first, second = expected(layers, 100, normalized=False)
    assert first.std == pytest.approx(math.sqrt(0.5 + 0.49))
    assert second.std == pytest.approx(math.sqrt(0.5 * (0.5 + 0.49) + 0.49))


@pytest.mark.parametrize("activation", EVERY)
@pytest.mark.parametrize("normalized", [False, True])
@pytest.mark.parametrize("std", [0.0, 1e-30, 1.0, 1e30])
def test_any_std_passes_quietly(activation: Activation, normalized: bool, std: float) -> None:  # noqa: FBT001
    layers = expected([LayerSetup(activation, 100, 100, std)] * 200, 1000, normalized=normalized)
    assert len(layers) == 200


def test_overflow_shows_as_figures_that_are_not_finite() -> None:
    layers = expected([LayerSetup(Activation.RELU, 100, 100, 1.0)] * 400, 1000, normalized=False)
    assert math.isfinite(layers[0].std)
    assert not math.isfinite(layers[-1].std)
    assert not math.isfinite(layers[0].gradient_ratio)


@pytest.mark.parametrize("normalized", [False, True])
def test_spread_contains_the_expected_std(normalized: bool) -> None:  # noqa: FBT001
    for activation in EVERY:
        for layer in expected(network(activation, [784] + [300] * 9 + [10], 1.0), 500, normalized=normalized):
            assert layer.std_low <= layer.std * (1 + 1e-12)
            assert layer.std <= layer.std_high * (1 + 1e-12)


@pytest.mark.parametrize("cells", CELLS.values(), ids=CELLS)
def test_one_layer_in_twenty_lies_outside_the_spread(cells: Cells) -> None:
    # Layers of one network stray together, up to all of them or none. Networks are independent: their shares give the
    # standard error of the share of all, and at worst a binomial number of networks lies outside in one cell.
    found = cells.shares_outside()
    shares = np.concatenate(list(found.values()))
    # One more in a hundred is accepted for what theory leaves out.
    off = 3 * shares.std() / math.sqrt(shares.size) + 0.01
    assert shares.mean() < 0.05 + off
    if not cells.normalized:  # where the bounds promise at least 95 %
        assert shares.mean() > 0.05 - off
    largest = most_of(cells.nets, 0.05 + 0.01) / cells.nets
    assert {cell: np.mean(share) for cell, share in found.items() if np.mean(share) > largest} == {}
