"""Gradients against finite differences, losses against the definition."""

import numpy as np
import pytest

from service.learning.network import Network
from service.learning.samples import Samples
from service.numerics.activations import FUNCTIONS, Activation, FloatArray
from tests.learning.starting import start

STEP = 1e-6
# Whose value is a rational approximation in float32's precision, so that its slope is not quite that of it.
COARSE = {Activation.GELU: 1e-5}


def batch(samples: int = 7, inputs: int = 4, classes: int = 3) -> Samples:
    generator = np.random.default_rng(2)
    return Samples(generator.normal(size=(samples, inputs)), generator.integers(0, classes, samples))


def mean_loss(outputs: FloatArray, samples: Samples) -> float:
    shares = np.exp(outputs) / np.exp(outputs).sum(axis=1, keepdims=True)
    return -float(np.log(shares[np.arange(len(samples)), samples.labels]).mean())


def loss_of_batch(network: Network, samples: Samples) -> float:
    network.learn_from(samples)
    return mean_loss(network.workspaces[-1].activation, samples)


@pytest.mark.parametrize("normalized", [False, True])
@pytest.mark.parametrize("activation", Activation)
def test_gradients_are_finite_differences_of_the_loss(activation: Activation, *, normalized: bool) -> None:
    samples = batch()
    network = Network(start((4, 6, 5, 3), activation, normalized=normalized), len(samples), np.float64)
    flat = network.parameters.flat
    flat += np.random.default_rng(1).normal(0, 0.1, flat.size)  # so that no γ is 1 and no β 0
    network.learn_from(samples)
    gradient = network.gradients.flat.copy()
    differences = np.empty_like(flat)
    for place in range(flat.size):
        value = flat[place]
        losses = []
        for moved in (value + STEP, value - STEP):
            flat[place] = moved
            losses.append(loss_of_batch(network, samples))
        flat[place] = value
        differences[place] = (losses[0] - losses[1]) / (2 * STEP)
    np.testing.assert_allclose(gradient, differences, rtol=0, atol=COARSE.get(activation, 1e-8))
    assert np.abs(gradient).max() > 1e-2


def test_a_network_is_evaluated_by_its_mean_loss_and_the_share_that_is_right() -> None:
    samples = batch(1200)
    layers = start((4, 6, 3), Activation.TANH)
    found = Network(layers, 2, np.float64).evaluate(samples)
    hidden = np.tanh(samples.inputs @ layers[0].weight + layers[0].bias)
    outputs = hidden @ layers[1].weight + layers[1].bias
    assert found.loss == pytest.approx(mean_loss(outputs, samples), rel=1e-12)
    assert found.accuracy == (outputs.argmax(axis=1) == samples.labels).mean()


def test_a_normalized_network_is_used_with_what_it_remembers_of_its_batches() -> None:
    samples = batch(50)
    layers = start((4, 6, 3), Activation.RELU, normalized=True)
    network = Network(layers, 50, np.float64)
    for _ in range(2):
        network.learn_from(samples)
    sums = samples.inputs @ layers[0].weight
    # Two batches from 0 and 1 on: 0.9² of those are left, and 1 - 0.9² of the batch; the variance has n - 1.
    mean, variance = 0.19 * sums.mean(axis=0), 0.81 + 0.19 * sums.var(axis=0, ddof=1)
    hidden = FUNCTIONS[Activation.RELU].value((sums - mean) / np.sqrt(variance + 1e-5))
    np.testing.assert_allclose(network.outputs(samples.inputs), hidden @ layers[1].weight + layers[1].bias, rtol=1e-12)


def test_a_network_copies_its_start() -> None:
    layers = start((4, 6, 3), Activation.TANH)
    network = Network(layers, 2, np.float64)
    network.parameters.flat[:] = 0
    assert all(layer.weight.all() for layer in layers)
