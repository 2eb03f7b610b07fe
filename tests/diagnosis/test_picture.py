"""The picture says what the report says: its bars and points, read back through its axes, are the figures."""

import itertools
import math
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from service.diagnosis.messages import Message
from service.diagnosis.picture.bars import MOST_CELLS, Axis, common_axis
from service.diagnosis.picture.picture import picture
from service.diagnosis.report import LayerReport, OverallVerdict, Report
from service.diagnosis.verdicts import HEALTHY
from tests.diagnosis.pictures import SVG, Drawn, drawn, number, place
from tests.diagnosis.reports import diagnosed, equal_layers

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
CURVES: dict[tuple[str, str], Callable[[LayerReport], float | None]] = {
    ("activation-std", "measured"): lambda layer: layer.activation.std,
    ("activation-std", "theory"): lambda layer: layer.theory.std,
    ("gradient-std", "measured"): lambda layer: layer.gradient.std,
    ("gradient-std", "theory going back"): lambda layer: layer.theory.gradient_ratio,
    ("shares", "dead nodes"): lambda layer: layer.nodes.dead_share,
    ("shares", "saturated activations"): lambda layer: layer.saturated_share,
    ("effective-rank", "effective rank"): lambda layer: layer.nodes.effective_rank,
    ("effective-rank", "width"): lambda layer: layer.width,
}

every_network = pytest.mark.parametrize("name", NETWORKS)


@cache
def report_of(name: str) -> Report:
    return diagnosed(NETWORKS[name])


@cache
def picture_of(name: str) -> Drawn:
    return drawn(report_of(name))


@every_network
@pytest.mark.parametrize(("panel", "curve"), CURVES, ids=[" ".join(names) for names in CURVES])
def test_the_points_are_the_figures(name: str, panel: str, curve: str) -> None:
    figure = CURVES[panel, curve]
    figures = {number: figure(layer) for number, layer in enumerate(report_of(name).layers, 1)}
    known = {number: value for number, value in figures.items() if value is not None}
    last = report_of(name).layers[-1].gradient.std
    if "going back" in curve:
        known = {} if last is None else {number: ratio * last for number, ratio in known.items()}
    if panel != "shares":
        known = {number: value for number, value in known.items() if value > 0}
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
def test_gradients_have_a_band_where_theory_bounds_them(name: str) -> None:
    layers = report_of(name).layers
    last = layers[-1].gradient.std
    if last is None:
        assert not picture_of(name).all("polygon", "band", picture_of(name).panel("gradient-std"))
        return
    corners = picture_of(name).band("gradient-std")
    highs = [layer.theory.gradient_ratio_high for layer in layers]
    bounded = [high * last for high in highs if high and last]
    assert len(corners) == (2 * len(bounded) + 4 if bounded else 0)
    if bounded:
        assert max(value for _, value in corners) == pytest.approx(max(bounded), rel=0.02)


@every_network
def test_the_band_is_what_theory_bounds(name: str) -> None:
    theories = [layer.theory for layer in report_of(name).layers]
    corners = picture_of(name).band("activation-std")
    bounded = [theory for theory in theories if theory.std_high is not None and theory.std_high > 0]
    # One corner up and one down for each layer, and two beyond each end.
    assert len(corners) == (2 * len(bounded) + 4 if bounded else 0)
    upper, lower = corners[: len(corners) // 2], corners[: len(corners) // 2 - 1 : -1]
    for edge, bound in ((upper, "std_high"), (lower, "std_low")):
        expected = [getattr(theory, bound) for theory in bounded]
        expected = [*expected[:1], *expected, *expected[-1:]]
        spread = np.ptp(np.log10(np.abs([value for _, value in corners]))) if corners else 0.0
        assert [value for _, value in edge] == pytest.approx(expected, rel=1e-3 * (spread + 2))


def shares_on(axis: Axis, layer: LayerReport) -> list[float]:
    """Return the share of a layer's values before a picture's axis, in each of 40 bins, and past the axis."""
    histogram = layer.activation.histogram
    assert histogram is not None
    total = sum(histogram.counts)
    zeros = (layer.activation.zero_share or 0.0) if axis.low <= 0 <= axis.high else 0.0
    ends = np.linspace(axis.low, axis.high, 41).tolist()
    places = list(itertools.pairwise([-math.inf, *ends, math.inf]))
    shares = [0.0] * len(places)
    for count, (low, high) in zip(histogram.counts, itertools.pairwise(histogram.edges), strict=True):
        has_zero = low <= 0 < high or 0 == high == histogram.edges[-1]
        others = count / total - (zeros if has_zero else 0.0)
        for index, (left, right) in enumerate(places):
            shares[index] += others * max(0.0, min(high, right) - max(low, left)) / (high - low)
    shares[max(index for index, (left, _) in enumerate(places[:-1]) if left <= 0)] += zeros
    return shares


def cells_of(name: str) -> list[tuple[ET.Element, LayerReport]]:
    layers = report_of(name).layers
    cells = picture_of(name).cells()
    assert len(cells) == min(len(layers), MOST_CELLS)
    return [(cell, layers[int(cell_name(cell).removeprefix("layer ")) - 1]) for cell in cells]


def with_histogram(name: str) -> list[tuple[ET.Element, LayerReport]]:
    return [(cell, layer) for cell, layer in cells_of(name) if layer.activation.histogram is not None]


@every_network
def test_the_bars_are_the_shares_of_the_report(name: str) -> None:
    axis = common_axis(report_of(name).layers)
    cells = [(picture_of(name).bars(cell), shares_on(axis, layer)[1:-1]) for cell, layer in with_histogram(name)]
    # A share of 15 % takes the whole height, or the tallest bar of all, if that is lower.
    highest = min(0.15, max((max(shares) for _, shares in cells), default=0.15))
    for bars, shares in cells:
        starts = [start for start, *_ in bars]
        assert starts == pytest.approx(np.linspace(axis.low, axis.high, 41)[:-1], abs=1e-3 * (axis.high - axis.low))
        heights = [height for *_, height in bars]
        assert heights == pytest.approx([min(share / highest, 1.0) for share in shares], abs=2e-4)


@every_network
def test_what_the_axis_does_not_reach_is_named(name: str) -> None:
    for cell, layer in with_histogram(name):
        before, *_, past = shares_on(common_axis(report_of(name).layers), layer)
        for arrow, share in {"←": before, "→": past}.items():
            labels = [text for text in picture_of(name).texts(cell) if arrow in text]
            assert bool(labels) == (share >= 0.01)
            for label in labels:
                assert float(re.sub("[^0-9]", "", label)) / 100 == pytest.approx(share, abs=0.0101)


AXES = {
    "sigmoid": (0, 1),
    "50 layers": (0, 6),
    # Twice as far as the first layer, all others of which explode.
    "overflow": (0, 2 * 6.3 * 2.33),
    "huge": (-2 * 3.16e11 * 2.33, 2 * 3.16e11 * 2.33),
}


@pytest.mark.parametrize(("name", "ends"), AXES.items(), ids=AXES)
def test_the_axis_follows_bounds_and_the_first_layer(name: str, ends: tuple[float, float]) -> None:
    bars = picture_of(name).bars(picture_of(name).cells()[0])
    # Quantiles at 1 % and 99 % of a few thousand values, of nodes whose weights vary.
    assert (bars[0][0], bars[-1][1]) == pytest.approx(ends, rel=0.2, abs=0.002)


def test_a_network_that_explodes_runs_off_the_axis() -> None:
    arrows = [any("→" in text for text in picture_of("overflow").texts(cell)) for cell, _ in cells_of("overflow")]
    assert arrows[0] is False
    assert sum(arrows) > 20


@every_network
def test_a_layer_that_overflows_says_so(name: str) -> None:
    for cell, layer in cells_of(name):
        assert ("overflow" in picture_of(name).texts(cell)) == (layer.activation.histogram is None)


def cell_name(cell: ET.Element) -> str:
    names = [text.text or "" for text in cell.iter(f"{SVG}text") if text.get("font-weight") == "bold"]
    return names[0].partition(" (")[0]


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
    assert report.network is not None
    for said in (
        f"{len(report.layers)} layer", f"of {report.network.activation},", f"{report.network.scheme}",
        f"seed {report.network.seed}", str(report.network.layers[0]), report.verdict.code.replace("_", " "),
    ):  # fmt: skip
        assert said in words


@every_network
def test_the_picture_is_whole_and_needs_nothing_else(name: str) -> None:
    svg = picture(report_of(name))
    assert svg == picture(report_of(name))
    root = picture_of(name).root
    assert {node.tag.removeprefix(SVG) for node in root.iter()} <= {
        "svg", "title", "desc", "g", "rect", "line", "path", "text", "polyline", "polygon", "circle",
    }  # fmt: skip
    attributes = {key for node in root.iter() for key in node.attrib}
    assert not {key for key in attributes if key.startswith("on") or key in ("style", "href")}
    values = {value for node in root.iter() for value in node.attrib.values()}
    assert not {value for value in values if re.search(r"\b(nan|inf)\b", value)}
    assert len(svg) < 400_000


@every_network
def test_nothing_lies_outside_the_paper_and_no_labels_overlap(name: str) -> None:
    lines = sorted(boxes(picture_of(name)), key=lambda box: box[1])
    width, height = (float(picture_of(name).root.get(side, "nan")) for side in ("width", "height"))
    for left, top, right, bottom, words in lines:
        assert left >= 0, words
        assert top >= 0, words
        assert right <= width, words
        assert bottom <= height, words
    for index, (left, top, right, bottom, words) in enumerate(lines):
        for other_left, other_top, other_right, other_bottom, other in lines[index + 1 :]:
            if other_top >= bottom:
                break
            apart = other_left >= right or other_right <= left or other_bottom <= top
            assert apart, (words, other)


def boxes(picture: Drawn) -> list[tuple[float, float, float, float, str]]:
    """Return about where each line of text lies: left, top, right, bottom."""
    lines: list[tuple[float, float, float, float, str]] = []

    def visit(node: ET.Element, x: float, y: float) -> None:
        if moved := re.fullmatch(r"translate\(([-\d.]+) ([-\d.]+)\)", node.get("transform", "")):
            x, y = x + float(moved[1]), y + float(moved[2])
        if node.tag == f"{SVG}text":
            size, words = float(node.get("font-size", "nan")), node.text or ""
            wide = 0.52 * size * len(words)  # Helvetica's or Arial's average
            left = x + place(node, "x") - wide * {"middle": 0.5, "end": 1.0}.get(node.get("text-anchor", ""), 0.0)
            base = y + place(node, "y")
            lines.append((left, base - 0.75 * size, left + wide, base + 0.2 * size, words))
        for child in node:
            visit(child, x, y)

    visit(picture.root, 0.0, 0.0)
    return lines


def test_missing_figures_are_marked_as_such() -> None:
    report, drawing = report_of("overflow"), picture_of("overflow")
    missing = sum(layer.activation.std is None for layer in report.layers)
    assert 0 < missing < len(report.layers)
    for panel in ("activation-std", "shares"):
        marks = drawing.all("path", "absent", drawing.panel(panel))
        assert len(marks) == missing + 1  # and one in the legend
    assert "no figures: values overflowed float32" in drawing.texts(drawing.panel("gradient-std"))


def test_zero_on_a_logarithmic_axis_is_marked_as_such() -> None:
    drawing = picture_of("all constant")
    assert len(drawing.all("path", "zero", drawing.panel("activation-std"))) == 3 + 1
    assert "zero" in drawing.texts(drawing.panel("activation-std"))


def test_all_text_is_escaped() -> None:
    report = report_of("1 layer")
    bad = "<script>&\"'\x00\ud800]]>"
    layer = replace(report.layers[0], name=bad, verdicts=(HEALTHY,))
    svg = picture(
        replace(report, layers=[layer], verdict=OverallVerdict(bad, 0, Message("advice.dead_layer", {"layer": bad})))
    )
    assert b"<script" not in svg
    drawing = Drawn(ET.fromstring(svg))
    shown = "<script>&\"'\ufffd\ufffd]]>"
    assert any(words.startswith(f"layer 1: Layer {shown} is 0") for words in drawing.texts())
    assert any(f"layer 1, {shown}: " in (hint.text or "") for hint in drawing.all("title"))


def test_uploaded_weights_have_a_picture_too() -> None:
    report = report_of("5 layers")
    layers = [replace(layer, scheme="own") for layer in report.layers]
    drawing = drawn(replace(report, network=None, layers=layers, input="own"))
    assert drawing.texts()[0] == "5 layers of tanh, uploaded weights: saturated"


def test_marks_of_saturation_are_drawn_at_its_ends() -> None:
    drawing = picture_of("sigmoid")
    # y (1 - y) = 0.06 / 4
    ends = [(1 - np.sqrt(0.94)) / 2, (1 + np.sqrt(0.94)) / 2]
    for cell in drawing.cells():
        x = drawing.values(cell)
        marks = [x(place(mark, "x1")) for mark in drawing.all("line", "saturation", cell)]
        assert marks == pytest.approx(ends, abs=5e-4)


def test_unbounded_functions_have_no_marks_of_saturation() -> None:
    assert not picture_of("relu").all("line", "saturation")
    assert len(picture_of("sigmoid").all("line", "saturation")) == 5 * 2
