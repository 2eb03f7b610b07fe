"""What theory expects of each layer: its mean field, and how far the std of a layer of finite width strays from that.

The bounds of the std are to hold 95 % of layers, over networks whose weights and inputs are drawn anew. In the networks
that tests/diagnosis/test_theory.py simulates, all of width 100 or more:

- Without normalization they hold about 95 % of layers, in every cell of activation, gain, depth and samples.
- With batch normalization they hold at least about 95 %, and are mostly wider than need be: of layers close to linear
  they hold nearly all. The exception is elu with 1000 samples, where about 9 % of layers lie outside.

Layers of one network stray together: of a single network all may lie within, or none.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice, repeat

import numpy as np

from service.diagnosis.theory.mean_field import LayerMeanField, LayerSetup, mean_field
from service.diagnosis.theory.spread_normalized import normalized_spreads
from service.diagnosis.theory.spread_plain import plain_spreads

UNKNOWN = (np.nan, np.nan)


@dataclass(frozen=True, slots=True)
class LayerTheory(LayerMeanField):
    """The mean field of a layer, and the bounds of its std; any figure may be infinite or NaN after an overflow."""

    std_low: float  # about 95 of 100 layers of this width (with normalization: mostly more) have a std
    std_high: float  # between these


def expected(layers: Sequence[LayerSetup], samples: int, *, normalized: bool) -> list[LayerTheory]:
    """Return the expectations for a batch of so many samples, from the first layer to the last."""
    found = mean_field(layers, normalized=normalized)
    # Overflow gives bounds that are NaN.
    with np.errstate(all="ignore"):
        bounds = list(spreads(layers, samples, normalized=normalized))
    return [
        LayerTheory(layer.mean, layer.std, layer.gradient_ratio, min(low, layer.std), max(high, layer.std))
        for layer, (low, high) in zip(found, bounds, strict=True)
    ]


def spreads(layers: Sequence[LayerSetup], samples: int, *, normalized: bool) -> Iterator[tuple[float, float]]:
    """Yield the bounds of the std of each layer: NaN from where a second moment is 0 or has overflowed."""
    walk = normalized_spreads(layers, samples) if normalized else plain_spreads(layers, samples)
    return islice(chain(walk, repeat(UNKNOWN)), len(layers))
