"""What all initializers have in common."""

from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol, Self

from service.initializers.schemes import Choice
from service.numerics.box import Box
from service.numerics.dtypes import Values


class DrawnTogether(NamedTuple):
    """How a box is best cut into units of work, and what that takes."""

    run: int  # elements, in the file's order, that units must not cross the multiples of
    needs_panels: bool  # whether units within one run share the panels of `drawings`; else a run is one unit
    bytes: int  # memory for the panels of a run, and for drawing one of them
    drawing: int  # of these, for drawing one


class Initializer(Protocol):
    """How the values of one tensor come about. To make one draws nothing."""

    @property
    def choice(self) -> Choice:
        """What a plan says of the values: scheme, formula, standard deviation, and why."""

    def fill(self, out: Values, box: Box) -> None:
        """Write the values of a box to `out`, an array of the box's shape, rounded to its dtype."""

    def drawn_together(self, box: Box) -> DrawnTogether | None:
        """Return how a box is best cut; None where each value is made alone."""

    def drawings(self, box: Box) -> Iterator[Callable[[], object]]:
        """Return what to call, in any threads, so that filling runs of this box finds the panels that it needs."""


class ValueByValue:
    """An initializer that makes each value alone."""

    __slots__ = ()

    def drawn_together(self, box: Box) -> None:
        """Return None: a box can be cut anywhere."""

    def drawings(self, box: Box) -> Iterator[Callable[[], object]]:  # noqa: ARG002
        """Return nothing."""
        return iter(())


class WithoutKey(ValueByValue):
    """An initializer that draws nothing."""

    __slots__ = ()

    def under(self, key: str) -> Self:  # noqa: ARG002
        """Return itself."""
        return self


class Keyed(Initializer, Protocol):
    """An initializer that draws under a name."""

    def under(self, key: str) -> Self:
        """Return the same initializer drawing under this name."""
