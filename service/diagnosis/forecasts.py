"""What theory expects of the same network under another scheme: the choice of auto, and schemes that would serve."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from service.dense.passes import DrawnLayer
from service.diagnosis.advice import Remedy
from service.diagnosis.report import AutoForecast, InputFigures, existing
from service.diagnosis.theory.mean_field import LayerMeanField, LayerSetup, mean_field
from service.initializers.fans import Fan
from service.initializers.schemes import Choice, SchemeName, choose

# The best first; what is not here differs from these by shape alone.
CANDIDATES = (SchemeName.AUTO, SchemeName.HE)
# Factors that gradient ratios and stds may be apart: the first is the verdict's threshold. Activations may stray ten
# times as far as their verdict allows, since a scheme that keeps the gradients is worth naming all the same.
RATIO_KEPT, STD_KEPT = 1e3, 1e3
SAME_STD = 0.1


@dataclass(frozen=True, slots=True)
class Forecast:
    """What theory expects under one scheme, layer by layer."""

    choices: Sequence[Choice]
    theories: Sequence[LayerMeanField]

    def summary(self) -> AutoForecast:
        """Return the figures that a report shows, as far as they exist."""
        stds = [theory.std for theory in self.theories]
        ratios = [theory.gradient_ratio for theory in self.theories]
        return AutoForecast(
            schemes=[choice.scheme for choice in self.choices],
            stds=[std for std in stds if existing(std) is not None],
            gradient_ratios=[ratio for ratio in ratios if existing(ratio) is not None],
        )

    def gradient_factor(self) -> float:
        """Return the largest factor between the gradient of a layer and of the last; infinite where there is none."""
        return max(_apart(theory.gradient_ratio) for theory in self.theories)

    def keeps_all(self, size: float) -> bool:
        """Whether activations and gradients are kept in every layer, for inputs of this rms."""
        stds = max(_apart(theory.std / size) for theory in self.theories) if size > 0 else inf
        return stds <= STD_KEPT and self.gradient_factor() <= RATIO_KEPT


def forecast(scheme: SchemeName, layers: Sequence[DrawnLayer], inputs: InputFigures, *, normalized: bool) -> Forecast:
    """Return what the scheme would have led to."""
    choices, setups = [], []
    for layer in layers:
        inputs_of_layer, width = layer.weight.shape
        choice = choose(scheme, layer.activation.name, Fan(inputs_of_layer, width), fixed_std=0.0)
        choices.append(choice)
        setups.append(LayerSetup(layer.activation, inputs_of_layer, width, choice.std))
    return Forecast(choices, mean_field(setups, inputs, normalized=normalized))


def remedies_of(
    layers: Sequence[DrawnLayer], stds: Sequence[float | None], inputs: InputFigures, auto: Forecast
) -> list[Remedy]:
    """Return the schemes that would keep activations and gradients and are others than gave these stds."""
    forecasts = {
        scheme: auto if scheme is SchemeName.AUTO else forecast(scheme, layers, inputs, normalized=False)
        for scheme in CANDIDATES
    }
    return [
        Remedy(scheme, [choice.std for choice in found.choices], found.gradient_factor())
        for scheme, found in forecasts.items()
        if found.keeps_all(inputs.rms) and not all(map(_is_near, stds, (choice.std for choice in found.choices)))
    ]


def _is_near(std: float | None, other: float) -> bool:
    """Whether a std is another, but for what drawn weights stray by."""
    return std is not None and abs(std - other) <= SAME_STD * other


def _apart(value: float) -> float:
    """Return the factor between a value and 1, whichever is larger."""
    return max(value, 1 / value) if 0 < value < inf else inf
