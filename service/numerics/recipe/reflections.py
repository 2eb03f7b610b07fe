"""What the columns of an orthogonal matrix depend on: docs/recipe.md, section 12."""

from typing import NamedTuple

from service.numerics.recipe.philox import Key

# Columns that are drawn together. The more, the less often are the reflections drawn again for others.
PANEL_COLUMNS = 128
# Above this length of a column, half as many, so that a panel takes no more memory than it must.
LONGEST_OF_WIDE_PANEL = 2**14


class Reflections(NamedTuple):
    """The Householder reflections whose product is one orthogonal matrix."""

    key: Key
    base: int  # number of the first element of the stream that belongs to this matrix
    length: int  # of a column, so of the vectors

    @property
    def panel_columns(self) -> int:
        """How many columns are best drawn together."""
        return PANEL_COLUMNS if self.length <= LONGEST_OF_WIDE_PANEL else PANEL_COLUMNS // 2
