"""The picture says what the report says: its bars and points, read back through its axes, are the figures."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import numpy.typing as npt
import pytest
from pydantic import MISSING

from service.diagnosis.picture.bars import MOST_CELLS
from service.diagnosis.picture.picture import picture
from service.diagnosis.report import Diagnosis, LayerReport, Verdict
from tests.diagnosis.pictures import SVG, Drawn, axis, drawn, number, place
from tests.diagnosis.reports import diagnosed, equal_layers

Array = npt.NDArray[Any]

NETWORKS = {
    "1 layer": "layers=784,10&activation=tanh",
    "5 layers": f"{equal_layers(100, 5)}&activation=tanh&scheme=fixed&std=1",
    "sigmoid": f"{equal_layers(100, 5)}&activation=sigmoid&scheme=fixed&std=1",
    "relu": f"{equal_layers(100, 5)}&activation=relu",
    "50 layers": f"{equal_layers(30, 50)}&activation=relu6&scheme=he&samples=100",
    "300 layers": f"{equal_layers(8, 300)}&activation=tanh&samples=20",
    "overflow": f"{equal_layers(40, 60)}&activation=relu&scheme=fixed&std=1&samples=50",
    "all constant": f"{equal_layers(10, 3)}&activation=relu&scheme=fixed&std=0&samples=20",
    "constant, not 0": f"{equal_layers(10, 3)}&activation=sigmoid&scheme=fixed&std=0&samples=20",
    "huge": f"{equal_layers(10, 3)}&activation=identity&scheme=fixed&std=1e11&samples=20",
    "tiny": f"{equal_layers(10, 3)}&activation=tanh&scheme=fixed&std=1e-13&samples=20",
    "two kinds": "layers=30,20,10&activation=gelu&output_activation=sigmoid&normalization=batch&samples=100",
}
CURVES: dict[tuple[str, str], Callable[[LayerReport], float | MISSING]] = {
    ("activation-std", "measured"): lambda layer: layer.activation.std,
    ("activation-std", "theory"): lambda layer: layer.theory.std,
    ("gradient-std", "measured"): lambda layer: layer.gradient.std,
    ("gradient-std", "theory from the last layer back"): lambda layer: layer.theory.gradient_ratio,
    ("shares", "dead nodes"): lambda layer: layer.dead_share,
    ("shares", "saturated activations"): lambda layer: layer.saturated_share,
    ("effective-rank", "effective rank"): lambda layer: layer.effective_rank,
    ("effective-rank", "width"): lambda layer: layer.width,
}

every_network = pytest.mark.parametrize("name", NETWORKS)


@cache
def report_of(name: str) -> Diagnosis:
    return diagnosed(NETWORKS[name])


@cache
def picture_of(name: str) -> Drawn:
    return drawn(report_of(name))


@every_network
@pytest.mark.parametrize(("panel", "curve"), CURVES, ids=[" ".join(names) for names in CURVES])
def test_the_points_are_the_figures(name: str, panel: str, curve: str) -> None:
    figure = CURVES[panel, curve]
    figures = {position: figure(layer) for position, layer in enumerate(report_of(name).layers)}
    known = {position: value for position, value in figures.items() if value is not MISSING}
    last = report_of(name).layers[-1].gradient.std
    if "from the last layer" in curve:
        known = {} if last is MISSING else {position: ratio * last for position, ratio in known.items()}
    if panel != "shares":
        known = {position: value for position, value in known.items() if value > 0}
    frame = picture_of(name).panel(panel)
    if not picture_of(name).all("text", "y tick", frame) or (curve == "saturated activations" and not known):
        assert not known or panel == "effective-rank"
        return
    points = picture_of(name).points(panel, curve)
    if len(known) > 1:  # a lone curve without markers overhangs its layer
        assert sorted(points) == pytest.approx(sorted(known), abs=0.02)
    # A hundredth of a pixel is 0.01 % of a share, and on a logarithmic axis a part of the range in powers of ten.
    decades = np.ptp([np.log10(value) for value in known.values()]) + 1 if panel != "shares" and known else 0
    absolute, relative = (2e-4, 0.0) if panel == "shares" else (0.0, 5e-4 * (decades + 1))
    for at, value in points.items():
        assert value == pytest.approx(known[round(at)], abs=absolute, rel=relative)


@every_network
def test_the_band_is_what_theory_bounds(name: str) -> None:
    theories = [layer.theory for layer in report_of(name).layers]
    corners = picture_of(name).band("activation-std")
    bounded = [theory for theory in theories if theory.std_high is not MISSING and theory.std_high > 0]
    # One corner up and one down for each layer, and two beyond each end.
    assert len(corners) == (2 * len(bounded) + 4 if bounded else 0)
    upper, lower = corners[: len(corners) // 2], corners[: len(corners) // 2 - 1 : -1]
    for edge, bound in ((upper, "std_high"), (lower, "std_low")):
        expected = [getattr(theory, bound) for theory in bounded]
        expected = [*expected[:1], *expected, *expected[-1:]]
        spread = np.ptp(np.log10(np.abs([value for _, value in corners]))) if corners else 0.0
        assert [value for _, value in edge] == pytest.approx(expected, rel=1e-3 * (spread + 2))


@dataclass(frozen=True)
class Counted:
    """What a histogram should look like on the axis that a cell shows."""

    edges: Array
    middles: Array
    counts: Array  # without zeros
    zeros: float
    low: float
    high: float

    @property
    def shown(self) -> npt.NDArray[np.bool_]:
        return (self.middles >= self.low) & (self.middles <= self.high)


def counted(made: Drawn, cell: ET.Element, layer: LayerReport) -> Counted:
    histogram = layer.activation.histogram
    assert histogram is not MISSING
    counts, edges = np.array(histogram.counts, float), np.array(histogram.edges)
    zeros = round(layer.zero_share * counts.sum())
    if zeros:
        counts[np.searchsorted(edges, 0.0, "right") - 1] -= zeros
    x = axis([(place(tick, "x"), number(tick)) for tick in made.all("text", "tick", cell)])
    (frame,) = [node for node in made.all("rect", within=cell) if node.get("fill") == "none"]
    return Counted(edges, (edges[1:] + edges[:-1]) / 2, counts, zeros, x(0.0), x(place(frame, "width")))


def cells_of(name: str) -> list[tuple[ET.Element, LayerReport]]:
    layers = report_of(name).layers
    cells = picture_of(name).cells()
    assert len(cells) == min(len(layers), MOST_CELLS)
    return [(cell, layers[int(cell_name(cell).removeprefix("layers."))]) for cell in cells]


def with_histogram(name: str) -> list[tuple[ET.Element, LayerReport]]:
    return [(cell, layer) for cell, layer in cells_of(name) if layer.activation.histogram is not MISSING]


@every_network
def test_the_bars_are_the_counts(name: str) -> None:
    made = picture_of(name)
    for cell, layer in with_histogram(name):
        expected = counted(made, cell, layer)
        told, counts = made.bars(cell), expected.counts[expected.shown]
        assert bool(told) == bool(counts.any())
        if not told:
            continue
        heights = np.array([height for *_, height in told])
        uncut = counts * (heights < 0.999)
        if uncut.any():
            assert heights[uncut > 0] == pytest.approx(
                uncut[uncut > 0] * heights[uncut.argmax()] / uncut.max(), abs=6e-4
            )
        edges = expected.edges[:-1][expected.shown]
        starts = np.array([start for start, *_ in told])
        assert starts == pytest.approx(np.maximum(edges, expected.low), abs=3e-4 * (expected.high - expected.low))


@every_network
def test_a_bar_is_as_high_as_its_count_unless_it_is_cut_and_says_so(name: str) -> None:
    made = picture_of(name)
    for cell, layer in with_histogram(name):
        expected = counted(made, cell, layer)
        total = expected.counts.sum() + expected.zeros
        bars = [*expected.counts[expected.shown], expected.zeros]
        cuts = made.all("text", "cut", cell)
        assert len(cuts) <= 1
        heights = [height for *_, height in made.bars(cell)]
        zeros = [place(bar, "height") / 60 for bar in made.all("rect", "zeros", cell)]
        assert max([*heights, *zeros], default=1.0) == pytest.approx(1.0, abs=1e-3)
        second, first = sorted([0, *bars])[-2:]
        assert bool(cuts) == (first > 4 * second > 0)
        if cuts:
            assert number(cuts[0]) == pytest.approx(first / total, abs=0.0051)


@every_network
def test_what_the_axis_does_not_reach_is_told(name: str) -> None:
    made = picture_of(name)
    for cell, layer in with_histogram(name):
        expected = counted(made, cell, layer)
        total = expected.counts.sum() + expected.zeros
        beyond = {
            "←": expected.counts[expected.middles < expected.low].sum() / total,
            "→": expected.counts[expected.middles > expected.high].sum() / total,
        }
        told = {arrow: [text for text in made.texts(cell) if arrow in text] for arrow in beyond}
        for arrow, share in beyond.items():
            assert bool(told[arrow]) == (share >= 0.01)
            for text in told[arrow]:
                assert float(re.sub("[^0-9]", "", text)) / 100 == pytest.approx(share, abs=0.0101)


def test_a_network_that_explodes_runs_off_the_axis() -> None:
    arrows = [any("→" in text for text in picture_of("overflow").texts(cell)) for cell, _ in cells_of("overflow")]
    assert arrows[0] is False
    assert sum(arrows) > 20


@every_network
def test_a_layer_that_overflows_says_so(name: str) -> None:
    for cell, layer in cells_of(name):
        assert ("overflow" in picture_of(name).texts(cell)) == (layer.activation.histogram is MISSING)


def cell_name(cell: ET.Element) -> str:
    names = [text.text or "" for text in cell.iter(f"{SVG}text") if text.get("font-weight") == "bold"]
    return names[0].split()[0]


@every_network
def test_all_histograms_have_one_axis(name: str) -> None:
    axes = {
        tuple((place(tick, "x"), number(tick)) for tick in picture_of(name).all("text", "tick", cell))
        for cell in picture_of(name).cells()
    }
    assert len(axes) == 1
    assert len(next(iter(axes))) >= 2


@every_network
def test_each_verdict_is_named_where_it_is_found(name: str) -> None:
    layers = report_of(name).layers
    for cell, layer in cells_of(name):
        worst = layer.verdicts[0].code
        (sign,) = picture_of(name).all("g", "sign", cell)
        assert sign.get("class") == f"sign {worst}"
        assert worst.replace("_", " ") in picture_of(name).texts(cell)
    (listed,) = picture_of(name).all("g", "findings")
    codes = {verdict.code.replace("_", " ") for layer in layers for verdict in layer.verdicts}
    assert {words.partition(":")[0] for words in picture_of(name).texts(listed)} == codes


@every_network
def test_the_title_says_the_network_the_scheme_and_the_seed(name: str) -> None:
    words = " ".join(picture_of(name).texts()[:3])
    report = report_of(name)
    assert report.network is not MISSING
    for said in (
        f"{len(report.layers)} layer", f"of {report.network.activation},", f"{report.network.scheme}",
        f"seed {report.network.seed}", str(report.network.layers[0]), report.verdict.code.replace("_", " "),
    ):  # fmt: skip
        assert said in words


@every_network
def test_the_picture_is_whole_and_needs_nothing_else(name: str) -> None:
    made = picture(report_of(name))
    assert made == picture(report_of(name))
    root = picture_of(name).root
    assert {node.tag.removeprefix(SVG) for node in root.iter()} <= {
        "svg", "title", "desc", "g", "rect", "line", "path", "text", "polyline", "polygon", "circle",
    }  # fmt: skip
    attributes = {key for node in root.iter() for key in node.attrib}
    assert not {key for key in attributes if key.startswith("on") or key in ("style", "href")}
    values = {value for node in root.iter() for value in node.attrib.values()}
    assert not {value for value in values if re.search(r"\b(nan|inf)\b", value)}
    assert len(made) < 400_000


@every_network
def test_nothing_lies_outside_the_paper_and_no_labels_overlap(name: str) -> None:
    found = sorted(boxes(picture_of(name)), key=lambda box: box[1])
    width, height = (float(picture_of(name).root.get(side, "nan")) for side in ("width", "height"))
    for left, top, right, bottom, words in found:
        assert left >= 0, words
        assert top >= 0, words
        assert right <= width, words
        assert bottom <= height, words
    for index, (left, top, right, bottom, words) in enumerate(found):
        for other_left, other_top, other_right, other_bottom, other in found[index + 1 :]:
            if other_top >= bottom:
                break
            apart = other_left >= right or other_right <= left or other_bottom <= top
            assert apart, (words, other)


def boxes(picture: Drawn) -> list[tuple[float, float, float, float, str]]:
    """Return about where each line of text lies: left, top, right, bottom."""
    found: list[tuple[float, float, float, float, str]] = []

    def visit(node: ET.Element, x: float, y: float) -> None:
        if moved := re.fullmatch(r"translate\(([-\d.]+) ([-\d.]+)\)", node.get("transform", "")):
            x, y = x + float(moved[1]), y + float(moved[2])
        if node.tag == f"{SVG}text":
            size, words = float(node.get("font-size", "nan")), node.text or ""
            wide = 0.52 * size * len(words)  # Helvetica's or Arial's average
            left = x + place(node, "x") - wide * {"middle": 0.5, "end": 1.0}.get(node.get("text-anchor", ""), 0.0)
            base = y + place(node, "y")
            found.append((left, base - 0.75 * size, left + wide, base + 0.2 * size, words))
        for child in node:
            visit(child, x, y)

    visit(picture.root, 0.0, 0.0)
    return found


def test_missing_figures_are_marked_as_such() -> None:
    report, made = report_of("overflow"), picture_of("overflow")
    missing = sum(layer.activation.std is MISSING for layer in report.layers)
    assert 0 < missing < len(report.layers)
    for panel in ("activation-std", "shares"):
        marks = made.all("path", "absent", made.panel(panel))
        assert len(marks) == missing + 1  # and one in the legend
    assert "no figures: values overflowed float32" in made.texts(made.panel("gradient-std"))


def test_zero_on_a_logarithmic_axis_is_marked_as_such() -> None:
    made = picture_of("all constant")
    assert len(made.all("path", "zero", made.panel("activation-std"))) == 3 + 1
    assert "zero" in made.texts(made.panel("activation-std"))


def test_all_text_is_escaped() -> None:
    report = report_of("1 layer")
    bad = "<script>&\"'\x00\ud800]]>"
    verdict = Verdict(code="healthy", evidence=bad, advice=bad)
    layer = report.layers[0].model_copy(update={"name": bad, "verdicts": [verdict]})
    overall = report.verdict.model_copy(update={"advice": bad, "code": bad, "layer": bad})
    made = picture(report.model_copy(update={"layers": [layer], "verdict": overall}))
    assert b"<script" not in made
    texts = Drawn(ET.fromstring(made)).texts()
    shown = "<script>&\"'\ufffd\ufffd]]>"
    assert shown in texts
    assert f"{shown}: {shown}" in texts


def test_uploaded_weights_have_a_picture_too() -> None:
    report = report_of("5 layers")
    layers = [layer.model_copy(update={"scheme": "own"}) for layer in report.layers]
    made = drawn(report.model_copy(update={"network": MISSING, "layers": layers, "input": "own"}))
    assert made.texts()[0] == "5 layers of tanh, uploaded weights: saturated"


def test_marks_of_saturation_are_drawn_at_its_ends() -> None:
    made = picture_of("sigmoid")
    # y (1 - y) = 0.06 / 4
    ends = [(1 - np.sqrt(0.94)) / 2, (1 + np.sqrt(0.94)) / 2]
    for cell in made.cells():
        x = axis([(place(tick, "x"), number(tick)) for tick in made.all("text", "tick", cell)])
        marks = [x(place(mark, "x1")) for mark in made.all("line", "saturation", cell)]
        assert marks == pytest.approx(ends, abs=5e-4)


def test_unbounded_functions_have_no_marks_of_saturation() -> None:
    assert not picture_of("relu").all("line", "saturation")
    assert len(picture_of("sigmoid").all("line", "saturation")) == 5 * 2
