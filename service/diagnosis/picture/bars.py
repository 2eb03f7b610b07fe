"""What the histograms of a report show on one axis, before anything is drawn. The page at / follows the same rules."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from service.diagnosis.picture.table import BOUNDED, HISTOGRAMS
from service.diagnosis.report import LayerReport
from service.numerics.activations import FloatArray

MOST_CELLS: Final = 56


@dataclass(frozen=True, slots=True)
class Axis:
    """The values that every histogram shows."""

    low: float
    high: float

    def edges(self) -> FloatArray:
        """Return the edges of the bins: float64, ascending."""
        return np.linspace(self.low, self.high, HISTOGRAMS.bins + 1)

    def bin_of(self, value: float) -> int:
        """Return which bin holds a value on the axis; the last one includes its upper edge."""
        return min(int((value - self.low) / (self.high - self.low) * HISTOGRAMS.bins), HISTOGRAMS.bins - 1)


@dataclass(frozen=True, slots=True)
class Bars:
    """A histogram as it is drawn on an axis; all are shares of all values of the layer."""

    shares: FloatArray  # in each bin of the axis
    below: float  # before the axis
    above: float  # past it


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
    first = max(abs(end) for end in reaches[0])
    furthest = max(HISTOGRAMS.least_reach, HISTOGRAMS.reach_of_first * first)
    low = max(min(reach[0] for reach in reaches), -furthest)
    high = min(max(reach[1] for reach in reaches), furthest)
    return Axis(low, high) if low < high else Axis(low - 1.0, high + 1.0)


def _reach(layer: LayerReport) -> tuple[float, float] | None:
    quantiles = layer.activation.quantiles
    if quantiles is None:
        return None
    bounded = BOUNDED.get(layer.activation_function.name)
    return bounded.limits if bounded else (quantiles[0], quantiles[-1])


def bars_of(layer: LayerReport, axis: Axis) -> Bars | None:
    """Return the histogram of a layer on the axis; None where an overflow has left none."""
    histogram = layer.activation.histogram
    if histogram is None:
        return None
    edges, shares = np.array(histogram.edges), np.array(histogram.counts) / sum(histogram.counts)
    # Zeros, half of what relu gives, are one value, which a wide bin of the report would smear.
    zeros = (layer.activation.zero_share or 0.0) if axis.low <= 0 <= axis.high else 0.0
    zero_bin = min(max(int(np.searchsorted(edges, 0.0, "right")) - 1, 0), len(shares) - 1)
    shares[zero_bin] = max(0.0, shares[zero_bin] - zeros)
    # Values are taken to lie evenly within a bin of the report.
    up_to_edge = np.interp(axis.edges(), edges, np.append(0.0, np.cumsum(shares)))
    on_axis = np.diff(up_to_edge)
    if zeros:
        on_axis[axis.bin_of(0.0)] += zeros
    return Bars(on_axis, below=float(up_to_edge[0]), above=float(shares.sum() - up_to_edge[-1]))


def highest_share(every: Sequence[Bars]) -> float:
    """Return the share that takes the whole height of every histogram; a larger one is cut."""
    tallest = max((float(bars.shares.max()) for bars in every), default=0.0)
    return min(tallest, HISTOGRAMS.highest_share) or HISTOGRAMS.highest_share
