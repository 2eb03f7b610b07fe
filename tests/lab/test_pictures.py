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
    answers = [httpx.get(f"{lab.service.url}/diagnose?{query}&{scheme}") for scheme in SCHEMES]
    return [answer.json()["layers"] for answer in answers]


def ticks(lab: Lab, figure: str, panel: int) -> dict[str, float]:
    """Return the height of each tick of a panel's vertical axis."""
    axis = lab.get(f"#figure-{figure} svg > g").nth(panel).locator(".axis").last
    found: list[tuple[str, str]] = axis.locator(".tick").evaluate_all(
        "ticks => ticks.map(tick => [tick.textContent, tick.getAttribute('transform')])"
    )
    return {text: float(re.findall(r"[-\d.]+", transform)[1]) for text, transform in found}


def dots(lab: Lab, figure: str, panel: int, kind: str = "dot") -> list[float]:
    """Return the heights of a panel's points."""
    heights: list[str] = lab.get(f"#figure-{figure} svg > g:nth-of-type({panel + 1}) circle.{kind}").evaluate_all(
        "dots => dots.map(dot => dot.getAttribute('cy'))"
    )
    return [float(height) for height in heights]


def power(text: str) -> float:
    """Return the exponent of a tick such as 0.01 or 10⁻⁸."""
    if not text.startswith("10") or text in ("10", "100"):
        return math.log10(float(text))
    return int(text[2:].translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")))


@pytest.mark.parametrize(("figure", "part"), [("activations", "activation"), ("gradients", "gradient")])
def test_points_stand_where_the_logarithmic_axis_has_their_figures(lab: Lab, figure: str, part: str) -> None:
    lab.open(COMPARED)
    axes = [ticks(lab, figure, panel) for panel in range(4)]
    assert all(axis == axes[0] for axis in axes)
    (first, at_first), *_, (last, at_last) = axes[0].items()
    decade = (at_last - at_first) / (power(last) - power(first))
    for panel, layers in enumerate(reports(lab)):
        read = [10 ** (power(first) + (height - at_first) / decade) for height in dots(lab, figure, panel)]
        assert read == pytest.approx([layer[part]["std"] for layer in layers], rel=0.01)


@pytest.mark.parametrize(
    ("figure", "kind", "name", "top"),
    [
        ("shares", "dot", "dead_share", "100%"), ("shares", "dot-second", "saturated_share", "100%"),
        ("rank", "dot", "effective_rank", "100"),
    ],
)  # fmt: skip
def test_points_stand_where_the_linear_axis_has_their_figures(
    lab: Lab, figure: str, kind: str, name: str, top: str
) -> None:
    lab.open(COMPARED)
    most = {"100%": 1.0, "100": 100.0}[top]
    for panel, layers in enumerate(reports(lab)):
        axis = ticks(lab, figure, panel)
        bottom = axis["0%" if "%" in top else "0"]
        read = [most * (bottom - height) / (bottom - axis[top]) for height in dots(lab, figure, panel, kind)]
        assert read == pytest.approx([layer[name] for layer in layers], abs=0.005 * most)


def test_theory_is_a_band_behind_the_measurement(lab: Lab) -> None:
    lab.open(COMPARED)
    for panel in range(4):
        parts: list[str] = lab.get(f"#figure-activations svg > g:nth-of-type({panel + 1}) path").evaluate_all(
            "paths => paths.map(path => path.getAttribute('class'))"
        )
        assert parts.index("band") < parts.index("measured")
    expect(lab.get("#figure-gradients path.theory")).to_have_count(4 + 1)  # the legend has one too


def bars(lab: Lab, panel: int, layer: int) -> list[tuple[float, float, float]]:
    """Return the bars of a histogram: left, right, share of the highest that fits."""
    place = lab.get("#figure-histograms svg > g").nth(panel).locator(".bars")
    drawn = "".join(place.nth(2 * layer + kind).get_attribute("d") or "" for kind in (0, 1))
    found = re.findall(r"M([\d.]+),76V([\d.]+)H([\d.]+)V76Z", drawn)
    return [(float(left), float(right), (76 - float(top)) / 76) for left, top, right in found]


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
    layer = httpx.get(f"{lab.service.url}/diagnose?{query}&scheme=fixed&std=2").json()["layers"][0]
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
    expect(lab.get("#figure-gradients path.absent")).to_have_count(5 + 1)
    expect(lab.get("#figure-gradients")).to_contain_text("no figure")


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
        "marks => marks.map(mark => mark.getAttribute('d') + mark.getAttribute('transform') + mark.matches('.hollow'))"
    )
    assert len(set(marks)) == len(marks) == 9
    words = lab.get("#legend dt").all_text_contents()
    assert len(set(words)) == len(words) == 9


def test_pointing_gives_figures_and_a_click_all_numbers(lab: Lab) -> None:
    lab.open(COMPARED)
    layer = reports(lab)[1][2]
    lab.get("#figure-histograms .hit[data-at='1:2']").hover()
    expect(lab.get("#tip")).to_contain_text("Layer 3 of std 0.01")
    expect(lab.get("#tip")).to_contain_text(f"{layer['activation']['std']:.3g}")
    expect(lab.get(".hit.on")).to_have_count(5)
    lab.get("#figure-histograms .hit[data-at='1:2']").click()
    dialog = lab.get("dialog[open]")
    expect(dialog).to_contain_text(layer["verdicts"][0]["evidence"])
    rows = dialog.locator("tr").evaluate_all("rows => rows.map(row => [...row.cells].map(cell => cell.textContent))")
    shown = dict(rows)
    assert float(shown["Std of gradients"]) == pytest.approx(layer["gradient"]["std"], rel=0.005)
    assert float(shown["Effective rank"]) == pytest.approx(layer["effective_rank"], rel=0.005)
    assert len(shown) == 24


def test_deep_networks_scroll_inside_their_picture(lab: Lab) -> None:
    lab.open(f"layers={','.join(['100'] * 51)}&activation=relu&seed=1&scheme=he&samples=100")
    assert len(lab.hits()) == 50
    scroll = lab.get("#figure-histograms .scroll")
    assert scroll.evaluate("scroll => scroll.scrollWidth > scroll.clientWidth")
    assert lab.evaluate("document.documentElement.scrollWidth <= innerWidth")
