"""From figures to findings: one table of thresholds, each with its reason."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import MISSING

from service.diagnosis.report import LayerReport, OverallVerdict, Verdict


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that can be wrong with a layer."""

    code: str
    figure: Callable[[LayerReport], float | MISSING]  # MISSING where the layer has no such figure
    name: str  # of the figure, for the evidence
    threshold: float
    side: Literal["above", "below"]  # where the fault lies
    reason: str  # of the threshold
    advice: str

    def verdict(self, layer: LayerReport) -> Verdict | None:
        """Return the verdict on a layer, or None if it does not have this fault."""
        found = self.figure(layer)
        if found is MISSING or found == self.threshold or (found > self.threshold) != (self.side == "above"):
            return None
        evidence = f"{self.name} is {found:.3g}, {self.side} {self.threshold:g}: {self.reason}"
        return Verdict(code=self.code, evidence=evidence, advice=self.advice)


def _spread(layer: LayerReport) -> float | MISSING:
    """Return the activations' std relative to their distance from 0."""
    std, mean = layer.activation.std, layer.activation.mean
    if std is MISSING or mean is MISSING or mean == 0:
        return MISSING
    return std / abs(mean)


NON_FINITE = Verdict(
    code="non_finite",
    evidence="values or gradients are infinite or not a number: float32 ends near 3.4e38",
    advice="Values leave the range of float32 here: choose a smaller std, such as scheme auto gives.",
)

# From the worst to the least, after NON_FINITE. Inputs have std 1, so stds need no other scale.
FAULTS: Sequence[Fault] = (
    Fault(
        "exploding_gradients", lambda layer: layer.gradient.ratio, "gradient ratio", 1e3, "above",
        "no one learning rate serves layers whose gradients are a thousand times apart",
        "Early layers get far larger steps than the last: choose a smaller std, such as scheme auto gives.",
    ),
    Fault(
        "vanishing_gradients", lambda layer: layer.gradient.ratio, "gradient ratio", 1e-3, "below",
        "no one learning rate serves layers whose gradients are a thousand times apart",
        "This layer will hardly learn: use scheme auto, fewer layers, an unbounded activation such as relu, "
        "or batch normalization.",
    ),
    Fault(
        "exploding_activations", lambda layer: layer.activation.std, "std of the activations", 1e2, "above",
        "inputs have std 1, so the layers so far amplify a hundredfold",
        "Activations grow from layer to layer: choose a smaller std, such as scheme auto gives.",
    ),
    Fault(
        "vanishing_activations", lambda layer: layer.activation.std, "std of the activations", 1e-2, "below",
        "inputs have std 1, so the layers so far shrink a hundredfold",
        "Activations die out from layer to layer: choose a larger std, such as scheme auto gives.",
    ),
    Fault(
        "dead", lambda layer: layer.dead_share, "share of dead nodes", 0.6, "above",
        "even samples that are all alike leave half of the nodes of a relu layer alive",
        "Most nodes are 0 for every sample and cannot learn: use scheme auto, leaky_relu or batch normalization.",
    ),
    Fault(
        "saturated", lambda layer: layer.saturated_share, "share of saturated activations", 0.25, "above",
        "from there on a few layers in a row pass next to no gradient",
        "Activations pile up at the bounds, where slopes are near 0: choose a smaller std, such as scheme auto gives.",
    ),
    Fault(
        "same_outputs", _spread, "std of the activations relative to their mean", 0.1, "below",
        "values that differ by less than a tenth say nearly the same",
        "Nodes give nearly the same value for every sample, so the layer expresses little: choose a larger std, "
        "such as scheme auto gives.",
    ),
    Fault(
        "same_outputs", lambda layer: layer.mean_correlation, "mean correlation between nodes", 0.95, "above",
        "nodes that rise and fall together are one node, repeated",
        "Nodes rise and fall together, so the layer expresses little: use fewer layers or batch normalization.",
    ),
)  # fmt: skip

HEALTHY = Verdict(code="healthy", evidence="no figure is beyond its threshold", advice="Nothing needs to change.")


def verdicts_of(layer: LayerReport, *, gradients_exist: bool) -> list[Verdict]:
    """Return every finding about a layer, the worst first; just HEALTHY where there is none.

    `gradients_exist` is false where the activations of some layer overflowed, so that no layer has gradients.
    """
    found: dict[str, Verdict] = {}
    if layer.activation.std is MISSING or (gradients_exist and layer.gradient.std is MISSING):
        found[NON_FINITE.code] = NON_FINITE
    for fault in FAULTS:
        verdict = fault.verdict(layer)
        if verdict is not None:
            found.setdefault(verdict.code, verdict)
    return list(found.values()) or [HEALTHY]


def overall(layers: Sequence[LayerReport]) -> OverallVerdict:
    """Return the worst finding and the first layer that has it."""
    severity = [NON_FINITE.code, *(fault.code for fault in FAULTS), HEALTHY.code]
    found = [(verdict, layer) for layer in layers for verdict in layer.verdicts]
    worst, layer = min(found, key=lambda pair: severity.index(pair[0].code))
    return OverallVerdict(code=worst.code, layer=layer.name, advice=worst.advice)
