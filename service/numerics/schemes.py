"""Schemes: from the number of a node's connections to the standard deviation of its weights."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from service.numerics.activations import Activation


@dataclass(frozen=True, slots=True)
class Fan:
    """Connections of one weight tensor."""

    inputs: int  # weights summed into one output node
    outputs: int  # weights fed by one input node


class SchemeName(StrEnum):
    """How the standard deviation of weights is chosen; auto is he for a layer that feeds relu, else xavier."""

    AUTO = "auto"
    XAVIER = "xavier"
    HE = "he"
    GLOROT = "glorot"
    LECUN = "lecun"
    HE_FAN_OUT = "he_fan_out"
    FIXED = "fixed"


@dataclass(frozen=True, slots=True)
class Scheme:
    """A rule for the variance of weights: numerator / fan."""

    formula: str  # of the standard deviation
    numerator: float
    fan: Callable[[Fan], int]
    source: str

    def std(self, fan: Fan) -> float:
        """Return the standard deviation of the weights."""
        return math.sqrt(self.numerator / self.fan(fan))


def _fan_in(fan: Fan) -> int:
    return fan.inputs


def _fan_out(fan: Fan) -> int:
    return fan.outputs


def _fan_sum(fan: Fan) -> int:
    return fan.inputs + fan.outputs


_GLOROT_AND_BENGIO = "Glorot and Bengio 2010, Understanding the difficulty of training deep feedforward neural networks"
_HE = "He et al. 2015, arXiv:1502.01852, section 2.2"

SCHEMES: Mapping[SchemeName, Scheme] = MappingProxyType(
    {
        # The form most textbooks call Xavier, which keeps the forward pass alone in mind.
        SchemeName.XAVIER: Scheme("sqrt(1 / fan_in)", 1, _fan_in, f"{_GLOROT_AND_BENGIO}, equation 10"),
        SchemeName.HE: Scheme("sqrt(2 / fan_in)", 2, _fan_in, f"{_HE}, equation 10"),
        SchemeName.GLOROT: Scheme("sqrt(2 / (fan_in + fan_out))", 2, _fan_sum, f"{_GLOROT_AND_BENGIO}, equation 12"),
        SchemeName.LECUN: Scheme("sqrt(1 / fan_in)", 1, _fan_in, "LeCun et al. 1998, Efficient BackProp, equation 16"),
        SchemeName.HE_FAN_OUT: Scheme("sqrt(2 / fan_out)", 2, _fan_out, f"{_HE}, equation 14"),
    }
)
FIXED_FORMULA = "std"


@dataclass(frozen=True, slots=True)
class Choice:
    """The spread chosen for one tensor, and why."""

    scheme: str  # a SchemeName other than auto; zeros for a bias
    reason: str
    formula: str  # of the standard deviation
    source: str
    std: float


ZEROS = Choice("zeros", "biases start at 0", "0", f"{_HE}, below equation 10", 0.0)


def automatic(activation: Activation) -> SchemeName:
    """Return the scheme that suits a layer whose nodes have this activation."""
    return SchemeName.HE if activation is Activation.RELU else SchemeName.XAVIER


def choose(scheme: SchemeName, activation: Activation, fan: Fan, fixed_std: float) -> Choice:
    """Return the spread of one weight tensor whose output nodes have this activation.

    `fixed_std` is what the scheme `fixed` uses; the others ignore it.
    """
    if scheme is SchemeName.FIXED:
        return Choice(scheme, "fixed was asked for", FIXED_FORMULA, "the request", fixed_std)
    is_auto = scheme is SchemeName.AUTO
    name = automatic(activation) if is_auto else scheme
    reason = f"auto: {name} suits {activation}" if is_auto else f"{name} was asked for"
    row = SCHEMES[name]
    return Choice(name, reason, row.formula, row.source, row.std(fan))
