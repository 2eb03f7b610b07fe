import math
import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.numerics.activations import Activation
from service.numerics.schemes import FIXED_FORMULA, SCHEMES, ZEROS, Fan, SchemeName, automatic, choose

# The standard deviations by their definitions. They are rounded to float32, so every bit counts.
CLOSED_FORMS: dict[SchemeName, Callable[[int, int], float]] = {
    SchemeName.XAVIER: lambda fan_in, _: math.sqrt(1 / fan_in),
    SchemeName.HE: lambda fan_in, _: math.sqrt(2 / fan_in),
    SchemeName.GLOROT: lambda fan_in, fan_out: math.sqrt(2 / (fan_in + fan_out)),
    SchemeName.LECUN: lambda fan_in, _: math.sqrt(1 / fan_in),
    SchemeName.HE_FAN_OUT: lambda _, fan_out: math.sqrt(2 / fan_out),
}

# Fans whose quotients are squares, so that the standard deviation is known without a computer.
ROUND_ANSWERS = [
    (SchemeName.XAVIER, Fan(400, 7), 0.05),
    (SchemeName.HE, Fan(800, 7), 0.05),
    (SchemeName.GLOROT, Fan(300, 500), 0.05),
    (SchemeName.LECUN, Fan(10_000, 7), 0.01),
    (SchemeName.HE_FAN_OUT, Fan(7, 20_000), 0.01),
]

AUTOMATIC = {
    "identity": "xavier",
    "sigmoid": "xavier",
    "tanh": "xavier",
    "relu": "he",
    "leaky_relu": "xavier",
    "elu": "xavier",
    "selu": "xavier",
    "gelu": "xavier",
    "silu": "xavier",
    "softplus": "xavier",
    "softsign": "xavier",
    "mish": "xavier",
    "hard_tanh": "xavier",
    "relu6": "xavier",
}

widths = st.integers(1, 2**31 - 1)
activations = st.sampled_from(Activation)


def test_every_computed_scheme_has_a_row() -> None:
    assert set(SCHEMES) == set(CLOSED_FORMS) == set(SchemeName) - {SchemeName.AUTO, SchemeName.FIXED}


@given(st.sampled_from(sorted(CLOSED_FORMS)), widths, widths, activations)
def test_std_is_its_closed_form(scheme: SchemeName, fan_in: int, fan_out: int, activation: Activation) -> None:
    choice = choose(scheme, activation, Fan(fan_in, fan_out), 0.0)
    assert choice.std == CLOSED_FORMS[scheme](fan_in, fan_out)


@pytest.mark.parametrize(("scheme", "fan", "std"), ROUND_ANSWERS)
def test_std_of_round_fans(scheme: SchemeName, fan: Fan, std: float) -> None:
    assert choose(scheme, Activation.TANH, fan, 0.0).std == pytest.approx(std, rel=1e-15)


@given(st.sampled_from(sorted(SCHEMES)), widths, widths)
def test_the_formula_that_is_shown_is_the_one_used(scheme: SchemeName, fan_in: int, fan_out: int) -> None:
    choice = choose(scheme, Activation.TANH, Fan(fan_in, fan_out), 0.0)
    assert choice.std == eval(choice.formula, {"sqrt": math.sqrt, "fan_in": fan_in, "fan_out": fan_out})


@given(activations, widths, widths, st.floats(0, 1e37))
def test_fixed_takes_the_std_that_was_given(activation: Activation, fan_in: int, fan_out: int, std: float) -> None:
    choice = choose(SchemeName.FIXED, activation, Fan(fan_in, fan_out), std)
    assert (choice.scheme, choice.std, choice.formula) == ("fixed", std, FIXED_FORMULA)
    assert choice.reason == "fixed was asked for"
    assert choice.source == "the request"


def test_the_fourteen_activations_are_all_there() -> None:
    assert list(Activation) == list(AUTOMATIC)


@pytest.mark.parametrize("activation", Activation)
def test_auto_gives_relu_he_and_every_other_activation_xavier(activation: Activation) -> None:
    expected = AUTOMATIC[activation]
    assert automatic(activation) == expected
    choice = choose(SchemeName.AUTO, activation, Fan(784, 256), 0.0)
    assert choice.scheme == expected
    assert choice.reason == f"auto: {expected} suits {activation}"
    assert choice.std == CLOSED_FORMS[SchemeName(expected)](784, 256)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_scheme_that_was_asked_for_says_so(scheme: SchemeName) -> None:
    choice = choose(scheme, Activation.RELU, Fan(784, 256), 0.0)
    assert choice.scheme == scheme
    assert choice.reason == f"{scheme} was asked for"


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_row_names_a_paper_its_year_and_an_equation(scheme: SchemeName) -> None:
    assert re.search(r"[A-Z]\w+ .*\b(19|20)\d\d\b.*equation \d+", SCHEMES[scheme].source)


def test_biases_are_zeros() -> None:
    assert (ZEROS.scheme, ZEROS.std, ZEROS.formula) == ("zeros", 0.0, "0")
    assert ZEROS.reason == "biases start at 0"
    assert "He et al. 2015" in ZEROS.source
