"""What is drawn are the figures of the service, on axes that all initializations share."""

import math
import re
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from tests.lab.browsing import TEXTBOOK, Lab

COMPARED = f"{TEXTBOOK}&schemes=fixed:1,fixed:0.01,xavier,he"
SCHEMES = ("scheme=fixed&std=1", "scheme=fixed&std=0.01", "scheme=xavier", "scheme=he")


def reports(lab: Lab, query: str = TEXTBOOK) -> list[list[dict[str, Any]]]:
    """Return the layers of each initialization."""
    answers = [httpx.get(f"{lab.service.url}/diagnose?{query}&{scheme}", timeout=60) for scheme in SCHEMES]
    return [answer.json()["layers"] for answer in answers]


def ticks(lab: Lab, figure: str) -> dict[str, float]:
    """Return the height of each tick of a chart's vertical axis."""
    found: list[tuple[str, str]] = lab.get(f"#figure-{figure} .axis.up .tick").evaluate_all(
        "ticks => ticks.map(tick => [tick.textContent, tick.getAttribute('transform')])"
    )
    return {text: float(re.findall(r"[-\d.]+", transform)[1]) for text, transform in found}


def dots(lab: Lab, figure: str, lane: int) -> list[float]:
    """Return the heights of a lane's markers, from the first layer to the last."""
    places: list[str] = lab.get(f"#figure-{figure} .plot > .marker.lane-{lane}").evaluate_all(
        "markers => markers.map(marker => marker.getAttribute('transform'))"
    )
    # A marker is nine pixels high.
    return [float(re.findall(r"[-\d.]+", place)[1]) + 4.5 for place in places]


def power(text: str) -> float:
    """Return the exponent of a tick such as 0.01 or 10⁻⁸."""
    if not text.startswith("10") or text in ("10", "100"):
        return math.log10(float(text))
    return int(text[2:].translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")))


@pytest.mark.parametrize(("figure", "part"), [("activations", "activation"), ("gradients", "gradient")])
def test_points_stand_where_the_logarithmic_axis_has_their_figures(lab: Lab, figure: str, part: str) -> None:
    lab.open(COMPARED)
    (first, at_first), *_, (last, at_last) = ticks(lab, figure).items()
    decade = (at_last - at_first) / (power(last) - power(first))
    for lane, layers in enumerate(reports(lab)):
        read = [10 ** (power(first) + (height - at_first) / decade) for height in dots(lab, figure, lane)]
        assert read == pytest.approx([layer[part]["std"] for layer in layers], rel=0.02)


@pytest.mark.parametrize(
    ("figure", "name", "top"),
    [("dead", "dead_share", "100%"), ("saturated", "saturated_share", "100%"), ("rank", "effective_rank", "100")],
)
def test_points_stand_where_the_linear_axis_has_their_figures(lab: Lab, figure: str, name: str, top: str) -> None:
    lab.open(COMPARED)
    most = {"100%": 1.0, "100": 100.0}[top]
    axis = ticks(lab, figure)
    bottom = axis["0%" if "%" in top else "0"]
    for lane, layers in enumerate(reports(lab)):
        read = [most * (bottom - height) / (bottom - axis[top]) for height in dots(lab, figure, lane)]
        # A figure that does not exist has no point.
        assert read == pytest.approx([layer[name] for layer in layers if name in layer], abs=0.005 * most)


def test_theory_is_a_band_behind_the_measurement(lab: Lab) -> None:
    lab.open(COMPARED)
    for figure in ("activations", "gradients"):
        parts: list[str] = lab.get(f"#figure-{figure} .plot > path").evaluate_all(
            "paths => paths.map(path => path.getAttribute('class'))"
        )
        assert parts[:8] == [part for lane in range(4) for part in (f"band lane-{lane}", "theory")]


def test_lanes_differ_without_colour(lab: Lab) -> None:
    lab.open(COMPARED)
    looks = [
        lab.get(f"#figure-gradients .plot .curve.lane-{lane}").first.evaluate(
            "curve => getComputedStyle(curve).strokeDasharray"
        )
        for lane in range(4)
    ]
    markers = [lab.get(f"#figure-gradients .plot .marker.lane-{lane}").first.get_attribute("d") for lane in range(4)]
    assert len(set(looks)) == len(set(markers)) == 4


def test_axes_have_titles_and_no_letter_is_small(lab: Lab) -> None:
    lab.open(COMPARED)
    for figure in ("gradients", "activations", "saturated", "dead", "rank"):
        expect(lab.get(f"#figure-{figure} .axis-title")).to_have_count(2)
    sizes: list[float] = lab.get(".figure svg text").evaluate_all(
        "texts => texts.map(text => parseFloat(getComputedStyle(text).fontSize))"
    )
    assert min(sizes) >= 12


def test_zero_has_a_place_of_its_own_on_a_logarithmic_axis(lab: Lab) -> None:
    lab.open(f"{TEXTBOOK.replace('sigmoid', 'tanh')}&schemes=fixed:0,xavier")
    edge = float(lab.get("#figure-gradients .zero").get_attribute("y") or 0)
    expect(lab.get("#figure-gradients .zero-label")).to_have_text("0")
    heights = dots(lab, "gradients", 0)
    assert [height > edge for height in heights] == [True, True, True, True, False]
    assert all(height < edge for height in dots(lab, "gradients", 1))
    lab.get("[data-remove='0']").click()
    lab.wait()
    expect(lab.get("#figure-gradients .zero")).to_have_count(0)


def bars(lab: Lab, panel: int, layer: int) -> list[tuple[float, float, float]]:
    """Return the bars of a histogram: left, right, share of the highest that fits."""
    place = lab.get("#figure-histograms svg > g").nth(panel).locator(".bars")
    drawn = "".join(place.nth(2 * layer + kind).get_attribute("d") or "" for kind in (0, 1))
    found = re.findall(r"M([\d.]+),84V([\d.]+)H([\d.]+)V84Z", drawn)
    return [(float(left), float(right), (84 - float(top)) / 84) for left, top, right in found]


def test_bars_are_the_shares_of_values(lab: Lab) -> None:
    lab.open(COMPARED)
    whole = 0
    for panel, layers in enumerate(reports(lab)):
        for index, layer in enumerate(layers):
            drawn = bars(lab, panel, index)
            shares = [0.15 * height for _, _, height in drawn]
            if max(shares) == pytest.approx(0.15):
                assert 0 < sum(shares) < 1  # cut
                continue
            whole += 1
            assert sum(shares) == pytest.approx(1, abs=0.005)
            # 40 bins go from 0 to 1, three pixels from the left.
            axis = 40 * (drawn[0][1] - drawn[0][0])
            mean = sum(
                share * ((left + right) / 2 - 3) / axis for (left, right, _), share in zip(drawn, shares, strict=True)
            )
            assert mean == pytest.approx(layer["activation"]["mean"], abs=0.01)
    assert whole >= 5


def test_the_zeros_of_relu_are_one_bar_however_wide_the_bins_of_the_service(lab: Lab) -> None:
    query = "layers=100,100,100&activation=relu&seed=1"
    lab.open(f"{query}&schemes=he,fixed:2")
    layer = httpx.get(f"{lab.service.url}/diagnose?{query}&scheme=fixed&std=2", timeout=60).json()["layers"][0]
    edges = layer["activation"]["histogram"]["edges"]
    _, *others = (share for _, _, share in bars(lab, 1, 0))
    # Beside them stands what the first bin of the service holds above 0, at most.
    assert edges[1] - edges[0] > 1
    assert sum(others) * 0.15 < 1 - layer["zero_share"]
    assert others[0] < 0.1


def test_saturated_values_are_marked_where_the_function_is_flat(lab: Lab) -> None:
    lab.open(COMPARED)
    saturated = lab.get("#figure-histograms .bars.saturated")
    # std 1 has a bar at each bound in every layer, std 0.01 none.
    lengths = saturated.evaluate_all("paths => paths.map(path => (path.getAttribute('d').match(/M/g) ?? []).length)")
    assert lengths[:10] == [2] * 5 + [0] * 5
    expect(lab.get("#figure-histograms .bound")).to_have_count(4 * 5 * 2)
    lab.get("#activation").select_option("relu")
    lab.wait()
    expect(lab.get("#figure-histograms .bound")).to_have_count(0)


def test_all_histograms_have_one_axis(lab: Lab) -> None:
    lab.open(COMPARED)
    axes = lab.get("#figure-histograms .axis").evaluate_all("axes => axes.map(axis => axis.textContent)")
    assert len(axes) == 20
    assert set(axes) == {"00.51"}


def test_values_beyond_the_axis_are_counted(lab: Lab) -> None:
    # The axis ends at ±6, and of N(0, 20²) 76 % lie beyond.
    lab.open("layers=100,100,100&activation=identity&seed=1&schemes=xavier,fixed:2")
    panels = lab.get("#figure-histograms svg > g").nth(1)
    expect(panels).to_contain_text("76% beyond")


def test_a_figure_that_does_not_exist_is_a_mark_of_its_own(lab: Lab) -> None:
    lab.open("layers=100,100,100,100,100,100&activation=identity&seed=1&schemes=xavier,fixed:1e12")
    expect(lab.get("#figure-histograms")).to_contain_text("no values")
    expect(lab.get("#figure-gradients path.absent")).to_have_count(5)


def test_every_layer_has_its_verdicts_as_mark_and_word(lab: Lab) -> None:
    lab.open(COMPARED)
    for panel, layers in enumerate(reports(lab)):
        places = lab.get("#figure-histograms svg > g").nth(panel).locator("> g:nth-of-type(2) > g")
        for index, layer in enumerate(layers):
            marks = places.nth(index).locator(".mark").evaluate_all("marks => marks.map(mark => mark.classList[1])")
            assert marks == [verdict["code"] for verdict in layer["verdicts"]]
            word = lab.evaluate(
                "([code]) => import('/static/lab/en.js').then(module => module.default[code])", marks[:1]
            )
            expect(places.nth(index)).to_contain_text(word)


def test_no_two_verdicts_have_one_shape_or_one_word(lab: Lab) -> None:
    lab.open()
    marks: list[str] = lab.get("#legend .mark").evaluate_all(
        "marks => marks.map(mark => [...mark.children].map(path => path.getAttribute('d')).join())"
    )
    assert len(set(marks)) == len(marks) == 12
    words = lab.get("#legend dt").all_text_contents()
    assert len(set(words)) == len(words) == 12


def test_signs_and_colours_are_those_of_the_picture(lab: Lab) -> None:
    lab.page.emulate_media(color_scheme="light")
    lab.open(COMPARED)
    drawing = httpx.get(f"{lab.service.url}/diagnose.svg?{TEXTBOOK}&{SCHEMES[0]}", timeout=60).text
    look = "mark => [mark.firstChild.getAttribute('d'), getComputedStyle(mark.firstChild).fill]"
    shape, colour = lab.get("#legend .mark.saturated").evaluate(look)
    assert f'd="{shape}" fill="{hexadecimal(colour)}"' in drawing
    bar = lab.get("#figure-histograms .bars").first.evaluate("bars => getComputedStyle(bars).fill")
    assert f'fill="{hexadecimal(bar)}"' in drawing


def hexadecimal(colour: str) -> str:
    """Return rgb(0, 114, 178) as #0072b2."""
    return "#" + "".join(f"{int(part):02x}" for part in re.findall(r"\d+", colour))


def test_pointing_gives_figures_and_a_click_all_numbers(lab: Lab) -> None:
    lab.open(COMPARED)
    layer = reports(lab)[1][2]
    lab.get("#figure-histograms .hit[data-at='1:2']").hover()
    expect(lab.get("#tip")).to_contain_text("Layer 3 of std 0.01")
    expect(lab.get("#tip")).to_contain_text(f"{layer['activation']['std']:.3g}")
    expect(lab.get(".hit.on")).to_have_count(6)
    lab.get("#figure-histograms .hit[data-at='1:2']").click()
    dialog = lab.get("dialog[open]")
    expect(dialog).to_contain_text(layer["verdicts"][0]["evidence"])
    rows = dialog.locator("tr").evaluate_all("rows => rows.map(row => [...row.cells].map(cell => cell.textContent))")
    shown = dict(rows)
    assert float(shown["Std of gradients"]) == pytest.approx(layer["gradient"]["std"], rel=0.005)
    assert float(shown["Effective rank"]) == pytest.approx(layer["effective_rank"], rel=0.005)
    assert len(shown) == 27


def test_deep_networks_wrap_inside_their_picture(lab: Lab) -> None:
    lab.open(f"layers={','.join(['100'] * 51)}&activation=relu&seed=1&scheme=he&samples=100")
    assert len(lab.hits()) == 50
    drawing = lab.get("#figure-histograms .drawing")
    assert drawing.evaluate("drawing => drawing.scrollWidth <= drawing.clientWidth")
    tops: list[float] = lab.get("#figure-histograms .cell").evaluate_all(
        "cells => cells.map(cell => cell.getBoundingClientRect().top)"
    )
    assert 3 <= len(set(tops)) <= 5


def test_values_that_are_all_but_0_are_inside_the_axis(lab: Lab) -> None:
    # Once "50% →" was said of values of 1e-19, half of which rounding had put beyond a bin's edge.
    lab.open("layers=100,100,100,100&activation=identity&seed=1&schemes=xavier,fixed:1e-8")
    assert "beyond" not in (lab.get("#figure-histograms svg > g").nth(1).text_content() or "")


def test_cut_bars_have_marks_and_numbers_and_the_caption_says_so_only_then(lab: Lab) -> None:
    lab.open(COMPARED)
    expect(lab.get("#figure-histograms .caption")).to_contain_text("cut at 15%")
    assert lab.get("#figure-histograms .cut").count() > 0
    first = lab.get("#figure-histograms svg > g").first
    share = reports(lab)[0][0]["activation"]["histogram"]
    # 50 bins of the service's make 40 of the page's: the first holds one and a quarter.
    expected_share = (share["counts"][0] + share["counts"][1] / 4) / sum(share["counts"])
    assert float((first.locator(".cut-share").first.text_content() or "").strip("%")) == pytest.approx(
        100 * expected_share, rel=0.05
    )
    lab.open(f"{TEXTBOOK.replace('sigmoid', 'tanh')}&scheme=xavier")
    expect(lab.get("#figure-histograms .cut")).to_have_count(0)
    expect(lab.get("#figure-histograms .caption")).not_to_contain_text("cut")


@pytest.mark.parametrize(("kind", "std"), [("weights", "weight"), ("gradients", "gradient")])
def test_weights_and_gradients_have_histograms_too(lab: Lab, kind: str, std: str) -> None:
    lab.open(COMPARED)
    lab.get(f"[name=histogram-kind][value={kind}]").check()
    expect(lab.get("#figure-histograms h2")).to_have_text(f"Distribution of {kind}")
    for panel, layers in enumerate(reports(lab)):
        drawn = bars(lab, panel, 0)
        width = sum(right - left for left, right, _ in drawn) / len(drawn)
        reach = 3 * max(layer[std]["std"] for layer in layers)
        middle = 3 + 20 * width
        weight = sum(height for _, _, height in drawn)
        spread = math.sqrt(sum(h * ((left + right) / 2 - middle) ** 2 for left, right, h in drawn) / weight)
        read = spread * reach / (20 * width)
        # Bars beyond three standard deviations are missing; those that are cut leave nothing to read.
        if max(height for _, _, height in drawn) < 1:
            assert read == pytest.approx(layers[0][std]["std"], rel=0.1)
