"""The guided cases: what each claims is so in the figures of the service, and its picture is there to look at."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, expect

from harness.running import Service
from tests.lab.browsing import SCREENSHOTS, Lab, reading

CASES = ("zeros", "large", "small", "xavier", "he", "deep", "batch", "learning", "orthogonal")
SECONDS_TO_TRAIN = 600
Layers = list[dict[str, Any]]


def served(lab: Lab) -> list[Layers]:
    """Return the layers of each lane, from the URLs that the page asked."""
    names = lab.get("#figure-gradients .hit[data-at$=':0']").count()
    urls = [url for url in dict.fromkeys(lab.asked) if "/diagnose?" in url]
    assert len(urls) == names
    return [httpx.get(url, timeout=60).json()["layers"] for url in sorted(urls, key=place_in(lab))]


def place_in(lab: Lab) -> Callable[[str], int]:
    """Return where the lane of a diagnosis stands in the address."""
    lanes: list[str] = parse_qs(urlsplit(lab.page.url).query, separator="&")["schemes"][0].split(",")

    def place(url: str) -> int:
        said = {name: value[0] for name, value in parse_qs(urlsplit(url).query).items()}
        name = f"fixed:{said['std']}" if said["scheme"] == "fixed" else said["scheme"]
        return lanes.index(name + (";normalization:batch" if said.get("normalization") == "batch" else ""))

    return place


def first_ratio(layers: Layers) -> float:
    """Return the gradient of the first layer by that of the last."""
    ratio: float = layers[0]["gradient"]["ratio"]
    return ratio


def check_zeros(lanes: list[Layers]) -> None:
    zeros, xavier = lanes
    assert all(layer["gradient"]["weight_std"] == 0 for layer in zeros)
    assert all(layer["gradient"]["std"] == 0 for layer in zeros[:-1])
    assert all(layer["gradient"]["weight_std"] > 0 for layer in xavier)


def check_large(lanes: list[Layers]) -> None:
    large, xavier = lanes
    assert all(layer["saturated_share"] > 0.5 for layer in large)
    assert all(layer["saturated_share"] < 0.1 for layer in xavier)


def check_small(lanes: list[Layers]) -> None:
    small, xavier = lanes
    assert first_ratio(small) < 1e-6
    assert first_ratio(xavier) > 1e-3
    assert all(layer["activation"]["std"] < 0.05 and abs(layer["activation"]["mean"] - 0.5) < 0.05 for layer in small)


def check_xavier(lanes: list[Layers]) -> None:
    large, small, xavier = lanes
    assert xavier[-1]["activation"]["std"] > 0.3
    assert xavier[-1]["saturated_share"] < 0.1 < large[-1]["saturated_share"]
    assert small[-1]["activation"]["std"] < 1e-3


def check_he(lanes: list[Layers]) -> None:
    small, xavier, he = lanes
    assert all(0.5 < layer["gradient"]["ratio"] < 2 for layer in he)
    assert first_ratio(small) < 1e-3
    # √½ a layer, over four layers.
    assert first_ratio(xavier) == pytest.approx(0.25, rel=0.3)


def check_deep(lanes: list[Layers]) -> None:
    fixed, xavier, he = lanes
    assert first_ratio(xavier) < 1e-6
    assert first_ratio(fixed) > 1e6
    assert 0.1 < first_ratio(he) < 10


def check_batch(lanes: list[Layers]) -> None:
    large, small, *normalized = lanes
    assert large[-1]["activation"]["std"] > 1e3
    assert small[-1]["activation"]["std"] < 1e-3
    for one, other in zip(*normalized, strict=True):
        assert one["activation"]["std"] == pytest.approx(other["activation"]["std"], rel=0.1)
        # relu of N(0, 1): the root of 1/2 - 1/(2π).
        assert one["activation"]["std"] == pytest.approx(0.584, rel=0.1)


def check_learning(lanes: list[Layers]) -> None:
    large, small, xavier, he = lanes
    assert large[-1]["activation"]["std"] > 1e3
    assert first_ratio(small) < 1e-3
    assert 0.5 < first_ratio(he) / first_ratio(xavier) / 4 < 4


def check_orthogonal(lanes: list[Layers]) -> None:
    xavier, orthogonal = lanes
    assert xavier[-1]["effective_rank"] < 10
    # The inputs' own: 1,000 samples of 100 independent nodes leave 91 of 100.
    assert orthogonal[-1]["effective_rank"] > 85
    assert first_ratio(orthogonal) == pytest.approx(1, rel=1e-3)


@pytest.mark.parametrize("locale", ["en-US", "ja-JP"])
@pytest.mark.parametrize("case", CASES)
def test_a_case_claims_what_is_so(browser: Browser, service: Service, case: str, locale: str) -> None:
    with reading(browser, service, locale=locale, viewport={"width": 1440, "height": 900}) as lab:
        lab.open(f"case={case}")
        expect(lab.get("#cases [aria-current]")).to_have_attribute("data-case", case)
        text = lab.get("#case-text").text_content() or ""
        assert text.count("。" if locale == "ja-JP" else ". ") + (locale != "ja-JP") >= 3
        if locale == "en-US":
            globals()[f"check_{case}"](served(lab))
        if case == "learning":
            expect(lab.get("#learning-words li")).to_have_count(4, timeout=1000 * SECONDS_TO_TRAIN)
        # No name of a lane is shortened.
        assert not [name for name in lab.get(".figure text.lane").all_text_contents() if "…" in name]
        picture = lab.get("#stage svg").bounding_box()
        assert picture is not None
        assert picture["y"] + min(picture["height"], 300) < 900
        lab.page.screenshot(path=SCREENSHOTS / f"case-{case}-{locale[:2]}.png")


def test_four_starts_learn_as_the_service_says(lab: Lab) -> None:
    lab.open("case=learning&steps=400")
    expect(lab.get("#learning-words li")).to_have_count(4, timeout=1000 * SECONDS_TO_TRAIN)
    codes = lab.get("#learning-words li").evaluate_all("items => items.map(item => item.dataset.code)")
    assert (codes[0], codes[1], codes[3]) == ("diverged", "stuck", "learned")
    query = "layers=64,100,100,100,100,100,10&activation=relu&output_activation=identity&seed=1&data=digits&steps=400"
    points = httpx.get(f"{lab.service.url}/learn?{query}&scheme=he", timeout=SECONDS_TO_TRAIN).json()["points"]
    path = lab.get("#figure-learning .curve.lane-3").last.get_attribute("d") or ""
    assert path.count("L") == len(points) - 1
    heights = [float(pair.split(",")[1]) for pair in path.removeprefix("M").split("L")]
    bottom = heights[0] / (1 - points[0]["test_accuracy"])
    assert heights == pytest.approx([bottom * (1 - point["test_accuracy"]) for point in points], abs=0.02 * bottom)


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1024, 768), (390, 844)])
@pytest.mark.parametrize("locale", ["en-US", "ja-JP"])
def test_question_sentence_and_picture_are_on_the_first_screen(
    browser: Browser, service: Service, width: int, height: int, locale: str
) -> None:
    with reading(browser, service, locale=locale, viewport={"width": width, "height": height}) as lab:
        lab.open()
        lab.page.screenshot(path=SCREENSHOTS / f"first-{width}-{locale[:2]}.png")
        for selector in ("h1", ".lead-in", "#stage svg"):
            box = lab.get(selector).bounding_box()
            assert box is not None
            assert box["y"] >= 0
            assert box["y"] + box["height"] <= height, selector


def test_one_key_walks_through_the_cases(lab: Lab) -> None:
    lab.open()
    for case in CASES[:3]:
        lab.page.keyboard.press("ArrowRight")
        expect(lab.get("#cases [aria-current]")).to_have_attribute("data-case", case)
        assert f"case={case}" in lab.page.url
    lab.page.keyboard.press("ArrowLeft")
    expect(lab.get("#cases [aria-current]")).to_have_attribute("data-case", CASES[1])
    # In a field, arrows are the field's.
    lab.get("#seed").focus()
    lab.page.keyboard.press("ArrowRight")
    expect(lab.get("#cases [aria-current]")).to_have_attribute("data-case", CASES[1])


def test_a_case_that_is_changed_is_none_any_more(lab: Lab) -> None:
    lab.open("case=he")
    lab.get("#activation").select_option("tanh")
    lab.wait()
    expect(lab.get("#cases [aria-current]")).to_have_count(0)
    assert "case=" not in lab.page.url


def test_nothing_jumps_when_lanes_arrive(lab: Lab) -> None:
    lab.page.add_init_script(
        "window.jumps = 0; new PerformanceObserver(list => { for (const entry of list.getEntries()) "
        "if (!entry.hadRecentInput) window.jumps += entry.value; }).observe({ type: 'layout-shift', buffered: true });"
    )
    lab.open()
    # Good by https://web.dev/articles/cls.
    assert lab.evaluate("window.jumps") < 0.1


def test_the_slider_moves_a_std(lab: Lab) -> None:
    lab.open("layers=30,20,10&activation=relu&seed=1&schemes=fixed:0.01,he&samples=50")
    before = lab.hits("gradients")
    lab.get("#std-slider").focus()
    lab.page.keyboard.press("End")
    expect(lab.get("#std-value")).to_have_text("10")
    expect(lab.get("#status")).to_contain_text("std 10:")
    after = lab.hits("gradients")
    assert after[:2] != before[:2]
    assert after[2:] == before[2:]
    assert "schemes=fixed:10,he" in lab.page.url
    lab.page.go_back()
    expect(lab.get("#std-value")).to_have_text("0.01")
