"""The parts of a picture: the table that the page reads too, scales and numbers."""

import re
from dataclasses import asdict

import httpx
import numpy as np
import pytest

from service.diagnosis.layer_figures import SATURATED_SLOPE
from service.diagnosis.picture.scales import Scale, log_label, log_range, percent, plain_label
from service.diagnosis.picture.svg import number as coordinate
from service.diagnosis.picture.table import BOUNDED, FIRST_LAYER, HISTOGRAMS, LINES, SIGNS
from service.diagnosis.verdicts import CODES
from service.numerics.activations import FUNCTIONS, Activation
from service.web.api.operations import STATIC

LAB = STATIC / "lab"


def test_every_verdict_has_a_sign_of_its_own() -> None:
    assert list(SIGNS) == list(CODES)
    # Without colour, the shape tells.
    assert len({(sign.body, sign.detail) for sign in SIGNS.values()}) == len(CODES)


def test_the_bounded_functions_of_the_table_are_those_that_saturate() -> None:
    assert set(BOUNDED) == {name for name, function in FUNCTIONS.items() if function.largest_slope is not None}


@pytest.mark.parametrize("name", BOUNDED)
def test_limits_are_where_a_function_ends_and_flat_is_where_its_slope_is_small(name: str) -> None:
    function = FUNCTIONS[Activation(name)]
    assert function.largest_slope is not None
    assert BOUNDED[name].limits == tuple(function.value(np.array([-np.inf, np.inf])))
    inputs = np.linspace(-8, 8, 160_001)
    is_flat = function.slope(inputs) < SATURATED_SLOPE * function.largest_slope
    changes = np.flatnonzero(is_flat[1:] != is_flat[:-1])
    assert BOUNDED[name].flat == pytest.approx(function.value(inputs[changes]).tolist(), abs=2e-4)


def test_the_page_reads_the_table_that_the_picture_reads(client: httpx.Client) -> None:
    answer = client.get("/static/lab/drawing.json")
    assert answer.headers["content-type"] == "application/json"  # as a browser wants modules to be labelled
    served = answer.json()
    assert {code: asdict(sign) for code, sign in SIGNS.items()} == served["signs"]
    assert {name: asdict(line) for name, line in LINES.items()} == served["lines"]
    assert (asdict(HISTOGRAMS), FIRST_LAYER) == (served["histograms"], served["first_layer"])
    drawing = client.get("/diagnose.svg?layers=20,20,20&activation=tanh&scheme=fixed&std=1&seed=1").text
    sign, line = served["signs"]["saturated"], served["lines"]["measured"]
    assert f'd="{sign["body"]}" fill="{sign["light"]}"' in drawing
    assert f'stroke="{line["light"]}"' in drawing


def test_the_page_has_no_colours_or_signs_of_its_own() -> None:
    # looks.js tells lanes apart, of which a drawing has one.
    others = {"d3.min.js", "looks.js"}
    scripts = {path.name: path.read_text(encoding="utf-8") for path in LAB.glob("*.js") if path.name not in others}
    assert 'from "./drawing.json"' in scripts["drawing.js"]
    for name, script in scripts.items():
        assert not re.search("#[0-9a-fA-F]{6}", script), name
    style = (LAB / "lab.css").read_text(encoding="utf-8")
    for name in LINES:
        assert f"--{name}:" not in style
    for code in SIGNS:
        assert f".mark.{code}" not in style


LABELS = {0.001: "0.001", 1e-5: "10⁻⁵", 2e4: "2·10⁴", 1e28: "10²⁸", 500: "500", 0.2: "0.2"}


@pytest.mark.parametrize(("value", "label"), LABELS.items())
def test_ticks_are_written_short(value: float, label: str) -> None:
    assert log_label(value) == label


def test_numbers_are_written_short() -> None:
    assert [plain_label(value) for value in (-0.5, 3e28, 1e-8, 100000)] == ["−0.5", "3e28", "1e−8", "100000"]
    assert [percent(share) for share in (0, 0.001, 0.5, 0.999, 1)] == ["0 %", "1 %", "50 %", "99 %", "100 %"]
    assert [coordinate(value) for value in (-0.001, 10, 0.125, 100.5, -3.0)] == ["0", "10", "0.12", "100.5", "-3"]


@pytest.mark.parametrize("values", [[1e-300], [1e300, 1e-300], [0.3], [0.0], [5, 50], [1e-45, 3e38], [9.99, 10.01]])
def test_an_axis_has_a_few_ticks_whatever_it_shows(values: list[float]) -> None:
    scale = Scale(*log_range(values), 130.0, 0.0, is_log=True)
    ticks = scale.ticks(6)
    assert 2 <= len(ticks) <= 9
    assert ticks == sorted(set(ticks))
    assert all(0 <= scale.place(value) <= 130 for value in (*ticks, *(value for value in values if value > 0)))
