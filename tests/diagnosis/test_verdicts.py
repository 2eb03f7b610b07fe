"""Each fault is found on its side of its threshold and not on the other."""

import dataclasses
from typing import Any

import pytest

from service.diagnosis.report import LayerReport, Verdict
from service.diagnosis.verdicts import FAULTS, HEALTHY, Fault, overall, verdicts_of
from tests.diagnosis.reports import diagnosed, equal_layers

GOOD = diagnosed(f"{equal_layers(50, 2)}&activation=tanh&samples=200").layers[0]


def with_figure(fault: Fault, value: float) -> LayerReport:
    """Return a healthy layer but for one figure, found by trying which field the fault reads."""
    candidates: list[dict[str, Any]] = [
        {"gradient": GOOD.gradient.model_copy(update={"ratio": value})},
        {"dead_share": value},
        {"saturated_share": value},
        {"mean_correlation": value},
        # Far from 0 only for the fault that compares std and mean.
        {"activation": GOOD.activation.model_copy(update={"std": value, "mean": float(fault.name.endswith("mean"))})},
    ]
    for update in candidates:
        changed = GOOD.model_copy(update=update)
        if fault.figure(changed) == value:
            return changed
    raise AssertionError(f"no field for {fault.name}")


def codes(layer: LayerReport) -> list[str]:
    return [verdict.code for verdict in verdicts_of(layer, gradients_exist=True)]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.code} by {fault.name}")
def test_a_fault_begins_at_its_threshold(fault: Fault) -> None:
    inside, outside = (0.99, 1.01) if fault.side == "above" else (1.01, 0.99)
    assert fault.code not in codes(with_figure(fault, fault.threshold * inside))
    assert fault.code not in codes(with_figure(fault, fault.threshold))
    found = verdicts_of(with_figure(fault, fault.threshold * outside), gradients_exist=True)
    verdict = next(verdict for verdict in found if verdict.code == fault.code)
    assert f"{fault.threshold:g}" in verdict.evidence
    assert verdict.advice


def test_a_layer_without_faults_is_healthy() -> None:
    assert verdicts_of(GOOD, gradients_exist=True) == [HEALTHY]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.code} by {fault.name}")
def test_each_threshold_has_a_reason_and_each_advice_is_a_sentence(fault: Fault) -> None:
    assert len(fault.reason.split()) > 4
    assert fault.advice.endswith(".")
    assert dataclasses.asdict(fault)["threshold"] > 0


def test_the_overall_verdict_is_the_worst_of_the_first_layer_that_has_it() -> None:
    def layer(name: str, *found: str) -> LayerReport:
        verdicts = [Verdict(code=code, evidence="", advice=f"{code}.") for code in found]
        return GOOD.model_copy(update={"name": name, "verdicts": verdicts})

    layers = [layer("a", "healthy"), layer("b", "dead", "saturated"), layer("c", "vanishing_gradients")]
    layers.append(layer("d", "vanishing_gradients"))
    assert (overall(layers).code, overall(layers).layer) == ("vanishing_gradients", "c")
    assert overall(layers[:2]).code == "dead"
    assert overall(layers[:1]).code == "healthy"
