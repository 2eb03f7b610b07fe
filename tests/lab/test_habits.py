"""The page can be used by everybody, waits well, fails well, and loads little, all of it from the service."""

import hashlib
import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Route, expect

from harness.running import ROOT, Service
from tests.lab.browsing import SCREENSHOTS, TEXTBOOK, Lab, reading

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
STATIC = ROOT / "service/web/static/lab"
MOST_BYTES = 350_000


def findings(lab: Lab) -> list[str]:
    """Return what axe-core finds serious, as rule and element."""
    lab.evaluate(AXE)
    found: list[dict[str, Any]] = lab.evaluate("axe.run().then(result => result.violations)")
    return [
        f"{rule['id']}: {node['html'][:150]}"
        for rule in found
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("locale", ["en-US", "ja-JP"])
@pytest.mark.parametrize("width", [1280, 375])
def test_axe_finds_nothing_serious(browser: Browser, service: Service, scheme: Any, locale: str, width: int) -> None:
    with reading(browser, service, color_scheme=scheme, locale=locale, viewport={"width": width, "height": 800}) as lab:
        lab.open()
        assert findings(lab) == []
        lab.get("#figure-histograms .hit").first.click()
        assert findings(lab) == []


def test_axe_finds_nothing_serious_in_a_failure(refused: Lab) -> None:
    refused.open(TEXTBOOK)
    refused.get("#layers").fill("0")
    refused.get("#layers").press("Enter")
    expect(refused.get("#layers-problem")).to_be_visible()
    assert findings(refused) == []


def test_axe_would_find_something(lab: Lab) -> None:
    lab.open()
    lab.evaluate("document.querySelector('label[for=layers]').remove()")
    assert any(finding.startswith("label:") for finding in findings(lab))


def test_the_keyboard_reaches_every_layer(lab: Lab) -> None:
    lab.open(f"{TEXTBOOK}&schemes=fixed:1,he")
    lab.get("[name=histogram-kind]").first.focus()
    # One stop for all layers of an initialization.
    lab.page.keyboard.press("Tab")
    lab.page.keyboard.press("Tab")
    focused = "document.activeElement.dataset.at"
    assert lab.evaluate(focused) == "1:0"
    for key, at in (
        ("ArrowRight", "1:1"),
        ("End", "1:4"),
        ("ArrowRight", "1:4"),
        ("ArrowLeft", "1:3"),
        ("Home", "1:0"),
    ):
        lab.page.keyboard.press(key)
        assert lab.evaluate(focused) == at
        expect(lab.get("#tip")).to_be_visible()
    lab.page.keyboard.press("Escape")
    expect(lab.get("#tip")).to_be_hidden()
    lab.page.keyboard.press("Enter")
    expect(lab.get("dialog[open]")).to_contain_text("Layer 1 of He")
    lab.page.keyboard.press("Escape")
    expect(lab.get("dialog[open]")).to_have_count(0)
    assert lab.evaluate(focused) == "1:0"
    lab.page.keyboard.press("Shift+Tab")
    assert lab.evaluate(focused) == "0:0"


def test_a_screen_reader_hears_of_progress_and_result(lab: Lab) -> None:
    lab.open(TEXTBOOK)
    expect(lab.get("[role=status]")).to_contain_text("4 diagnosed. std 1: saturated; std 0.01: gradient ↓")
    assert lab.hits()[0].startswith("Layer 1, saturated; Mean of activations ")


@pytest.mark.parametrize("width", [320, 375, 768])
def test_nothing_is_wider_than_the_screen(browser: Browser, service: Service, width: int) -> None:
    with reading(browser, service, viewport={"width": width, "height": 800}) as lab:
        lab.open(f"layers={','.join(['100'] * 51)}&activation=relu&seed=1&samples=50")
        assert lab.evaluate("document.documentElement.scrollWidth") <= width
        expect(lab.get("#std-0")).to_be_hidden()
        lab.get("#settings").click()
        expect(lab.get("#std-0")).to_be_visible()
        assert lab.evaluate("document.documentElement.scrollWidth") <= width
        assert lab.get("#std-0").evaluate("input => input.clientWidth") >= 50


def test_dark_mode_follows_the_browser(browser: Browser, service: Service) -> None:
    brightness = {}
    for scheme in ("light", "dark"):
        with reading(browser, service, color_scheme=scheme) as lab:
            lab.open()
            color = lab.evaluate("getComputedStyle(document.body).backgroundColor")
            brightness[scheme] = sum(map(int, re.findall(r"\d+", color)[:3]))
    assert brightness["light"] - brightness["dark"] > 450


@pytest.mark.parametrize(
    ("locale", "language", "heading"),
    [("en-GB", "en", "Network"), ("ja-JP", "ja", "ネットワーク"), ("fr-FR", "en", "Network")],
)
def test_the_language_is_the_browsers(
    browser: Browser, service: Service, locale: str, language: str, heading: str
) -> None:
    with reading(browser, service, locale=locale) as lab:
        lab.open()
        assert lab.evaluate("document.documentElement.lang") == language
        expect(lab.get("#network-heading")).to_have_text(heading)


def test_the_language_can_be_switched_and_is_kept(lab: Lab) -> None:
    lab.open()
    lab.get("[data-language=ja]").click()
    expect(lab.get("#status")).to_contain_text("診断しました")
    expect(lab.get("#figure-rank h2")).to_have_text("有効ランク")
    lab.open()
    expect(lab.get("#network-heading")).to_have_text("ネットワーク")
    lab.get("[data-language=en]").click()
    expect(lab.get("#network-heading")).to_have_text("Network")


def test_sentences_of_a_training_follow_the_language(lab: Lab) -> None:
    lab.open("layers=64,20,10&activation=relu&seed=1&data=digits&steps=80&samples=50&schemes=he,fixed:0")
    expect(lab.get("#learning-words li")).to_have_count(2, timeout=60_000)
    expect(lab.get("#learning-words")).to_contain_text("at layer 1 is 0 at the start")
    lab.get("[data-language=ja]").click()
    expect(lab.get("#learning-words li").last).to_contain_text("第 1 層の勾配がすべて 0", timeout=60_000)


def test_both_languages_say_everything(lab: Lab) -> None:
    lab.open()
    english, japanese = (
        lab.evaluate(f"import('/static/lab/{name}.js').then(module => module.default)") for name in ("en", "ja")
    )
    assert english.keys() == japanese.keys()
    for key, text in english.items():
        assert sorted(re.findall(r"\{\w+\}", text)) == sorted(re.findall(r"\{\w+\}", japanese[key])), key
    used = set(re.findall(r'data-i18n(?:-label)?="(\w+)"', (STATIC / "index.html").read_text(encoding="utf-8")))
    assert used <= english.keys()
    # What the HTML says before the script has run is the same English.
    html = (STATIC / "index.html").read_text(encoding="utf-8")
    for key, text in re.findall(r'data-i18n="(\w+)"[^>]*>([^<]*)<', html):
        assert english[key] == text


MESSAGES = ("bad_", "own", "fit_", "cancel", "done", "failed", "unreachable", "stale", "tooLarge", "running", "copied")
LABELS = {"tooLargeStd", "own", "ownText", "ownFile", "ownView", "ownViewText", "ownAxisCaption", "cancel"}
POLITE = re.compile(r"(ください|ます|ました|です|ません|ませんでした)([。…\uff1a]|$)")


def test_japanese_is_polite_where_the_page_speaks_and_plain_where_it_describes(lab: Lab) -> None:
    lab.open()
    japanese: dict[str, str] = lab.evaluate("import('/static/lab/ja.js').then(module => module.default)")
    for key, text in japanese.items():
        is_message = key.startswith(MESSAGES) and key not in LABELS
        assert bool(POLITE.search(text)) == is_message, key
        assert ("一様" in text) == key.endswith("_uniform"), key


def test_reduced_motion_moves_nothing(lab: Lab) -> None:
    lab.page.emulate_media(reduced_motion="reduce")
    lab.page.add_init_script(
        "window.moved = 0; const look = () => { requestAnimationFrame(look); "
        "window.moved = Math.max(window.moved, document.getAnimations().length); }; requestAnimationFrame(look);"
    )
    lab.open("layers=64,20,10&activation=relu&seed=1&data=digits&steps=80&samples=50")
    expect(lab.get("#learning-words li")).to_have_count(4, timeout=60_000)
    lab.get("#figure-histograms .hit").first.click()
    expect(lab.get("dialog[open]")).to_be_visible()
    assert lab.evaluate("window.moved") == 0
    moving = lab.evaluate(
        "[...document.querySelectorAll('*')].filter(element => "
        "['', '::before', '::after', '::backdrop'].some(part => { "
        "const style = getComputedStyle(element, part || null); return style.scrollBehavior === 'smooth' "
        "|| [...style.transitionDuration.split(', '), ...style.animationDuration.split(', ')]"
        ".some(seconds => parseFloat(seconds) > 0); })).map(element => element.outerHTML.slice(0, 100))"
    )
    assert moving == []
    # It would have been seen.
    lab.evaluate("void document.body.animate([{ opacity: 0 }, { opacity: 1 }], 60000)")
    lab.page.wait_for_function("window.moved === 1")


@contextmanager
def unanswered(lab: Lab) -> Iterator[None]:
    """Leave the next diagnosis without an answer."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    lab.page.route("**/diagnose?**", hold, times=1)
    yield
    (route,) = held
    route.abort()


def test_progress_is_shown_and_can_be_cancelled(lab: Lab) -> None:
    lab.open(TEXTBOOK)
    drawn = lab.hits()
    with unanswered(lab):
        lab.get("#activation").select_option("relu")
        expect(lab.get("#status")).to_contain_text("of 4 diagnosed …")
        expect(lab.get("#bar")).to_be_visible()
        lab.get("#cancel").click()
        expect(lab.get("#status")).to_have_text("Cancelled.")
        expect(lab.get("#bar")).to_be_hidden()
        expect(lab.get("#stale")).to_be_visible()
        assert lab.hits() == drawn
    lab.get("#activation").select_option("tanh")
    lab.wait()
    expect(lab.get("#stale")).to_be_hidden()
    assert lab.hits() != drawn


def test_the_last_good_view_stays_when_the_service_is_gone(refused: Lab) -> None:
    refused.open(TEXTBOOK)
    drawn = refused.hits()
    refused.page.route("**/diagnose?**", lambda route: route.abort())
    refused.get("#activation").select_option("relu")
    expect(refused.get("#general-problem")).to_have_text("The service cannot be reached.")
    expect(refused.get("#stale")).to_be_visible()
    assert refused.hits() == drawn


def test_a_busy_service_is_asked_again(refused: Lab) -> None:
    times: list[tuple[str, float]] = []

    def busy_once(route: Route) -> None:
        times.append((route.request.url, time.monotonic()))
        if len(times) > 1:
            route.continue_()
            return
        headers = {"Retry-After": "1", "Content-Type": "application/problem+json"}
        route.fulfill(status=503, headers=headers, body=json.dumps({"detail": "busy"}))

    refused.page.route("**/diagnose?**", busy_once)
    refused.open(TEXTBOOK)
    assert len(times) == 5
    first, second = (at for url, at in times if url == times[0][0])
    assert second - first >= 1


def test_a_newer_choice_wins(lab: Lab) -> None:
    lab.open(TEXTBOOK)
    with unanswered(lab):
        lab.get("#activation").select_option("relu")
        expect(lab.get("#cancel")).to_be_visible()
        lab.get("#activation").select_option("tanh")
        lab.wait()
    lab.get(".hit").first.click()
    expect(lab.get("dialog[open]")).to_contain_text("tanh")


def test_the_page_is_small_and_loads_each_of_its_files(lab: Lab) -> None:
    lab.open()
    paths = {url.removeprefix(lab.service.url) for url in lab.asked if "/static/" in url}
    expected = {f"/static/lab/{file.name}" for file in STATIC.iterdir()}
    assert paths == expected - {"/static/lab/index.html", "/static/lab/d3.LICENSE.txt"}
    # Of what comes over the wire.
    compressed = {
        path: int(httpx.get(lab.service.url + path, timeout=60).headers["content-length"]) for path in {"/", *paths}
    }
    assert sum(compressed.values()) < MOST_BYTES, compressed


def test_every_script_is_preloaded(lab: Lab) -> None:
    lab.open()
    preloaded = lab.get("link[rel=modulepreload]").evaluate_all("links => links.map(link => link.getAttribute('href'))")
    assert sorted(preloaded) == sorted(
        f"/static/lab/{file.name}" for file in STATIC.glob("*.js") if file.name != "main.js"
    )


def test_every_script_is_checked() -> None:
    # The library is not ours to check, and could not be left out by the compiler's own settings.
    scripts = [file for file in STATIC.glob("*.js") if file.name != "d3.min.js"]
    assert [file.name for file in scripts if not file.read_text(encoding="utf-8").startswith("// @ts-check\n")] == []


def test_the_policy_is_strict(lab: Lab) -> None:
    policy = httpx.get(f"{lab.service.url}/", timeout=60).headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy


def test_a_break_of_the_policy_and_a_request_elsewhere_would_be_noticed(lab: Lab) -> None:
    lab.open()
    lab.evaluate("document.body.setAttribute('style', 'color: red')")
    lab.evaluate("fetch('http://localhost:9/').catch(() => null)")
    assert any("Content Security Policy" in fault for fault in lab.faults)
    assert any("asked elsewhere" in fault or "connect" in fault for fault in lab.faults)
    lab.faults.clear()


def test_the_library_is_the_pinned_one() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    version, digest = (re.findall(rf"^{name} := (\S+)$", makefile, re.MULTILINE)[0] for name in ("D3", "D3_SHA256"))
    script = (STATIC / "d3.min.js").read_bytes()
    assert hashlib.sha256(script).hexdigest() == digest
    assert f"v{version} ".encode() in script[:60]
    assert "Mike Bostock" in (STATIC / "d3.LICENSE.txt").read_text(encoding="utf-8")


def test_the_reference_loads_nothing_from_elsewhere(lab: Lab) -> None:
    lab.page.goto(f"{lab.service.url}/docs")
    expect(lab.get("openapi-explorer")).to_contain_text("fanin")


@pytest.mark.parametrize("path", ["/docs", "/docs/recipe", "/docs/readme"])
def test_other_pages_follow_dark_mode_and_lead_back(browser: Browser, service: Service, path: str) -> None:
    brightness = {}
    for scheme in ("light", "dark"):
        with reading(browser, service, color_scheme=scheme) as lab:
            lab.page.goto(f"{service.url}{path}")
            if path == "/docs":
                expect(lab.get("openapi-explorer")).to_contain_text("fanin")
            color = lab.evaluate("getComputedStyle(document.body).backgroundColor")
            brightness[scheme] = sum(map(int, re.findall(r"\d+", color)[:3]))
            lab.page.screenshot(path=SCREENSHOTS / f"{path.rpartition('/')[2].partition('.')[0]}-{scheme}.png")
            lab.get("nav a[href='/']").click()
            expect(lab.get("h1")).to_have_text("What do initial weights do?")
            lab.wait()
    assert brightness["light"] - brightness["dark"] > 450
