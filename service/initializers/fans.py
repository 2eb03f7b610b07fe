"""Fans: how many connections a tensor's nodes have, and how its axes are numbered."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod

# An exact number: a mean over the positions of a transposed convolution can be a fraction.
Number = int | Fraction

# The letters of axes in canonical order; V stands where I stands.
CANONICAL = {"B": 0, "D": 1, "H": 2, "W": 3, "I": 4, "V": 4, "O": 5}
KERNEL = "DHW"


@dataclass(frozen=True, slots=True)
class Fan:
    """Connections of one weight tensor."""

    inputs: Number  # weights summed into one output node
    outputs: Number  # weights fed by one input node


def canonical_order(axes: str) -> tuple[int, ...]:
    """Return the file's axes in canonical order: B…, D, H, W, I… and V, O…; equals keep the file's order."""
    return tuple(sorted(range(len(axes)), key=lambda axis: CANONICAL[axes[axis]]))


def fan_of(axes: str, shape: Sequence[int], groups: int = 1, strides: Sequence[int] = ()) -> Fan:
    """Return the connections of a tensor with these axes, as means over positions away from the edge.

    `strides` are those of a transposed convolution, one for each kernel axis; none for any other tensor, whose strides
    do not count. A transposed one holds its outputs by group, any other its inputs.
    """

    def product(letters: str) -> int:
        return prod(side for letter, side in zip(axes, shape, strict=True) if letter in letters)

    inputs, outputs = product(KERNEL + "I"), product(KERNEL + "O")
    if strides:
        return Fan(_exact(inputs, groups * prod(strides)), outputs)
    return Fan(inputs, _exact(outputs, groups))


def _exact(numerator: int, denominator: int) -> Number:
    quotient, rest = divmod(numerator, denominator)
    return Fraction(numerator, denominator) if rest else quotient
