"""What came of a training, and why: from the points of the curves and the diagnosis of the same start."""

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import numpy as np

from service.describe.learning import LearningRequest, OptimizerName, OwnLearningRequest
from service.diagnosis.messages import Message, rounded
from service.diagnosis.report import LayerReport, Report
from service.learning.curves import Outcome, OutcomeCode, Point
from service.learning.optimizers import MOMENTUM
from service.learning.samples import Samples

# Test accuracy from which on a network has learned.
LEARNED: Final = 0.9
# A test accuracy that is no more than this above that of one answer for all samples is guessing.
GUESSING: Final = 0.1
# A loss so many times as large as at the start, or as that of guessing, has grown for good.
GROWN: Final = 10.0
# Between these, the first layer's gradient by that of the last has survived.
SURVIVING: Final = (1e-2, 1e2)
# Beyond these products of learning rate and weight decay, decay alone makes a parameter grow without end. A step of
# sgd multiplies it by 1 - product; with momentum, a root of z^2 - (1 + momentum - product) z + momentum passes -1
# (Polyak 1964). Adam divides by the size of what it steps along, so that no decay makes it grow.
OVERSHOOTING: Final[Mapping[OptimizerName, float]] = MappingProxyType(
    {OptimizerName.SGD: 2.0, OptimizerName.MOMENTUM: 2.0 * (1.0 + MOMENTUM), OptimizerName.ADAM: math.inf}
)
# What can make a training diverge from its first steps on; no other fault of a start can.
GROWING: Final = frozenset({"non_finite", "exploding_gradients", "exploding_activations"})
HEALTHY: Final = "healthy"
NOTHING: Final[Mapping[str, float | str]] = MappingProxyType({})


def outcome_of(
    asked: LearningRequest | OwnLearningRequest, points: Sequence[Point], test: Samples, start: Report
) -> Outcome:
    """Return what came of a training whose start has this diagnosis."""
    best = max(point.test_accuracy for point in points)
    steps_to_90 = next((point.step for point in points if point.test_accuracy >= LEARNED), None)
    code = _code(points, best, test)
    return Outcome(
        code=code,
        steps_to_90=steps_to_90,
        best_test_accuracy=best,
        verdict=start.verdict.code,
        verdict_layer=start.layers[start.verdict.layer].name,
        what=_what(code, points, steps_to_90, best),
        why=_why(start),
        relation=_relation(asked, code, points, start),
    )


def _code(points: Sequence[Point], best: float, test: Samples) -> OutcomeCode:
    first, last = points[0].training_loss, points[-1].training_loss
    counts = np.bincount(test.labels)
    if first is None or last is None or last > GROWN * max(first, math.log(len(counts))):
        return "diverged"
    if best >= LEARNED:
        return "learned"
    return "stuck" if best <= counts.max() / len(test) + GUESSING else "slow"


def _what(code: OutcomeCode, points: Sequence[Point], steps_to_90: int | None, best: float) -> Message:
    last = points[-1]
    match code:
        case "learned":
            return _after(code, steps_to_90) if steps_to_90 else Message("learned.start")
        case "diverged" if last.training_loss is not None:
            return Message("diverged.grown", {"step": float(last.step), "loss": rounded(last.training_loss)})
        case "diverged" if last.step == 0:
            return Message("diverged.start")
        case "diverged":
            return Message(code, {"step": float(last.step)})
        case _:
            # Not rounded to 90 %, at which it would have learned.
            return _after(code, last.step, {"best": f"{100 * best:.3g} %"})


def _after(code: OutcomeCode, steps: int, values: Mapping[str, float | str] = NOTHING) -> Message:
    """Return what came of so many steps: some languages count one in other words."""
    return Message(f"{code}.one" if steps == 1 else code, {"steps": float(steps), **values})


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


# The figure that a clause names, by verdict.
FIGURES: Final[Mapping[str, Callable[[LayerReport], float | str | None]]] = MappingProxyType(
    {
        "exploding_gradients": lambda layer: layer.gradient.ratio,
        "vanishing_gradients": lambda layer: layer.gradient.ratio,
        "exploding_activations": lambda layer: layer.activation.std,
        "vanishing_activations": lambda layer: layer.activation.std,
        "dead": lambda layer: _percent(layer.nodes.dead_share or 0.0),
        "saturated": lambda layer: _percent(layer.saturated_share or 0.0),
    }
)


def _why(start: Report) -> Message:
    code, layer = start.verdict.code, start.layers[start.verdict.layer]
    values: dict[str, float | str] = {} if code == HEALTHY else {"layer": layer.name}
    if code in FIGURES:
        figure = FIGURES[code](layer) or 0.0
        values["figure"] = figure if isinstance(figure, str) else rounded(figure)
    return Message(code, values)


def _relation(
    asked: LearningRequest | OwnLearningRequest, code: OutcomeCode, points: Sequence[Point], start: Report
) -> Message:
    is_healthy = start.verdict.code == HEALTHY
    if code == "diverged":
        return Message(_fault_of_divergence(asked, points, start))
    if is_healthy and code == "learned":
        return Message("and")  # there can be other causes than the start
    if not is_healthy and code != "learned":
        return Message("because")
    if is_healthy:
        return Message("although.steps_or_decay" if asked.weight_decay else "although.steps")
    ratio = start.layers[0].gradient.ratio
    if ratio is not None and SURVIVING[0] <= ratio <= SURVIVING[1]:
        return Message("although.gradients", {"ratio": rounded(ratio)})
    return Message("although.adam" if asked.optimizer is OptimizerName.ADAM else "although")


def _fault_of_divergence(asked: LearningRequest | OwnLearningRequest, points: Sequence[Point], start: Report) -> str:
    """Return the relation that says what makes the loss grow: the start, the weight decay or the learning rate."""
    code = start.verdict.code
    if code != HEALTHY and points[0].training_loss is None:
        return "because"
    relation = "although" if code == HEALTHY else "because"
    if asked.learning_rate * asked.weight_decay > OVERSHOOTING[asked.optimizer]:
        return f"{relation}.decay"
    return "because" if code in GROWING else f"{relation}.rate"
