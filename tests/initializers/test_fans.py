"""Fans against connections counted one by one in small graphs, in every order of the axes."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import permutations, product
from math import prod
from typing import NamedTuple

import pytest

from service.initializers.fans import canonical_order, fan_of


class Kind(NamedTuple):
    """A tensor, its axes in one order."""

    axes: str
    shape: tuple[int, ...]
    groups: int = 1
    strides: tuple[int, ...] = ()


KINDS = {
    "dense": Kind("OI", (3, 4)),
    "convolution of one axis": Kind("OIW", (4, 3, 3)),
    "convolution": Kind("OIHW", (2, 3, 3, 2)),
    "convolution of three axes": Kind("OIDHW", (2, 2, 2, 3, 1)),
    "grouped convolution": Kind("OIHW", (6, 2, 3, 3), groups=3),
    "depthwise convolution": Kind("BIHW", (5, 1, 3, 3)),
    "depthwise convolution with two outputs a channel": Kind("OIHW", (6, 1, 3, 3), groups=3),
    "transposed convolution": Kind("IOHW", (3, 2, 3, 3), strides=(1, 1)),
    "transposed convolution with strides": Kind("IOHW", (3, 2, 4, 3), strides=(2, 3)),
    "grouped transposed convolution with a stride": Kind("IOW", (6, 2, 4), groups=2, strides=(2,)),
    "transposed convolution whose stride does not divide its kernel": Kind("IOW", (5, 2, 3), strides=(2,)),
    "attention into heads": Kind("IOO", (4, 2, 3)),
    "attention out of heads": Kind("IIO", (2, 3, 4)),
    "experts": Kind("BOI", (3, 2, 4)),
}
POSITIONS = 4  # on a ring, so that no node is at an edge

Node = tuple[int, tuple[int, ...]]  # channel and position


def connections(kind: Kind) -> Iterator[tuple[Node, Node]]:
    """Return each connection of one copy, from an input's node to an output's."""
    sides = {letter: [s for a, s in zip(kind.axes, kind.shape, strict=True) if a == letter] for letter in "DHWIO"}
    kernel = [side for letter in "DHW" for side in sides[letter]]
    inputs, outputs = prod(sides["I"]), prod(sides["O"])
    strides = kind.strides or (1,) * len(kernel)
    ring = [POSITIONS * stride for stride in strides]
    places = product(
        range(inputs), range(outputs), product(*map(range, kernel)), product(range(POSITIONS), repeat=len(kernel))
    )
    for i, o, offsets, position in places:
        far = tuple((p * s + k) % r for p, s, k, r in zip(position, strides, offsets, ring, strict=True))
        if kind.strides:  # an input is spread over outputs; the tensor holds the outputs of one group
            group = i // (inputs // kind.groups)
            yield (i, position), (group * outputs + o, far)
        else:  # an output gathers inputs; the tensor holds the inputs of one group
            group = o // (outputs // kind.groups)
            yield (group * inputs + i, far), (o, position)


@pytest.mark.parametrize("name", KINDS)
def test_fans_are_the_connections_of_a_node_in_every_order_of_the_axes(name: str) -> None:
    kind = KINDS[name]
    edges = list(connections(kind))
    assert len(set(edges)) == len(edges)
    fan_in = Fraction(len(edges), len({target for _, target in edges}))
    fan_out = Fraction(len(edges), len({source for source, _ in edges}))
    for order in permutations(range(len(kind.axes))):
        axes, shape = "".join(kind.axes[axis] for axis in order), [kind.shape[axis] for axis in order]
        fan = fan_of(axes, shape, kind.groups, kind.strides)
        assert (fan.inputs, fan.outputs) == (fan_in, fan_out)


def test_the_hand_count_of_the_grouped_transposed_convolution() -> None:
    fan = fan_of("IOW", (6, 2, 4), groups=2, strides=(2,))
    assert (fan.inputs, fan.outputs) == (6, 8)


def test_a_table_that_is_looked_up_feeds_each_output_from_one_row() -> None:
    fan = fan_of("VO", (50_257, 768))
    assert (fan.inputs, fan.outputs) == (1, 768)


@pytest.mark.parametrize(("pytorch", "flax", "keras"), [((5, 1, 3, 3), (3, 3, 1, 5), (3, 3, 5, 1))])
def test_depthwise_kernels_of_three_frameworks_have_the_same_fans(
    pytorch: tuple[int, ...], flax: tuple[int, ...], keras: tuple[int, ...]
) -> None:
    fans = [fan_of("BIHW", pytorch), fan_of("HWIB", flax), fan_of("HWBO", keras)]
    assert [(fan.inputs, fan.outputs) for fan in fans] == [(9, 9)] * 3


@pytest.mark.parametrize(
    ("axes", "order"),
    [
        ("OIHW", (2, 3, 1, 0)),
        ("HWIO", (0, 1, 2, 3)),
        ("VO", (0, 1)),
        ("OV", (1, 0)),
        ("IOO", (0, 1, 2)),
        ("OBIO", (1, 2, 0, 3)),
        ("WHD", (2, 1, 0)),
        ("IVO", (0, 1, 2)),
        ("VIO", (0, 1, 2)),
        ("", ()),
    ],
)
def test_the_canonical_order_is_by_letter_and_then_by_the_file(axes: str, order: tuple[int, ...]) -> None:
    assert canonical_order(axes) == order
