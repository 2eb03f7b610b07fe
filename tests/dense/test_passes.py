"""The way back is the derivative of the way forward: against finite differences of the loss."""

import itertools
from copy import deepcopy

import numpy as np
import numpy.typing as npt
import pytest

from service.dense.passes import DrawnLayer, backward, forward
from service.dense.scratch import Scratch
from service.numerics.activations import FUNCTIONS, Activation, Function
from tests.functions import EVERY_FUNCTION

SAMPLES, WIDTHS = 6, (5, 4, 4, 4, 3)
Doubles = npt.NDArray[np.float64]


def network(activation: Function) -> list[DrawnLayer]:
    random = np.random.default_rng(7)
    return [
        DrawnLayer(
            f"layers.{number}",
            random.normal(0, 0.7, (fan_in, width)),
            random.normal(0, 0.3, width),
            activation,
        )
        for number, (fan_in, width) in enumerate(itertools.pairwise(WIDTHS))
    ]


def loss(layers: list[DrawnLayer], inputs: Doubles, upstream: Doubles, *, normalize: bool) -> float:
    *_, (_, last) = forward(layers, inputs, normalize=normalize)
    return float((last.activation * upstream).sum())


@pytest.mark.parametrize("normalize", [False, True], ids=["plain", "normalized"])
@pytest.mark.parametrize("activation", EVERY_FUNCTION, ids=str)
def test_the_gradient_is_the_derivative_of_the_loss(activation: Function, normalize: bool) -> None:  # noqa: FBT001
    random = np.random.default_rng(11)
    # float64 in, float64 out: the passes keep the type, and differences need the digits.
    inputs, upstream = random.normal(size=(SAMPLES, WIDTHS[0])), random.normal(size=(SAMPLES, WIDTHS[-1]))
    layers = network(activation)
    passed = [kept for _, kept in forward(layers, inputs, normalize=normalize)]
    found = [deepcopy(gradients) for gradients in backward(layers, passed, upstream, Scratch())][::-1]
    step = 1e-6
    for layer, gradients in zip(layers, found, strict=True):
        for place in np.ndindex(layer.weight.shape):
            before = layer.weight[place]
            layer.weight[place] = before + step
            above = loss(layers, inputs, upstream, normalize=normalize)
            layer.weight[place] = before - step
            below = loss(layers, inputs, upstream, normalize=normalize)
            layer.weight[place] = before
            expected = (above - below) / (2 * step) / SAMPLES
            assert gradients.weight[place] == pytest.approx(expected, rel=1e-4, abs=1e-7)
    # The bias adds to every sample's pre-activation alike, so its gradient is their sum.
    assert layers[0].bias is not None
    for node in range(WIDTHS[1]):
        layers[0].bias[node] += step
        above = loss(layers, inputs, upstream, normalize=normalize)
        layers[0].bias[node] -= 2 * step
        below = loss(layers, inputs, upstream, normalize=normalize)
        layers[0].bias[node] += step
        expected = (above - below) / (2 * step)
        assert found[0].pre_activation[:, node].sum() == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_normalized_values_have_mean_0_and_variance_1_for_each_node() -> None:
    inputs = np.random.default_rng(3).normal(5, 20, (1000, WIDTHS[0]))
    for _, kept in forward(network(FUNCTIONS[Activation.TANH]), inputs, normalize=True):
        assert kept.entering.mean(axis=0) == pytest.approx(0, abs=1e-9)
        assert kept.entering.var(axis=0) == pytest.approx(1, rel=1e-3)


def test_the_batch_is_the_product_of_inputs_and_weights() -> None:
    layers = network(FUNCTIONS[Activation.RELU])
    inputs = np.random.default_rng(3).normal(size=(SAMPLES, WIDTHS[0]))
    (first, kept), (second, last), *_ = forward(layers, inputs, normalize=False)
    assert layers[0].bias is not None
    assert layers[1].bias is not None
    hidden = np.clip(inputs @ layers[0].weight + layers[0].bias, 0, None)
    assert first == pytest.approx(inputs @ layers[0].weight + layers[0].bias)
    assert kept.activation == pytest.approx(hidden)
    assert second == pytest.approx(hidden @ layers[1].weight + layers[1].bias)
    assert (last.entering == second).all()
