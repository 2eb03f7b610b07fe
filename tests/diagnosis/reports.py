"""Diagnoses of described networks, without HTTP."""

import numpy as np

from service.dense.network import Limits, dense_network
from service.describe.network import DiagnosisRequest
from service.describe.url import parameters, request_of
from service.diagnosis.experiments import diagnose_network
from service.diagnosis.report import InputFigures, Report


def diagnosed(query: str, seed: int = 1) -> Report:
    experiment = request_of(DiagnosisRequest, parameters(query))
    return diagnose_network(experiment, dense_network(experiment, seed, Limits(layers=1000, width=10_000)))


def equal_layers(width: int, depth: int) -> str:
    """Return the `layers` of `depth` layers of equal width, inputs included beside them."""
    return "layers=" + ",".join([str(width)] * (depth + 1))


def codes(report: Report) -> list[set[str]]:
    """Return the codes of each layer's verdicts."""
    return [{verdict.code for verdict in layer.verdicts} for layer in report.layers]


def endless(fan_in: int, samples: int) -> InputFigures:
    """Return the figures of independent inputs of variance 1, all of the length that is expected."""
    return InputFigures(samples, 1.0, 1.0, np.ones(1), 0.0, 1 / fan_in, float(fan_in))
