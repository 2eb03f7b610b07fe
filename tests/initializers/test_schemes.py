import math
import re
from collections.abc import Callable
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.initializers.fans import Fan
from service.initializers.schemes import (
    FIXED_FORMULA,
    SCHEMES,
    ZEROS,
    FanName,
    Options,
    SchemeName,
    TensorSchemeName,
    automatic,
    choose,
    cut,
)
from service.numerics.activations import Activation
from service.numerics.recipe.distributions import Cut, CutStd

# The standard deviations by their definitions. They are rounded to float32, so every bit counts.
CLOSED_FORMS: dict[str, Callable[[int, int], float]] = {
    SchemeName.XAVIER: lambda fan_in, _: math.sqrt(1 / fan_in),
    SchemeName.HE: lambda fan_in, _: math.sqrt(2 / fan_in),
    SchemeName.GLOROT: lambda fan_in, fan_out: math.sqrt(2 / (fan_in + fan_out)),
    SchemeName.LECUN: lambda fan_in, _: math.sqrt(1 / fan_in),
    SchemeName.HE_FAN_OUT: lambda _, fan_out: math.sqrt(2 / fan_out),
    # The standard deviation of U(-b, b) is b / sqrt(3), and b is 1 / sqrt(fan_in).
    TensorSchemeName.FRAMEWORK_DEFAULT: lambda fan_in, _: math.sqrt(1 / (3 * fan_in)),
}
WITHOUT_A_ROW = {
    "auto", "fixed", "constant", "zeros", "ones", "variance_preserving", "orthogonal", "delta_orthogonal", "identity",
    "arange",
}  # fmt: skip

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
    assert set(SCHEMES) == set(CLOSED_FORMS) == set(TensorSchemeName) - WITHOUT_A_ROW


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
    assert choice.reason == "auto: he for relu, xavier for every other activation"
    assert choice.std == CLOSED_FORMS[SchemeName(expected)](784, 256)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_scheme_that_was_asked_for_says_so(scheme: SchemeName) -> None:
    choice = choose(scheme, Activation.RELU, Fan(784, 256), 0.0)
    assert choice.scheme == scheme
    assert choice.reason == f"{scheme} was asked for"


@pytest.mark.parametrize("scheme", sorted(SCHEMES.keys() - {"framework_default"}))
def test_every_row_names_a_paper_its_year_and_an_equation(scheme: SchemeName) -> None:
    assert re.search(r"[A-Z]\w+ .*\b(19|20)\d\d\b.*equation \d+", SCHEMES[scheme].source)


def test_what_a_framework_does_names_its_source() -> None:
    assert SCHEMES["framework_default"].source == "PyTorch, torch/nn/modules/linear.py"


def test_a_gain_multiplies_the_spread_and_shows_in_the_formula() -> None:
    choice = choose("he", None, Fan(800, 7), 0.0, Options(gain=0.5))
    assert (choice.std, choice.formula) == (0.025, "gain * sqrt(2 / fan_in)")


def test_biases_are_zeros() -> None:
    assert (ZEROS.scheme, ZEROS.std, ZEROS.formula) == ("zeros", 0.0, "0")
    assert ZEROS.reason == "biases start at 0"
    assert "He et al. 2015" in ZEROS.source


# By hand: fan_in 8, fan_out 32.
@pytest.mark.parametrize(
    ("scheme", "fan", "formula", "std"),
    [
        ("he", "in", "sqrt(2 / fan_in)", 0.5),
        ("he", "out", "sqrt(2 / fan_out)", 0.25),
        ("xavier", "average", "sqrt(1 / ((fan_in + fan_out) / 2))", math.sqrt(1 / 20)),
        ("lecun", "geometric", "sqrt(1 / sqrt(fan_in * fan_out))", 0.25),
        ("variance_preserving", "geometric", "gain(activation) / sqrt(sqrt(fan_in * fan_out))", math.sqrt(2) / 4),
        ("variance_preserving", "average", "gain(activation) / sqrt(((fan_in + fan_out) / 2))", math.sqrt(2 / 20)),
    ],
)
def test_a_fan_can_be_asked_for_where_the_name_leaves_it_open(scheme: str, fan: str, formula: str, std: float) -> None:
    choice = choose(scheme, Activation.RELU, Fan(8, 32), 0.0, Options(fan=FanName(fan)))
    assert choice.formula == formula
    assert choice.std == pytest.approx(std, rel=1e-15)


def test_fan_average_of_xavier_is_glorot() -> None:
    average = choose("xavier", None, Fan(7, 12), 0.0, Options(fan=FanName.AVERAGE))
    assert average.std == choose("glorot", None, Fan(7, 12), 0.0).std


def test_slope_and_alpha_change_the_gain() -> None:
    leaky = choose("variance_preserving", Activation.LEAKY_RELU, Fan(4, 7), 0.0, Options(slope=0.75))
    # E[elu(z)^2] with alpha 0 is that of relu.
    elu = choose("variance_preserving", Activation.ELU, Fan(8, 7), 0.0, Options(alpha=0.0))
    assert leaky.std == pytest.approx(math.sqrt(2 / (1 + 0.75**2)) / 2, rel=1e-15)
    assert elu.std == pytest.approx(0.5, rel=1e-15)


def test_a_cut_after_which_std_is_not_asked_for_makes_it_smaller() -> None:
    before = cut(choose("fixed", None, None, 2.0), Cut(1.0, CutStd.BEFORE))
    # The variance of N(0, 1) cut to [-1, 1]: 1 - 2 φ(1) / (Φ(1) - Φ(-1)).
    variance = 1 - 2 * NormalDist().pdf(1) / (NormalDist().cdf(1) - NormalDist().cdf(-1))
    assert before.before_cut == 2.0
    assert before.std == pytest.approx(2 * math.sqrt(variance), rel=1e-14)
    assert before.formula == "0.539560093754897 * std"
