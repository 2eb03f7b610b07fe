"""The initializers of other libraries are on the page as they are in the documents, which alone spell them."""

import re
from typing import Any

from playwright.sync_api import Browser, expect

from harness.running import ROOT, Service
from tests.lab.browsing import Lab, reading
from tests.lab.test_habits import findings

DOCUMENT = (ROOT / "docs/initializers.md").read_text(encoding="utf-8")
SECTIONS = [section for section in re.split(r"^## ", DOCUMENT, flags=re.MULTILINE)[1:] if "\n|---" in section]
EXPECTED = [
    {
        "library": section.partition("\n")[0],
        "rows": [
            [cell.strip("` ") for cell in row]
            for row in re.findall(r"^\| (`.*`) \| (\w+) \| (`.*`) \|$", section, re.M)
        ],
    }
    for section in SECTIONS
]
SHOWN = """[...document.querySelectorAll("#equivalents table")].map((table) => ({
  library: table.caption.textContent,
  rows: [...table.tBodies[0].rows].map((row) => [...row.cells].map((cell) => cell.textContent)),
}))"""
HEADS = "[...document.querySelectorAll('#equivalents thead tr')].map((row) => row.cells[2].textContent)"


def unfold(lab: Lab) -> None:
    lab.get("#equivalents summary").click()
    expect(lab.get("#equivalents table")).to_have_count(4)


def test_every_row_of_the_document_is_shown_once_it_is_unfolded(lab: Lab) -> None:
    lab.open()
    page = f"{lab.service.url}/docs/initializers"
    assert page not in lab.asked
    unfold(lab)
    assert [table["library"] for table in EXPECTED] == ["PyTorch", "Keras", "JAX", "Flax"]
    assert sum(len(table["rows"]) for table in EXPECTED) == len(re.findall(r"^\| `", DOCUMENT, re.MULTILINE)) > 70
    assert lab.evaluate(SHOWN) == EXPECTED
    for _ in range(2):
        lab.get("#equivalents summary").click()
    assert lab.asked.count(page) == 1


def test_its_captions_are_in_the_reader_s_language(lab: Lab) -> None:
    lab.open()
    unfold(lab)
    assert lab.evaluate(HEADS) == ["here"] * 4
    lab.get("[data-language=ja]").click()
    assert lab.evaluate(HEADS) == ["このサービスでは"] * 4
    first: Any = lab.evaluate(SHOWN)[0]["rows"][0]
    assert first == ["zeros_(w)", "両方", "scheme=zeros"]


def test_everybody_can_read_it_on_any_screen(browser: Browser, service: Service) -> None:
    for scheme in ("light", "dark"):
        with reading(browser, service, color_scheme=scheme, viewport={"width": 375, "height": 800}) as lab:
            lab.open()
            unfold(lab)
            assert findings(lab) == []
            assert lab.evaluate("document.documentElement.scrollWidth") <= 375
            # Arrows scroll the table, and do not turn to the next case.
            before = lab.get("#case-title").text_content()
            lab.get("#equivalents .wide").first.press("ArrowRight")
            assert lab.get("#case-title").text_content() == before


def test_what_cannot_be_read_is_said_and_tried_again(refused: Lab) -> None:
    refused.open()
    refused.page.route("**/docs/initializers", lambda route: route.abort())
    refused.get("#equivalents summary").click()
    expect(refused.get("#equivalents-problem")).to_have_text("The service cannot be reached.")
    refused.page.unroute("**/docs/initializers")
    refused.get("#equivalents summary").click()
    unfold(refused)
    expect(refused.get("#equivalents-problem")).to_be_hidden()
