"""Figures that others have published for the same experiments."""

import math

import pytest

from service.describe.network import Language
from service.diagnosis.report import Report
from service.documents.diagnosis import diagnosis_document
from service.numerics.activations import Activation
from tests.diagnosis.reports import codes, diagnosed, equal_layers

# CS231n 2017, lecture 6: 1000 normal inputs of 500, ten layers of 500, std of the activations of each layer.
LECTURE = equal_layers(500, 10)
TANH_OF_STD_0_01 = (0.2131, 0.0476, 0.0106, 0.0024, 0.0005, 0.0001)
# ゼロから作るDeep Learning, chapter 6: 1000 normal inputs of 100, five layers of 100.
TEXTBOOK = equal_layers(100, 5)


def stds(report: Report) -> list[float]:
    existing = [layer.activation.std for layer in report.layers if layer.activation.std is not None]
    assert len(existing) == len(report.layers)
    return existing


def share_outside(report: Report, layer: int, low: float, high: float) -> float:
    """Return the share of a layer's activations below `low` or above `high`, bins by their middle."""
    histogram = report.layers[layer].activation.histogram
    assert histogram is not None
    middles = [(a + b) / 2 for a, b in zip(histogram.edges, histogram.edges[1:], strict=False)]
    counts = histogram.counts
    outside = sum(count for middle, count in zip(middles, counts, strict=True) if not low <= middle <= high)
    return outside / sum(counts)


def test_tanh_with_std_0_01_dies_out_as_in_the_lecture() -> None:
    report = diagnosed(f"{LECTURE}&activation=tanh&scheme=fixed&std=0.01")
    for measured, published in zip(stds(report), TANH_OF_STD_0_01, strict=False):
        # Printed to four places, by another seed: two networks of 500 nodes differ by a few per cent.
        assert measured == pytest.approx(published, rel=0.05, abs=0.0001)
    assert "vanishing_activations" in codes(report)[-1]
    assert "vanishing_gradients" in codes(report)[0]


def test_relu_with_he_keeps_its_spread_as_in_the_lecture() -> None:
    report = diagnosed(f"{LECTURE}&activation=relu&scheme=he")
    for measured in stds(report):
        # Half of sqrt(5 / 500) for each of ten layers, twice: the finite width.
        assert measured == pytest.approx(math.sqrt(1 - 1 / math.pi), rel=2 * 0.5 * math.sqrt(10 * 5 / 500))
    assert report.verdict.code == "healthy"


def test_sigmoid_with_std_1_piles_up_at_0_and_1() -> None:
    report = diagnosed(f"{TEXTBOOK}&activation=sigmoid&scheme=fixed&std=1")
    for layer in range(5):
        assert share_outside(report, layer, 0.1, 0.9) > 0.6
        assert "saturated" in codes(report)[layer]


def test_sigmoid_with_std_0_01_piles_up_at_one_half() -> None:
    report = diagnosed(f"{TEXTBOOK}&activation=sigmoid&scheme=fixed&std=0.01")
    for layer in range(5):
        assert share_outside(report, layer, 0.4, 0.6) < 0.01
        assert "same_outputs" in codes(report)[layer]


def test_sigmoid_with_xavier_spreads() -> None:
    report = diagnosed(f"{TEXTBOOK}&activation=sigmoid")
    for layer in range(5):
        assert share_outside(report, layer, 0.1, 0.9) < 0.1
        assert share_outside(report, layer, 0.4, 0.6) > 0.3
        assert codes(report)[layer] == {"healthy"}


def test_relu_with_std_0_01_dies_out_with_xavier_shrinks_and_with_he_stays() -> None:
    small = stds(diagnosed(f"{TEXTBOOK}&activation=relu&scheme=fixed&std=0.01"))
    xavier = stds(diagnosed(f"{TEXTBOOK}&activation=relu&scheme=xavier"))
    he = stds(diagnosed(f"{TEXTBOOK}&activation=relu"))
    assert small[-1] < 1e-4
    # Variance halves with each layer under Xavier and stays under He; the width of 100 blurs both.
    assert xavier[-1] / xavier[0] == pytest.approx(0.25, rel=0.5)
    assert he[-1] / he[0] == pytest.approx(1, rel=0.5)
    report = diagnosed(f"{TEXTBOOK}&activation=relu&scheme=fixed&std=0.01")
    assert "vanishing_activations" in codes(report)[-1]
    assert diagnosed(f"{TEXTBOOK}&activation=relu").verdict.code == "healthy"


def test_batch_normalization_lessens_the_dependence_on_the_start() -> None:
    plain = diagnosed(f"{TEXTBOOK}&activation=tanh&scheme=fixed&std=0.01")
    normalized = diagnosed(f"{TEXTBOOK}&activation=tanh&scheme=fixed&std=0.01&normalization=batch")
    assert stds(plain)[-1] < 0.01
    assert min(stds(normalized)) > 0.5


def test_values_that_overflow_are_a_result_from_the_layer_where_they_begin() -> None:
    report = diagnosed(f"{equal_layers(100, 100)}&activation=relu&scheme=fixed&std=1")
    finite = [layer.activation.std is not None for layer in report.layers]
    begins = finite.index(False)
    # Each layer multiplies the std by sqrt(100 / 2): float32 ends after about 38 / log10(7.07) layers.
    assert begins == pytest.approx(38.5 / math.log10(math.sqrt(50)), abs=3)
    assert finite == [True] * begins + [False] * (100 - begins)
    assert ["non_finite" in of_layer for of_layer in codes(report)] == [not is_finite for is_finite in finite]
    assert (report.verdict.code, report.verdict.layer) == ("non_finite", begins)
    text = diagnosis_document(report, Language.EN, is_summary=False).model_dump_json()
    assert "NaN" not in text
    assert "null" not in text


@pytest.mark.parametrize("activation", Activation)
def test_what_auto_would_have_done_is_what_auto_does(activation: Activation) -> None:
    bad = diagnosed(f"{TEXTBOOK}&activation={activation}&scheme=fixed&std=1")
    good = diagnosed(f"{TEXTBOOK}&activation={activation}")
    assert bad.auto.schemes == [layer.scheme for layer in good.layers]
    expected = [layer.theory.std for layer in good.layers]
    # The report's theory takes the std that the drawn weights have; auto's that of the formula.
    assert bad.auto.stds == pytest.approx(expected, rel=0.1)
