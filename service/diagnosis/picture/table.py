"""What this picture and the page at / draw alike: one table, drawing.json, which the page reads too."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Sign:
    """What stands for a verdict, in a square of 10 pixels."""

    light: str  # colour on a light ground, and on a dark one
    dark: str
    body: str  # a filled path
    detail: str  # a stroked path on top of it, in the colour of the ground


@dataclass(frozen=True, slots=True)
class Line:
    """How a curve, or what is drawn like one, looks."""

    light: str  # colour on a light ground, and on a dark one
    dark: str
    dash: str
    marker: str  # dot, ring or none, where a figure is


@dataclass(frozen=True, slots=True)
class Bounded:
    """Values of a bounded activation function."""

    limits: tuple[float, float]
    flat: tuple[float, float]  # the function is saturated below the first and above the second


@dataclass(frozen=True, slots=True)
class HistogramRules:
    """What all histograms beside each other show."""

    bins: int  # on the axis
    least_reach: float  # an axis may reach so far from 0, since inputs have std 1, …
    reach_of_first: float  # … or so many times as far as the first layer, or that one could not be seen
    highest_share: float  # of values in a bar; a taller one is cut
    least_share_named: float  # of values beyond the axis


def _read() -> dict[str, Any]:
    table: dict[str, Any] = json.loads(Path(__file__).with_name("drawing.json").read_text(encoding="utf-8"))
    return table


_TABLE = _read()
# Number of the first layer, for readers.
FIRST_LAYER: Final[int] = _TABLE["first_layer"]
HISTOGRAMS: Final = HistogramRules(**_TABLE["histograms"])
BOUNDED: Final[Mapping[str, Bounded]] = MappingProxyType(
    {name: Bounded(tuple(ends["limits"]), tuple(ends["flat"])) for name, ends in _TABLE["bounded"].items()}
)
# Blue and vermilion of Okabe and Ito 2008, Color Universal Design: told apart with every kind of colour vision.
LINES: Final[Mapping[str, Line]] = MappingProxyType({name: Line(**line) for name, line in _TABLE["lines"].items()})
# From the worst to the least, as verdicts are ordered. Shapes say what, so that colour need not.
SIGNS: Final[Mapping[str, Sign]] = MappingProxyType({code: Sign(**sign) for code, sign in _TABLE["signs"].items()})
