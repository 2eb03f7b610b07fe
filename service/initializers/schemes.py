"""Schemes: from the number of a node's connections to the standard deviation of its weights."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from types import MappingProxyType

from service.initializers.fans import Fan, Number
from service.initializers.gains import gain
from service.numerics.activations import LEAK, Activation
from service.numerics.recipe.distributions import CUT_STDS, Cut, CutStd


class SchemeName(StrEnum):
    """How the standard deviation of weights is chosen; auto is he for a layer that feeds relu, else xavier."""

    AUTO = "auto"
    XAVIER = "xavier"
    HE = "he"
    GLOROT = "glorot"
    LECUN = "lecun"
    HE_FAN_OUT = "he_fan_out"
    FIXED = "fixed"
    VARIANCE_PRESERVING = "variance_preserving"
    ORTHOGONAL = "orthogonal"
    IDENTITY = "identity"


class TensorSchemeName(StrEnum):
    """How the values of a tensor are chosen: a SchemeName, what PyTorch's own layers do, one value, or a table."""

    AUTO = "auto"
    XAVIER = "xavier"
    HE = "he"
    GLOROT = "glorot"
    LECUN = "lecun"
    HE_FAN_OUT = "he_fan_out"
    FIXED = "fixed"
    FRAMEWORK_DEFAULT = "framework_default"
    CONSTANT = "constant"
    ZEROS = "zeros"
    ONES = "ones"
    VARIANCE_PRESERVING = "variance_preserving"
    ORTHOGONAL = "orthogonal"
    DELTA_ORTHOGONAL = "delta_orthogonal"
    IDENTITY = "identity"
    ARANGE = "arange"


class FanName(StrEnum):
    """Which connections count where the scheme's name leaves it open: in, out, or their average or geometric mean."""

    IN = "in"
    OUT = "out"
    AVERAGE = "average"
    GEOMETRIC = "geometric"


class FanUse(StrEnum):
    """Which connections a scheme counts."""

    IN = "fan_in"
    OUT = "fan_out"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Scheme:
    """A rule for the variance of weights: numerator / fan."""

    formula: str  # of the standard deviation
    numerator: int
    fan: Callable[[Fan], Number]
    uses: FanUse
    source: str
    leaves_fan_open: bool = False  # whether a FanName other than in may be asked for

    def std(self, fan: Fan) -> float:
        """Return the standard deviation of the weights: one quotient of exact integers, then one root."""
        return math.sqrt(self.numerator / self.fan(fan))


@dataclass(frozen=True, slots=True)
class CountedFan:
    """One number made of both fans."""

    formula: str
    count: Callable[[Fan], Number | float]
    uses: FanUse


def _fan_in(fan: Fan) -> Number:
    return fan.inputs


def _fan_out(fan: Fan) -> Number:
    return fan.outputs


def _three_fan_in(fan: Fan) -> Number:
    return 3 * fan.inputs


def _fan_sum(fan: Fan) -> Number:
    return fan.inputs + fan.outputs


_GLOROT_AND_BENGIO = "Glorot and Bengio 2010, Understanding the difficulty of training deep feedforward neural networks"
_HE = "He et al. 2015, arXiv:1502.01852, section 2.2"

SCHEMES: Mapping[str, Scheme] = MappingProxyType(
    {
        # The form most textbooks call Xavier, which keeps the forward pass alone in mind.
        SchemeName.XAVIER: Scheme(
            "sqrt(1 / fan_in)", 1, _fan_in, FanUse.IN, f"{_GLOROT_AND_BENGIO}, equation 10", leaves_fan_open=True
        ),
        SchemeName.HE: Scheme("sqrt(2 / fan_in)", 2, _fan_in, FanUse.IN, f"{_HE}, equation 10", leaves_fan_open=True),
        SchemeName.GLOROT: Scheme(
            "sqrt(2 / (fan_in + fan_out))", 2, _fan_sum, FanUse.BOTH, f"{_GLOROT_AND_BENGIO}, equation 12"
        ),
        SchemeName.LECUN: Scheme(
            "sqrt(1 / fan_in)",
            1,
            _fan_in,
            FanUse.IN,
            "LeCun et al. 1998, Efficient BackProp, equation 16",
            leaves_fan_open=True,
        ),
        SchemeName.HE_FAN_OUT: Scheme("sqrt(2 / fan_out)", 2, _fan_out, FanUse.OUT, f"{_HE}, equation 14"),
        # kaiming_uniform_(a=sqrt(5)): uniform between plus and minus sqrt(1 / fan_in).
        TensorSchemeName.FRAMEWORK_DEFAULT: Scheme(
            "sqrt(1 / (3 * fan_in))", 1, _three_fan_in, FanUse.IN, "PyTorch, torch/nn/modules/linear.py"
        ),
    }
)
FIXED_FORMULA = "std"
GAIN_FORMULA = "gain(activation) / sqrt(fan_in)"
COUNTED_FANS: Mapping[FanName, CountedFan] = MappingProxyType(
    {
        FanName.IN: CountedFan("fan_in", _fan_in, FanUse.IN),
        FanName.OUT: CountedFan("fan_out", _fan_out, FanUse.OUT),
        FanName.AVERAGE: CountedFan("((fan_in + fan_out) / 2)", lambda fan: Fraction(_fan_sum(fan), 2), FanUse.BOTH),
        FanName.GEOMETRIC: CountedFan(
            "sqrt(fan_in * fan_out)", lambda fan: math.sqrt(fan.inputs * fan.outputs), FanUse.BOTH
        ),
    }
)
CONSTANTS: Mapping[str, float] = MappingProxyType({TensorSchemeName.ZEROS: 0.0, TensorSchemeName.ONES: 1.0})


@dataclass(frozen=True, slots=True)
class Choice:
    """The spread chosen for one tensor, and why."""

    scheme: str  # a TensorSchemeName other than auto
    reason: str
    formula: str  # of the standard deviation; of the values where nothing is drawn
    source: str
    std: float  # of the values
    before_cut: float | None = (
        None  # what `std` was before values were cut; None where it is not that which was asked for
    )


ZEROS = Choice("zeros", "biases start at 0", "0", f"{_HE}, below equation 10", 0.0)


def automatic(activation: Activation) -> SchemeName:
    """Return what auto is for a layer whose nodes have this activation."""
    return SchemeName.HE if activation is Activation.RELU else SchemeName.XAVIER


def fan_use(scheme: str, counted: FanName = FanName.IN) -> FanUse | None:
    """Return which connections a scheme needs to know; None where it needs none."""
    if scheme == SchemeName.AUTO:
        return FanUse.IN
    if scheme == SchemeName.VARIANCE_PRESERVING or (scheme in SCHEMES and SCHEMES[scheme].leaves_fan_open):
        return COUNTED_FANS[counted].uses
    return SCHEMES[scheme].uses if scheme in SCHEMES else None


@dataclass(frozen=True, slots=True)
class Options:
    """What schemes leave open."""

    gain: float = 1.0  # multiplies the standard deviation
    fan: FanName = FanName.IN
    slope: float = LEAK  # of leaky_relu
    alpha: float = 1.0  # of elu


NO_OPTIONS = Options()


def choose(
    scheme: str, activation: Activation | None, fan: Fan | None, fixed_std: float, options: Options = NO_OPTIONS
) -> Choice:
    """Return the spread of one weight tensor whose output nodes have this activation.

    Only `auto` and `variance_preserving` read the activation, only `fixed` the `fixed_std`, and all but `fixed` the
    fan: the others may be None.
    """
    if scheme == SchemeName.FIXED:
        return _times(options.gain, Choice("fixed", "fixed was asked for", FIXED_FORMULA, "the request", fixed_std))
    assert fan is not None  # noqa: S101  # descriptions are refused without it
    if scheme == SchemeName.VARIANCE_PRESERVING:
        assert activation is not None  # noqa: S101
        return _times(options.gain, _preserving(activation, fan, options))
    reason = f"{scheme} was asked for"
    if scheme == SchemeName.AUTO:
        assert activation is not None  # noqa: S101
        scheme = automatic(activation)
        reason = "auto: he for relu, xavier for every other activation"
    row = SCHEMES[scheme]
    formula, std = row.formula, row.std(fan)
    if options.fan is not FanName.IN:
        counted = COUNTED_FANS[options.fan]
        formula, std = f"sqrt({row.numerator} / {counted.formula})", math.sqrt(row.numerator / counted.count(fan))
    return _times(options.gain, Choice(str(scheme), reason, formula, row.source, std))


def _preserving(activation: Activation, fan: Fan, options: Options) -> Choice:
    factor, counted = gain(activation, options.slope, options.alpha), COUNTED_FANS[options.fan]
    reason = f"variance_preserving was asked for: the gain of {activation} is {factor:.17g}"
    formula = GAIN_FORMULA.replace("fan_in", counted.formula)
    source = f"{_HE}, for every activation; for selu Klambauer et al. 2017, arXiv:1706.02515"
    return Choice("variance_preserving", reason, formula, source, factor / math.sqrt(counted.count(fan)))


def constant(scheme: str, value: float) -> Choice:
    """Return what a plan says of a tensor that has one value everywhere."""
    return Choice(str(scheme), f"{scheme} was asked for", f"{value:.17g}", "the request", 0.0)


def cut(choice: Choice, at: Cut) -> Choice:
    """Return what a plan says of the same values where truncated_normal cuts them."""
    if at.std is CutStd.AFTER:
        return choice
    lost = CUT_STDS[at.at]
    formula = f"{lost:.17g} * {choice.formula}"
    return replace(choice, formula=formula, std=choice.std * lost, before_cut=choice.std)


def _times(factor: float, choice: Choice) -> Choice:
    if factor == 1:
        return choice
    return replace(choice, formula=f"gain * {choice.formula}", std=choice.std * factor)
