"""Screenshots for people to look at; here only that each shows what its name says."""

from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from harness.running import Service
from tests.lab.browsing import SCREENSHOTS, TEXTBOOK, Lab, reading

DEEP = f"layers={','.join(['100'] * 51)}&activation=relu&seed=1"
OVERFLOW = "layers=100,100,100,100,100,100&activation=identity&seed=1&schemes=xavier,fixed:1e12,fixed:0,fixed:2"
PHONE = {"viewport": {"width": 375, "height": 800}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True}


def shoot(lab: Lab, name: str, *, full: bool = True) -> None:
    lab.page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=full)


@pytest.mark.parametrize(
    ("name", "query", "options"),
    [
        ("first", "", {}),
        ("four-relu", TEXTBOOK.replace("sigmoid", "relu"), {}),
        ("four-tanh", TEXTBOOK.replace("sigmoid", "tanh"), {}),
        ("deep", DEEP, {}),
        ("overflow", OVERFLOW, {}),
        ("dark", "", {"color_scheme": "dark"}),
        ("phone", "", PHONE),
        ("phone-dark", DEEP, PHONE | {"color_scheme": "dark"}),
        ("japanese", "", {"locale": "ja-JP"}),
        ("phone-japanese", "", PHONE | {"locale": "ja-JP"}),
    ],
)
def test_a_view(browser: Browser, service: Service, name: str, query: str, options: dict[str, Any]) -> None:
    with reading(browser, service, **options) as lab:
        lab.open(query)
        expect(lab.get("#figure-histograms .lane")).to_have_count(4)
        shoot(lab, name)


def test_an_error(refused: Lab) -> None:
    refused.open()
    refused.get("#layers").fill("100,0,10")
    refused.get("#layers").press("Enter")
    expect(refused.get("#layers-problem")).to_be_visible()
    shoot(refused, "error")


def test_figures_beside_the_pointer(lab: Lab) -> None:
    lab.open()
    lab.get("#figure-gradients .hit[data-at='1:2']").hover()
    expect(lab.get("#tip")).to_be_visible()
    shoot(lab, "pointed", full=False)


def test_a_layers_numbers(lab: Lab) -> None:
    lab.open()
    lab.get("#figure-histograms .hit[data-at='1:2']").click()
    expect(lab.get("dialog[open]")).to_be_visible()
    shoot(lab, "numbers", full=False)
