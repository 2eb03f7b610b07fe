"""What to change, as a function of the fault and of what was asked for: no advice is to do what was done."""

from collections.abc import Sequence
from dataclasses import dataclass

from service.diagnosis.messages import Message, rounded
from service.diagnosis.report import InputFigures, LayerReport
from service.initializers.schemes import SchemeName
from service.numerics.activations import Activation

# A normalization over fewer samples takes up so much of a gradient that more of them are the first thing to try.
LEAST_SAMPLES = 16
# Of the rms of the pre-activations, so that biases say more than inputs.
LARGEST_BIAS = 0.7
# Schemes are made for inputs of rms 1: far beyond it, the inputs and not the weights fill a bounded function.
LARGEST_INPUTS = 3.0


@dataclass(frozen=True, slots=True)
class Remedy:
    """A scheme under which theory finds activations and gradients kept."""

    scheme: SchemeName
    stds: Sequence[float]  # of the weights of each layer
    gradient_ratio: float  # the farthest from 1 of all layers


@dataclass(frozen=True, slots=True)
class Diagnosed:
    """A network with all its figures, and what was asked for."""

    layers: Sequence[LayerReport]
    inputs: InputFigures
    scheme: SchemeName | None  # None for weights that were sent
    is_normalized: bool
    remedies: Sequence[Remedy]  # the best first


@dataclass(frozen=True, slots=True)
class Place:
    """One layer of a network, to be judged."""

    network: Diagnosed
    number: int

    @property
    def layer(self) -> LayerReport:
        """The layer."""
        return self.network.layers[self.number]


def smaller(place: Place) -> Message:
    """Return how to make values or gradients smaller."""
    return _rescaled(place, "smaller")


def larger(place: Place) -> Message:
    """Return how to make values or gradients larger."""
    return _rescaled(place, "larger")


def unsaturated(place: Place) -> Message:
    """Return how to bring values off the bounds."""
    if _is_biased(place):
        return Message("advice.bias")
    if place.network.inputs.rms > LARGEST_INPUTS:
        return Message("advice.inputs", {"rms": rounded(place.network.inputs.rms)})
    if place.network.scheme in (None, SchemeName.FIXED) and place.network.remedies:
        return smaller(place)
    return Message("advice.smaller")


def alive(place: Place) -> Message:
    """Return how to bring dead nodes back."""
    return Message("advice.dead_bias" if _is_biased(place) else "advice.dead")


def spread_out(place: Place) -> Message:
    """Return how to make outputs depend on the input again."""
    if _is_biased(place):
        return Message("advice.bias")
    if place.network.scheme is SchemeName.FIXED and place.network.remedies and not place.network.is_normalized:
        return _rescaled(place, "larger")
    return untangled(place)


def untangled(place: Place) -> Message:
    """Return how to keep more directions."""
    activation = place.layer.activation_function.name
    if activation is Activation.IDENTITY:
        return Message("advice.orthogonal")
    key = "advice.collapse_normalized" if place.network.is_normalized else "advice.collapse"
    return Message(key, {"activation": activation})


def moving(place: Place) -> Message:
    """Return how to have a gradient at all."""
    layers = place.network.layers
    if any(layer.weight_std == 0 for layer in layers):
        return Message("advice.zeros")
    for layer in layers:
        if layer.nodes.dead_share == 1:
            return Message("advice.dead_layer", {"layer": layer.name})
    return larger(place)


def random(_place: Place) -> Message:
    """Return how to break a symmetry."""
    return Message("advice.random")


def _rescaled(place: Place, direction: str) -> Message:
    """Return another std where theory knows one that serves, and else what serves at any std."""
    network, layer = place.network, place.layer
    if network.is_normalized and network.inputs.samples < LEAST_SAMPLES:
        return Message("advice.samples", {"samples": network.inputs.samples})
    if network.is_normalized:
        return Message("advice.normalized")
    if not network.remedies or layer.weight_std is None:
        return Message("advice.depth", {"activation": layer.activation_function.name, "depth": len(network.layers)})
    remedy = network.remedies[0]
    better = remedy.stds[place.number]
    values: dict[str, float | str] = {
        "scheme": remedy.scheme,
        "better": rounded(better),
        "std": rounded(layer.weight_std),
    }
    if network.scheme is None or network.scheme is SchemeName.FIXED:
        direction = "smaller" if better < layer.weight_std else "larger"
        return Message(f"advice.{'own' if network.scheme is None else 'fixed'}_{direction}", values)
    return Message("advice.scheme", values | {"ratio": rounded(remedy.gradient_ratio)})


def _is_biased(place: Place) -> bool:
    """Whether the biases outweigh what the weights make of the inputs."""
    before = place.layer.pre_activation
    if before.mean is None or before.std is None:
        return False
    return place.layer.bias_rms > LARGEST_BIAS * float((before.mean**2 + before.std**2) ** 0.5)
