"""Diagnoses of described networks, without HTTP."""

from service.diagnosis.experiments import diagnose_network
from service.diagnosis.report import Diagnosis
from service.plan import Limits, plan_of
from service.query import parameters, request_of
from service.spec import Experiment


def diagnosed(query: str, seed: int = 1) -> Diagnosis:
    experiment = request_of(Experiment, parameters(query))
    return diagnose_network(experiment, plan_of(experiment, seed, Limits(layers=1000, width=10_000)))


def equal_layers(width: int, depth: int) -> str:
    """Return the `layers` of `depth` layers of equal width, inputs included beside them."""
    return "layers=" + ",".join([str(width)] * (depth + 1))


def codes(report: Diagnosis) -> list[set[str]]:
    """Return the codes of each layer's verdicts."""
    return [{verdict.code for verdict in layer.verdicts} for layer in report.layers]
