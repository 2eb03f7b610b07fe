"""Gains against integrals that know nothing of the service: Gauss and Legendre's rule on pieces without kinks."""

import math
from collections.abc import Callable, Mapping
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.initializers.gains import ELU_BELOW_ZERO, GAINS, gain
from service.numerics.activations import Activation

SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805


def sigmoid(z: float) -> float:
    return 1 / (1 + math.exp(-z))


FUNCTIONS: Mapping[Activation, Callable[[float], float]] = {
    Activation.IDENTITY: lambda z: z,
    Activation.SIGMOID: sigmoid,
    Activation.TANH: math.tanh,
    Activation.RELU: lambda z: max(z, 0),
    Activation.LEAKY_RELU: lambda z: z if z > 0 else 0.01 * z,
    Activation.ELU: lambda z: z if z > 0 else math.expm1(z),
    Activation.SELU: lambda z: SELU_SCALE * (z if z > 0 else SELU_ALPHA * math.expm1(z)),
    Activation.GELU: lambda z: z * math.erfc(-z / math.sqrt(2)) / 2,
    Activation.SILU: lambda z: z * sigmoid(z),
    Activation.SOFTPLUS: lambda z: math.log1p(math.exp(z)),
    Activation.SOFTSIGN: lambda z: z / (1 + abs(z)),
    Activation.MISH: lambda z: z * math.tanh(math.log1p(math.exp(z))),
    Activation.HARD_TANH: lambda z: max(-1, min(1, z)),
    Activation.RELU6: lambda z: max(0, min(6, z)),
}
NODES, WEIGHTS = np.polynomial.legendre.leggauss(40)


def mean_square(function: Callable[[float], float]) -> float:
    """Return E[f(z)²] of a standard normal z: every kink of the functions above is an end of a piece."""
    terms = []
    for low, high in pairwise((-14, -9, -6, -4, -2, -1, 0, 1, 2, 4, 6, 9, 14)):
        for node, weight in zip(NODES.tolist(), WEIGHTS.tolist(), strict=True):
            z = (low + high) / 2 + (high - low) / 2 * node
            terms.append(weight * (high - low) / 2 * function(z) ** 2 * math.exp(-z * z / 2))
    return math.fsum(terms) / math.sqrt(2 * math.pi)


@pytest.mark.parametrize("activation", Activation)
def test_gain_is_that_of_the_integral(activation: Activation) -> None:
    assert gain(activation) == pytest.approx(1 / math.sqrt(mean_square(FUNCTIONS[activation])), rel=2e-15)


def test_every_activation_has_a_gain() -> None:
    assert set(GAINS) == set(Activation)


def test_known_gains() -> None:
    assert GAINS[Activation.RELU] == math.sqrt(2)
    assert GAINS[Activation.LEAKY_RELU] == math.sqrt(2 / (1 + 0.01**2))
    assert GAINS[Activation.SELU] == GAINS[Activation.IDENTITY] == 1


def test_what_elu_adds_is_the_integral() -> None:
    assert pytest.approx(mean_square(lambda z: math.expm1(min(z, 0))), rel=2e-15) == ELU_BELOW_ZERO
    assert 1 / math.sqrt(0.5 + ELU_BELOW_ZERO) == GAINS[Activation.ELU]


@given(st.floats(-2, 2))
def test_slope_and_alpha_have_the_gain_of_the_integral(parameter: float) -> None:
    leaky = mean_square(lambda z: z if z > 0 else parameter * z)
    assert gain(Activation.LEAKY_RELU, slope=parameter) == pytest.approx(1 / math.sqrt(leaky), rel=2e-15)
    elu = mean_square(lambda z: z if z > 0 else parameter * math.expm1(z))
    assert gain(Activation.ELU, alpha=parameter) == pytest.approx(1 / math.sqrt(elu), rel=2e-15)


@pytest.mark.parametrize("activation", set(Activation) - {Activation.LEAKY_RELU, Activation.ELU})
def test_other_activations_have_neither(activation: Activation) -> None:
    assert gain(activation, slope=0.3, alpha=0.3) == GAINS[activation]
