"""Random values: each is drawn from its own number alone, by the recipe."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

from service.initializers.initializer import ValueByValue
from service.initializers.schemes import Choice
from service.numerics.box import Box
from service.numerics.dtypes import Values
from service.numerics.recipe import backend
from service.numerics.recipe.distributions import CUT_AT_TWO, Cut, DistributionName, Stream


@dataclass(frozen=True)
class Random(ValueByValue):
    """Independent values of mean 0 and of the standard deviation of the choice."""

    choice: Choice
    distribution: DistributionName
    seed: int
    key: str  # the name that the recipe draws under: that of the tensor
    cut: Cut = CUT_AT_TWO

    def fill(self, out: Values, box: Box) -> None:
        """Write the values of a box to `out`, an array of the box's shape, rounded to its dtype."""
        backend.fill_runs(box.runs(out), self._stream)

    def under(self, key: str) -> Self:
        """Return the same initializer drawing under this name."""
        return replace(self, key=key)

    @cached_property
    def _stream(self) -> Stream:
        std = self.choice.std if self.choice.before_cut is None else self.choice.before_cut
        return Stream.of(self.seed, self.key, self.distribution, std, self.cut)
