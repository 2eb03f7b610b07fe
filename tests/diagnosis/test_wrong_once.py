"""What reports once said and float64 refutes, case by case."""

import dataclasses
import math

import numpy as np
import pytest

from service.describe.network import OwnWeightsRequest
from service.diagnosis.experiments import diagnose_own
from service.diagnosis.report import LayerReport, Report
from service.diagnosis.uploads import OwnWeights
from tests.diagnosis.doubles import LayerDoubles, figures
from tests.diagnosis.reports import codes, diagnosed, equal_layers

SIGMOID_SMALL = f"{equal_layers(100, 5)}&activation=sigmoid&scheme=fixed&std=0.01"
SIGMOID_DEEP = f"{equal_layers(100, 50)}&activation=sigmoid"


def assert_rank_and_correlation(layer: LayerReport, doubles: LayerDoubles) -> None:
    """They are those of float64, or left out where the samples differ by no more than float32 can hold."""
    if layer.nodes.effective_rank is None:
        assert doubles.within_std < 2e-5 * np.hypot(doubles.std, layer.activation.mean or 0)
        assert layer.nodes.mean_correlation is None
        return
    assert layer.nodes.effective_rank == pytest.approx(doubles.effective_rank, rel=1e-3)
    assert layer.nodes.mean_correlation == pytest.approx(doubles.mean_correlation, rel=1e-3)


def test_sigmoid_of_std_0_01_has_no_rank_of_rounding() -> None:
    report, expected = diagnosed(SIGMOID_SMALL), figures(SIGMOID_SMALL)
    assert (expected[4].effective_rank, expected[4].mean_correlation) == pytest.approx((17.7, 0.17), rel=0.02)
    for layer, doubles in zip(report.layers, expected, strict=True):
        assert_rank_and_correlation(layer, doubles)
    assert report.layers[1].nodes.effective_rank is not None


def test_fifty_layers_of_sigmoid_have_ranks_of_float64_or_none() -> None:
    report, expected = diagnosed(SIGMOID_DEEP), figures(SIGMOID_DEEP)
    for layer, doubles in zip(report.layers, expected, strict=True):
        assert_rank_and_correlation(layer, doubles)
    assert report.layers[3].nodes.effective_rank is not None
    assert not any("rank_collapse" in found for found in codes(report))


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
@pytest.mark.parametrize("scheme", ["xavier", "fixed&std=1"])
def test_figures_are_those_of_float64(activation: str, scheme: str) -> None:
    query = f"layers=30,40,40,10&activation={activation}&scheme={scheme}&samples=200"
    for layer, doubles in zip(diagnosed(query).layers, figures(query), strict=True):
        found = LayerDoubles(
            layer.activation.std or 0,
            layer.likeness.within_std or 0,
            layer.likeness.mean_cosine or 0,
            layer.nodes.effective_rank or 0,
            layer.nodes.mean_correlation or 0,
            layer.gradient.std or 0,
            layer.gradient.ratio or 0,
            layer.gradient.weight_std or 0,
            list(layer.gradient.quantiles or []),
            layer.gradient.small_share or 0,
        )
        for field in dataclasses.fields(LayerDoubles):
            mine, theirs = getattr(found, field.name), getattr(doubles, field.name)
            share = field.name == "small_share"  # within one value
            assert mine == pytest.approx(theirs, rel=1e-3, abs=1.01 / (200 * layer.width) if share else 1e-6), (
                field.name
            )


@pytest.mark.parametrize(("activation", "typical"), [("tanh", 9e-6), ("sigmoid", 6e-3)])
def test_what_vanishes_in_saturation_is_the_typical_gradient(activation: str, typical: float) -> None:
    query = f"{equal_layers(100, 5)}&activation={activation}&scheme=fixed&std=1"
    report, expected = diagnosed(query), figures(query)
    medians = []
    for layer, doubles in zip(report.layers, expected, strict=True):
        assert layer.gradient.quantiles == pytest.approx(doubles.gradient_quantiles, rel=2e-2, abs=1e-12)
        assert layer.gradient.small_share == pytest.approx(doubles.small_share, abs=1e-3)
        assert layer.gradient.rms is not None
        assert layer.gradient.quantiles is not None
        medians.append(layer.gradient.quantiles[3] / layer.gradient.rms)
        (saturated,) = [verdict for verdict in layer.verdicts if verdict.code == "saturated"]
        assert saturated.evidence.values["median"] == pytest.approx(medians[-1], rel=0.01)
    assert min(medians) / 3 < typical < max(medians) * 3


def own(layers: list[np.ndarray], inputs: np.ndarray, activation: str, bias: float = 0.0) -> Report:
    weights = tuple(weight.astype(np.float32) for weight in layers)
    biases = tuple(np.full(weight.shape[1], bias, np.float32) for weight in weights)
    sent = OwnWeights(weights, biases, inputs.astype(np.float32))
    return diagnose_own(OwnWeightsRequest.of({"activation": activation}), 1, sent)


@pytest.mark.parametrize("size", [1e-3, 1.0, 255.0])
def test_theory_takes_inputs_of_any_size(size: float) -> None:
    random = np.random.default_rng(1)
    layers = [random.normal(0, math.sqrt(2 / 300), (300, 300)) for _ in range(4)]
    report = own(layers, random.uniform(0, size, (400, 300)), "relu")
    for layer in report.layers:
        assert layer.activation.std == pytest.approx(layer.theory.std, rel=0.2)
        assert layer.likeness.within_std == pytest.approx(layer.theory.within_std, rel=0.25)
        assert layer.likeness.mean_cosine == pytest.approx(layer.theory.mean_cosine, abs=0.03)
    assert report.verdict.code == "healthy"


def test_theory_counts_biases_that_are_all_the_same() -> None:
    random = np.random.default_rng(1)
    layers = [random.normal(0, math.sqrt(1 / 300), (300, 300)) for _ in range(2)]
    report = own(layers, random.standard_normal((400, 300)), "identity", bias=2.0)
    # Half of a constant's variance would be nothing: what it adds to the second moment is its square.
    assert report.layers[0].theory.mean_cosine == pytest.approx(4 / 5, rel=0.02)
    assert report.layers[0].likeness.mean_cosine == pytest.approx(4 / 5, rel=0.02)


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_theory_of_two_inputs_averages_over_their_lengths(activation: str) -> None:
    query = f"layers=2,2000&activation={activation}&samples=2000"
    (layer,) = diagnosed(query).layers
    assert layer.theory.std == pytest.approx(figures(query)[0].std, rel=0.03)
    assert layer.theory.std_low is not None
    assert layer.theory.std_high is not None
    assert layer.theory.std_low < figures(query)[0].std < layer.theory.std_high
