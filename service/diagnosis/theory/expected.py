"""What theory expects of each layer: its mean field, and without normalization how far it strays from that."""

from collections.abc import Sequence

import numpy as np

from service.diagnosis.report import InputFigures, TheoryFigures, existing
from service.diagnosis.theory.gradient_spread import gradient_bounds
from service.diagnosis.theory.mean_field import LayerMeanField, LayerSetup, mean_field
from service.diagnosis.theory.spread import spread

Bounds = tuple[float, float]
UNKNOWN = (np.nan, np.nan)


def expected(
    layers: Sequence[LayerSetup], inputs: InputFigures, *, normalized: bool, bounded: bool = True
) -> list[TheoryFigures]:
    """Return the expectations for a batch of these inputs, from the first layer to the last; `bounded` with bounds."""
    # Overflow gives bounds that do not exist.
    with np.errstate(all="ignore"):
        spreads = list(spread(layers, inputs)) if bounded and not normalized else []
        of_std = [at_layer.bounds for at_layer in spreads] + [UNKNOWN] * (len(layers) - len(spreads))
        # Nothing comes back from layers that have overflowed.
        is_whole = len(spreads) == len(layers)
        of_ratio = gradient_bounds(layers, spreads, inputs.samples) if is_whole else [UNKNOWN] * len(layers)
    theories = mean_field(layers, inputs, normalized=normalized)
    return [_figures(*of_layer) for of_layer in zip(theories, of_std, of_ratio, strict=True)]


def _figures(layer: LayerMeanField, of_std: Bounds, of_ratio: Bounds) -> TheoryFigures:
    # What is expected may itself lie beyond, where few networks of large values make up its mean.
    return TheoryFigures(
        mean=existing(layer.mean),
        std=existing(layer.std),
        std_low=existing(min(of_std[0], layer.std)),
        std_high=existing(max(of_std[1], layer.std)),
        gradient_ratio=existing(layer.gradient_ratio),
        gradient_ratio_low=existing(min(of_ratio[0], layer.gradient_ratio)),
        gradient_ratio_high=existing(max(of_ratio[1], layer.gradient_ratio)),
        mean_cosine=existing(layer.mean_cosine),
        within_std=existing(layer.within_std),
    )
