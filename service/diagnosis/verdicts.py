"""From figures to findings: one table of thresholds. Reasons and their sources are in messages.json, by key."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from service.diagnosis import advice
from service.diagnosis.advice import Diagnosed, Place
from service.diagnosis.messages import Message, rounded
from service.diagnosis.report import OverallVerdict, Verdict

# Share of saturated activations from which on a layer counts as saturated.
MOST_SATURATED = 0.35


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that can be wrong with a layer."""

    code: str
    key: str  # of the evidence: the figure, the threshold, its reason and the reason's source
    figure: Callable[[Place], float | None]  # None where the layer has no such figure
    threshold: float
    side: Literal["above", "below"]  # where the fault lies
    advice: Callable[[Place], Message]

    def verdict(self, place: Place) -> Verdict | None:
        """Return the verdict on a layer, or None if it does not have this fault."""
        figure = self.figure(place)
        if figure is None or figure == self.threshold or (figure > self.threshold) != (self.side == "above"):
            return None
        return Verdict(self.code, self._evidence(place, figure), self.advice(place))

    def _evidence(self, place: Place, figure: float) -> Message:
        values: dict[str, float | str] = {"figure": rounded(figure), "threshold": rounded(self.threshold)}
        gradient, key = place.layer.gradient, self.key
        if self.code == "rank_collapse":
            values["inputs"] = rounded(place.network.inputs.effective_rank or 0.0)
        if self.code == "saturated":
            if gradient.quantiles is None or not gradient.rms:
                key = "saturated.brief"
            else:
                values["median"] = rounded(gradient.quantiles[len(gradient.quantiles) // 2] / gradient.rms)
        return Message(key, values)


def _gradient_ratio(place: Place) -> float | None:
    return None if place.layer.gradient.is_zero else place.layer.gradient.ratio


def _amplification(place: Place) -> float | None:
    std, size = place.layer.activation.std, place.network.inputs.rms
    return None if std is None or size == 0 or place.layer.gradient.is_zero else std / size


def _shrinkage(place: Place) -> float | None:
    """Return the amplification; in the last layer, whose values nothing needs, that of the layer before if larger."""
    own = _amplification(place)
    layers = place.network.layers[: place.number + 1]
    if any((layer.saturated_share or 0.0) > MOST_SATURATED for layer in layers):
        return None  # what has been at the bounds of a function is small beside large inputs, whatever the weights are
    if own is None or place.number < len(place.network.layers) - 1:
        return own
    before = _amplification(Place(place.network, place.number - 1)) if place.number else 1.0
    return max(own, before or 0.0)


def _dead_share(place: Place) -> float | None:
    # Weights of 0 make every output 0: that is another fault.
    return place.layer.nodes.dead_share if place.layer.weight_std else None


def _saturated_share(place: Place) -> float | None:
    return place.layer.saturated_share


def _relative_std(place: Place) -> float | None:
    if place.number == len(place.network.layers) - 1:
        return None  # outputs lie where the last activation puts 0, a sigmoid at 0.5: their mean says nothing
    std, mean = place.layer.activation.std, place.layer.activation.mean
    return None if std is None or not mean else std / abs(mean)


def _within_share(place: Place) -> float | None:
    within, std = place.layer.likeness.within_std, place.layer.activation.std
    return None if within is None or not std else within / std


def _rank(place: Place) -> float | None:
    """Return the effective rank, where inputs and all layers so far have room for far more."""
    narrowest = min(layer.width for layer in place.network.layers[: place.number + 1])
    of_inputs = place.network.inputs.effective_rank
    if narrowest < LEAST_NODES or of_inputs is None or of_inputs < LEAST_RANK_OF_INPUTS:
        return None
    return place.layer.nodes.effective_rank


# A rank says something of weights only where there is room for a larger one.
LEAST_NODES, LEAST_RANK_OF_INPUTS = 32, 10
NON_FINITE, NO_GRADIENTS, UNBROKEN_SYMMETRY = "non_finite", "no_gradients", "unbroken_symmetry"

# From the worst to the least, after the three above.
FAULTS: Sequence[Fault] = (
    Fault("exploding_gradients", "exploding_gradients", _gradient_ratio, 1e3, "above", advice.smaller),
    Fault("vanishing_gradients", "vanishing_gradients", _gradient_ratio, 1e-3, "below", advice.larger),
    Fault("exploding_activations", "exploding_activations", _amplification, 1e2, "above", advice.smaller),
    Fault("vanishing_activations", "vanishing_activations", _shrinkage, 1e-2, "below", advice.larger),
    Fault("dead", "dead", _dead_share, 0.6, "above", advice.alive),
    # hard_tanh cuts 0.32 of sums of std 1, and learns well.
    Fault("saturated", "saturated", _saturated_share, MOST_SATURATED, "above", advice.unsaturated),
    Fault("same_outputs", "same_outputs.mean", _relative_std, 0.1, "below", advice.spread_out),
    Fault("same_outputs", "same_outputs.within", _within_share, 2**-8, "below", advice.spread_out),
    Fault("rank_collapse", "rank_collapse", _rank, 3.0, "below", advice.untangled),
)
CODES: Sequence[str] = tuple(
    dict.fromkeys((NON_FINITE, NO_GRADIENTS, UNBROKEN_SYMMETRY, *(fault.code for fault in FAULTS), "healthy"))
)
HEALTHY = Verdict("healthy", Message("healthy"), Message("healthy.advice"))


def verdicts_of(place: Place) -> list[Verdict]:
    """Return every finding about a layer, the worst first; just HEALTHY where there is none."""
    layers, layer = place.network.layers, place.layer
    by_code: dict[str, Verdict] = {}
    gradients_exist = all(other.activation.std is not None for other in layers)
    if layer.activation.std is None or (gradients_exist and layer.gradient.std is None):
        by_code[NON_FINITE] = Verdict(NON_FINITE, Message(NON_FINITE), advice.smaller(place))
    if layer.gradient.is_zero:
        by_code[NO_GRADIENTS] = Verdict(NO_GRADIENTS, Message(NO_GRADIENTS), advice.moving(place))
    if layer.has_equal_nodes:
        by_code[UNBROKEN_SYMMETRY] = Verdict(UNBROKEN_SYMMETRY, Message(UNBROKEN_SYMMETRY), advice.random(place))
    # What else a network shows whose nodes are all one says nothing.
    for fault in () if any(other.has_equal_nodes for other in layers) else FAULTS:
        verdict = fault.verdict(place)
        if verdict is not None:
            by_code.setdefault(verdict.code, verdict)
    return list(by_code.values()) or [HEALTHY]


def overall(verdicts: Sequence[Sequence[Verdict]]) -> OverallVerdict:
    """Return the worst finding of all layers, and the first layer that has it."""
    found = [(verdict, number) for number, of_layer in enumerate(verdicts) for verdict in of_layer]
    worst, number = min(found, key=lambda pair: CODES.index(pair[0].code))
    return OverallVerdict(worst.code, number, worst.advice)


def judged(network: Diagnosed) -> list[list[Verdict]]:
    """Return the findings about each layer."""
    return [verdicts_of(Place(network, number)) for number in range(len(network.layers))]
