"""Steps against their closed formulas."""

import numpy as np
import pytest

from service.learning.optimizers import Adam, Momentum, Sgd, clip

GRADIENT = np.array([0.5, -2.0, 0.0])


def stepped(optimizer: Sgd | Momentum | Adam, steps: int) -> np.ndarray:
    parameters = np.zeros(3)
    for _ in range(steps):
        optimizer.step(parameters, GRADIENT.copy())
    return parameters


def test_descent_goes_by_the_rate_times_the_gradient() -> None:
    np.testing.assert_allclose(stepped(Sgd(0.1), 5), -0.5 * GRADIENT)


def test_momentum_of_a_steady_gradient_is_a_geometric_series() -> None:
    # After n steps the velocity is (1 - 0.9^n) / 0.1 gradients: Goodfellow et al. 2016, equation 8.17.
    travelled = sum((1 - 0.9**n) / 0.1 for n in range(1, 6))
    np.testing.assert_allclose(stepped(Momentum(0.1), 5), -0.1 * travelled * GRADIENT)


def test_adam_of_a_steady_gradient_steps_by_the_rate_whatever_its_size() -> None:
    # Both means are unbiased, so that their quotient is the sign: Kingma and Ba 2015, section 2.1.
    np.testing.assert_allclose(stepped(Adam(0.001), 5), -0.005 * np.sign(GRADIENT), rtol=1e-6)


@pytest.mark.parametrize(("largest", "factor"), [(1.0, 1 / 5.000001), (10.0, 1.0)])
def test_clipping_shortens_a_gradient_and_keeps_its_direction(largest: float, factor: float) -> None:
    gradient = np.array([3.0, -4.0])
    clip(gradient, largest)
    np.testing.assert_allclose(gradient, np.array([3.0, -4.0]) * factor, rtol=1e-12)


def test_a_gradient_that_is_no_number_stays_none() -> None:
    gradient = np.array([np.nan, 1.0])
    clip(gradient, 1.0)
    assert np.isnan(gradient).all()
