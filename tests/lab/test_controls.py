"""What a reader chooses is what the address bar says, and what is drawn."""

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, expect

from harness.running import Service
from service.describe.network import InputName, Normalization
from service.diagnosis.verdicts import CODES
from service.initializers.schemes import FanName, SchemeName
from service.numerics.activations import Activation
from service.numerics.recipe.distributions import CUT_STDS, CutStd, DistributionName
from tests.lab.browsing import TEXTBOOK, Lab, reading


def query_of(lab: Lab) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(lab.page.url).query).items()}


def test_the_first_visit_shows_what_textbooks_show(lab: Lab) -> None:
    lab.open()
    assert query_of(lab) == {
        "layers": "100,100,100,100,100,100", "activation": "relu", "seed": "1",
        "schemes": "fixed:1,fixed:0.01,xavier,he",
    }  # fmt: skip
    assert lab.get("#figure-histograms .lane").all_text_contents() == [
        "std 1gradient ↑", "std 0.01gradient ↓", "Xavier: std √(1/fan in)healthy", "He: std √(2/fan in)healthy",
    ]  # fmt: skip
    assert len(lab.hits()) == 4 * 5


@pytest.mark.parametrize(
    ("control", "value"),
    [
        ("layers", "30,20,10"), ("activation", "tanh"), ("output_activation", "identity"), ("distribution", "uniform"),
        ("samples", "200"), ("input", "uniform"), ("seed", "77"),
    ],
)  # fmt: skip
def test_each_change_is_in_the_address_and_the_address_shows_the_same(
    browser: Browser, service: Service, lab: Lab, control: str, value: str
) -> None:
    lab.open()
    before = lab.hits(), lab.hits("gradients")
    element = lab.get(f"#{control}")
    if element.evaluate("element => element.tagName") == "SELECT":
        element.select_option(value)
    else:
        element.fill(value)
        element.press("Enter")
    lab.wait()
    assert query_of(lab)[control] == value
    shown = lab.hits(), lab.hits("gradients")
    assert shown != before
    with reading(browser, service) as other:
        other.open(urlsplit(lab.page.url).query)
        assert (other.hits(), other.hits("gradients")) == shown
        expect(other.get(f"#{control}")).to_have_value(value)
    lab.page.go_back()
    expect(element).not_to_have_value(value)
    lab.wait()
    assert (lab.hits(), lab.hits("gradients")) == before


@pytest.mark.parametrize(
    ("preset", "layers", "count"),
    [
        ("textbook", [100] * 6, 5),
        ("classifier", [784, 256, 10], 2),
        ("deep", [100] * 51, 50),
        ("digits", [64, *[100] * 5, 10], 6),
    ],
)
def test_presets_are_networks(lab: Lab, preset: str, layers: list[int], count: int) -> None:
    lab.open("layers=9,8&activation=relu&seed=1&samples=50")
    lab.get(f"[data-preset={preset}]").click()
    expect(lab.get("#layers")).to_have_value(",".join(map(str, layers)))
    expect(lab.get("#figure-histograms .hit")).to_have_count(4 * count)


def test_another_seed_is_drawn(lab: Lab) -> None:
    lab.open(TEXTBOOK)
    before = lab.hits()
    lab.get("#another-seed").click()
    lab.wait()
    assert query_of(lab)["seed"] == lab.get("#seed").input_value() != "1"
    assert lab.hits() != before


def test_initializations_are_added_changed_and_removed(lab: Lab) -> None:
    lab.open(f"{TEXTBOOK}&scheme=xavier")
    expect(lab.get("[data-remove='0']")).to_be_disabled()
    for number in (1, 2, 3):
        lab.get("#add-init").click()
        lab.wait()
        expect(lab.get(f"#scheme-{number}")).to_have_value("auto")
    expect(lab.get("#add-init")).to_be_disabled()
    lab.get("#scheme-2").select_option("fixed")
    lab.get("#std-2").fill("0.5")
    lab.get("#std-2").press("Enter")
    lab.wait()
    lab.get("[data-remove='0']").click()
    lab.wait()
    assert query_of(lab)["schemes"] == "auto,fixed:0.5,auto"
    expect(lab.get("#scheme-0")).to_be_focused()
    expect(lab.get("#figure-rank .lane")).to_have_count(3)


def test_a_link_to_a_diagnosis_is_a_link_to_its_view(lab: Lab) -> None:
    lab.open("layers=20,10&activation=relu&scheme=fixed&std=0.3&seed=5&samples=100")
    assert query_of(lab) == {
        "layers": "20,10", "activation": "relu", "scheme": "fixed", "std": "0.3", "seed": "5", "samples": "100",
    }  # fmt: skip
    assert lab.get("#figure-rank .lane").all_text_contents()[0].startswith("std 0.3")


@pytest.mark.parametrize(
    ("query", "place", "field", "said"),
    [
        ("layers=100,0&activation=relu&scheme=he&seed=1", "#layers-problem", "#layers", "at least two whole numbers"),
        ("layers=&activation=relu&scheme=he&seed=1", "#layers-problem", "#layers", "at least two whole numbers"),
        ("layers=9,8&activation=rely&scheme=he&seed=1", "#activation-problem", "#activation", "activations, not rely"),
        ("layers=9,8&activation=relu&scheme=he&seed=-1", "#seed-problem", "#seed", "a whole number from 0"),
        ("layers=9,8&activation=relu&scheme=he&seed=1&samples=1", "#samples-problem", "#samples", "from 2 to 1000000"),
        ("layers=9,8&activation=relu&schemes=he,fixed:x&seed=1", "#init-1-problem", "#std-1", "from 0 on"),
        ("layers=9,8&activation=relu&schemes=he,fixed&seed=1", "#init-1-problem", "#std-1", "from 0 on"),
        ("layers=9,8&activation=relu&schemes=haha,he&seed=1", "#init-0-problem", "#scheme-0", "schemes, not haha"),
    ],
)
def test_what_the_service_refuses_the_page_says_at_the_field(
    refused: Lab, query: str, place: str, field: str, said: str
) -> None:
    with refused.page.expect_response(lambda response: response.status == 422):
        refused.page.goto(f"{refused.service.url}/?{query}")
    expect(refused.get(place)).to_contain_text(said)
    expect(refused.get(field)).to_have_attribute("aria-invalid", "true")
    described = (refused.get(field).get_attribute("aria-describedby") or "").split()
    assert place.removeprefix("#") in described
    expect(refused.get("#status")).to_have_text("Not diagnosed.")


def test_what_is_about_no_field_is_said_above_the_pictures(refused: Lab) -> None:
    refused.page.goto(f"{refused.service.url}/?layers=999999,999999&activation=relu&scheme=he&seed=1")
    expect(refused.get("#general-problem")).to_contain_text("more than the service computes at once")


def test_the_choices_are_those_of_the_service(lab: Lab) -> None:
    def choices(control: str) -> list[str]:
        values: list[str] = lab.get(f"#{control} option").evaluate_all("options => options.map(option => option.value)")
        return values

    lab.open()
    assert choices("activation") == list(Activation)
    assert choices("output_activation") == ["", *Activation]
    assert choices("scheme-0") == list(SchemeName)
    assert choices("distribution") == list(DistributionName)
    assert choices("input") == list(InputName)
    assert choices("normalization-0") == list(Normalization)
    assert choices("fan-0") == list(FanName)
    assert [float(cut) for cut in choices("cut")] == sorted(CUT_STDS)
    assert choices("cut_std") == list(CutStd)
    assert set(lab.evaluate("import('/static/lab/verdicts.js').then(module => module.CODES)")) == set(CODES)


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("784 - 256 - 10", "784,256,10"), ("784、256，10", "784,256,10"), ("784 × 256 × 10", "784,256,10"),
        ("100x5", "100,100,100,100,100"), ("5 × 100", "100,100,100,100,100"), ("64 100x2 10", "64,100,100,10"),
        ("７８４，１０", "784,10"), ("784 → 10", "784,10"),
    ],
)  # fmt: skip
def test_sizes_are_read_as_people_write_them(lab: Lab, written: str, canonical: str) -> None:
    lab.open("layers=9,8&activation=relu&seed=1&scheme=he&samples=50")
    lab.get("#layers").fill(written)
    lab.get("#layers").press("Enter")
    expect(lab.get("#layers")).to_have_value(canonical)
    assert query_of(lab)["layers"] == canonical


def test_an_initialization_has_options_where_they_have_an_effect(lab: Lab) -> None:
    lab.open("layers=30,20,10&activation=relu&seed=1&schemes=he,fixed:0.1")
    for number in (0, 1):
        lab.get(f"[data-more='{number}']").click()
    expect(lab.get("#fan-0-option")).to_be_visible()
    expect(lab.get("#fan-1-option")).to_be_hidden()
    lab.get("#fan-0").select_option("out")
    lab.get("#normalization-1").select_option("batch")
    lab.get("#gain-1").fill("2")
    lab.get("#gain-1").press("Enter")
    lab.wait()
    assert query_of(lab)["schemes"] == "he;fan:out,fixed:0.1;gain:2;normalization:batch"
    for asked in ("scheme=he&fan=out", "scheme=fixed&std=0.1&gain=2&normalization=batch"):
        assert any(url.endswith(asked) for url in lab.asked), asked


def test_a_cut_is_offered_for_what_is_cut(lab: Lab) -> None:
    lab.open("layers=30,20,10&activation=relu&seed=1&scheme=he&samples=50")
    expect(lab.get("#cut")).to_be_hidden()
    lab.get("#distribution").select_option("truncated_normal")
    lab.get("#cut").select_option("3")
    lab.wait()
    assert (query_of(lab)["distribution"], query_of(lab)["cut"]) == ("truncated_normal", "3")
    lab.get("#scheme-0").select_option("orthogonal")
    expect(lab.get("#distribution")).to_be_hidden()


def test_the_link_is_copied(lab: Lab) -> None:
    lab.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    lab.open("case=he")
    lab.get("#copy-link").click()
    expect(lab.get("#copy-link")).to_have_text("Copied")
    assert lab.evaluate("navigator.clipboard.readText()") == lab.page.url
