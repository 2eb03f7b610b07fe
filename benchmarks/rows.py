"""What the measurements found, as rows of one table."""

from collections.abc import Sequence
from dataclasses import dataclass

HEADINGS = ("what", "median", "cores", "peer", "ratio", "limit", "")


@dataclass(frozen=True, slots=True)
class Row:
    """One figure beside its peer and its limit, where it has them."""

    name: str
    value: float  # the median, unless the name says otherwise
    unit: str
    peer_name: str = ""
    peer: float | None = None  # in the same unit; None also where the peer is not installed
    largest_ratio: float | None = None  # of value to peer
    smallest_ratio: float | None = None
    value_below: float | None = None  # in the same unit
    cores: float | None = None  # seconds of CPU time in a second, the client's left out

    @property
    def ratio(self) -> float | None:
        """Value divided by peer."""
        return self.value / self.peer if self.peer else None

    @property
    def verdict(self) -> str:
        """Whether the figure keeps its limit: ok or short, empty where that cannot be told."""
        kept: list[bool] = []
        if self.ratio is not None:
            if self.largest_ratio is not None:
                kept.append(self.ratio <= self.largest_ratio)
            if self.smallest_ratio is not None:
                kept.append(self.ratio >= self.smallest_ratio)
        if self.value_below is not None:
            kept.append(self.value < self.value_below)
        return ("ok" if all(kept) else "short") if kept else ""

    def cells(self) -> tuple[str, ...]:
        """Return the row as text, in the order of HEADINGS."""
        peer = self.peer_name if self.peer is None else f"{self.peer_name} {_measure(self.peer, self.unit)}"
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        cores = "" if self.cores is None else f"{self.cores:.1f}"
        return self.name, _measure(self.value, self.unit), cores, peer, ratio, self._limit(), self.verdict

    def _limit(self) -> str:
        if self.largest_ratio is not None:
            return f"ratio at most {self.largest_ratio:g}"
        if self.smallest_ratio is not None:
            return f"ratio at least {self.smallest_ratio:g}"
        return "" if self.value_below is None else f"under {self.value_below:g} {self.unit}"


def table(rows: Sequence[Row]) -> str:
    """Return the rows as a Markdown table, which also reads well as plain text."""
    lines = [HEADINGS, *(row.cells() for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, tuple("-" * width for width in widths))
    padded = ([cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in padded)


def _measure(value: float, unit: str) -> str:
    return f"{value:,.3g} {unit}" if value < 1000 else f"{value:,.0f} {unit}"
