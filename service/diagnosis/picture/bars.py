"""What the histograms of a report show on one axis, before anything is drawn."""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from pydantic import MISSING

from service.diagnosis.picture.values import bounds, known
from service.diagnosis.report import Histogram, LayerReport

MOST_CELLS: Final = 56
# The axis reaches at most so far beyond the first layer, or that one would be a spike as soon as others explode.
FURTHEST_BEYOND_FIRST: Final = 10
# A bar that towers above all others is cut, or they could not be seen: at so many times the next one, but …
TALLEST_BESIDE_NEXT: Final = 4
# … never so low that the others look tall beside it.
LOWEST_CUT: Final = 0.1


@dataclass(frozen=True, slots=True)
class Axis:
    """The values that every histogram shows."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Bars:
    """A histogram as it is drawn on an axis; all are shares of all values of the layer."""

    shown: list[tuple[float, float, float]]  # lower edge, upper edge and share of each bin on the axis
    zeros: float  # exactly 0, and in no bin
    below: float  # in bins before the axis
    above: float  # in bins past it

    @property
    def largest(self) -> float:
        """Share of the largest bar."""
        return max([self.zeros, *(share for *_, share in self.shown)])

    @property
    def tallest(self) -> float:
        """Share that takes the whole height; a larger one is cut."""
        *_, second, first = sorted([0.0, 0.0, self.zeros, *(share for *_, share in self.shown)])
        return min(first, max(TALLEST_BESIDE_NEXT * second, LOWEST_CUT * first)) if second else first


def chosen(count: int) -> list[int]:
    """Return which layers have a histogram: all, or evenly spaced ones where they are too many."""
    if count <= MOST_CELLS:
        return list(range(count))
    return [round(place * (count - 1) / (MOST_CELLS - 1)) for place in range(MOST_CELLS)]


def common_axis(layers: Sequence[LayerReport]) -> Axis:
    """Return an axis for all layers: the range of a bounded function, else from the 1 % to the 99 % quantile."""
    reaches = [reach for layer in layers if (reach := _reach(layer)) is not None]
    if not reaches:
        return Axis(-1.0, 1.0)
    furthest = FURTHEST_BEYOND_FIRST * max(abs(end) for end in reaches[0]) or math.inf
    low = max(min(reach[0] for reach in reaches), -furthest)
    high = min(max(reach[1] for reach in reaches), furthest)
    margin = 0.05 * (high - low) or 0.5
    return Axis(low - margin, high + margin)


def _reach(layer: LayerReport) -> tuple[float, float] | None:
    quantiles = layer.activation.quantiles
    if quantiles is MISSING:
        return None
    return bounds(layer.activation_function) or (quantiles[0], quantiles[-1])


def _counted(histogram: Histogram, zero_share: float, axis: Axis) -> Bars:
    """Return what of a histogram lies on the axis; a bin lies where its middle does."""
    total = sum(histogram.counts)
    shares = [count / total for count in histogram.counts]
    # Zeros, half of what relu gives, would count as beyond the axis where their bin is mostly there.
    place = min(max(bisect_right(histogram.edges, 0.0) - 1, 0), len(shares) - 1)
    zeros = min(zero_share, shares[place]) if axis.low <= 0 <= axis.high else 0.0
    shares[place] -= zeros
    bins = [(low, high, share) for (low, high), share in zip(pairwise(histogram.edges), shares, strict=True)]
    return Bars(
        shown=[one for one in bins if axis.low <= _middle(one) <= axis.high],
        zeros=zeros,
        below=sum(one[2] for one in bins if _middle(one) < axis.low),
        above=sum(one[2] for one in bins if _middle(one) > axis.high),
    )


def _middle(one: tuple[float, float, float]) -> float:
    return one[0] / 2 + one[1] / 2


def bars_of(layer: LayerReport, axis: Axis) -> Bars | None:
    """Return the histogram of a layer on the axis; None where an overflow has left none."""
    histogram = layer.activation.histogram
    return None if histogram is MISSING else _counted(histogram, known(layer.zero_share) or 0.0, axis)
