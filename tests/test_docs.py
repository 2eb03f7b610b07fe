"""Documents as people find them: links that lead somewhere, pages that the service shows, a drawing that is true."""

import re
import tomllib
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import httpx
import pytest
from packaging.requirements import Requirement

from harness.pages import PAGES, fragment, rendered, sources
from harness.pictures import FOLDER, pictures
from harness.running import ROOT, Service

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
TEXTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "openapi/README.md", *sorted(ROOT.glob("docs/*.md"))]
ARCHITECTURE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
SVG_TEXT = "{http://www.w3.org/2000/svg}text"

every_page = pytest.mark.parametrize("name", sources())


class Links(HTMLParser):
    """What a page points to, and what may be pointed to in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.names: set[str] = set()
        self.feed(text)

    def handle_starttag(self, _tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        assert not {"style", "onclick", "onload"} & set(given), "the page's policy allows no such thing"
        self.targets += [target for name in ("href", "src") if (target := given.get(name))]
        self.names |= {given["id"] or ""} if "id" in given else set()


def without_code(text: str) -> str:
    return re.sub(r"```.*?```|`[^`]*`", "", text, flags=re.DOTALL)


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_each_link_in_markdown_leads_somewhere(path: Path) -> None:
    text = without_code(path.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)\s]+)\)|(?:src|srcset)=\"([^\"]+)\"", text):
        file, _, place = (target[0] or target[1]).partition("#")
        if file.startswith(("https:", "http:")):
            continue
        found = path.parent / file if file else path
        assert found.exists(), target
        if place:
            headings = re.findall(r"^#+ (.*)$", without_code(found.read_text(encoding="utf-8")), re.MULTILINE)
            assert place in map(fragment, headings), target


@every_page
def test_each_page_is_rendered_from_its_document_as_it_is(name: str) -> None:
    page = (PAGES / f"{name}.html").read_text(encoding="utf-8")
    assert page == rendered(sources()[name]), "run make pages"


def test_there_is_no_page_without_a_document() -> None:
    assert {path.stem for path in PAGES.glob("*.html")} == set(sources())


@every_page
def test_each_link_of_a_page_is_answered_by_the_service(client: httpx.Client, name: str) -> None:
    answer = client.get(f"/docs/{name}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    for target in Links(answer.text).targets:
        if target.startswith(("https:", "http:")):
            continue
        path, _, place = target.partition("#")
        there = client.get(path or f"/docs/{name}")
        assert there.status_code == 200, target
        assert not place or place in Links(there.text).names, target


def test_another_name_is_no_page(client: httpx.Client) -> None:
    for path in ("/docs/nothing", "/docs/guide.html", "/docs/..%2fdocs"):
        assert client.get(path).status_code == 404, path


def test_the_guide_names_every_document() -> None:
    guide = (ROOT / "docs/README.md").read_text(encoding="utf-8")
    named = re.findall(r"\]\(([a-z]+)\.md\)", guide)
    assert sorted(named) == sorted(set(sources()) - {"guide", "readme", "license"})


def test_the_drawing_of_the_floors_is_the_contract() -> None:
    (contract,) = [one for one in PROJECT["tool"]["importlinter"]["contracts"] if one["type"] == "layers"]
    layers = [layer.replace("service.", "") for layer in contract["layers"]]
    drawing = re.search(r"## Floors.*?```text\n(.*?)```", ARCHITECTURE, re.DOTALL)
    assert drawing
    # Columns that two or more spaces divide: what it is, the floor, what is in it.
    rows = [re.split(r" {2,}", line.strip()) for line in drawing[1].splitlines() if line.strip(" │")]
    assert [row[1] for row in rows] == layers


def test_each_folder_and_file_of_the_drawings_exists() -> None:
    for path in re.findall(r"\b(?:web|describe|tensors|initializers|files|numerics)/[a-z_/]+\.py\b", ARCHITECTURE):
        assert (ROOT / "service" / path).is_file(), path


def test_each_dependency_has_its_reason() -> None:
    named = re.findall(r"^\| `([a-z0-9-]+)` \|", ARCHITECTURE, re.MULTILINE)
    project = PROJECT["project"]
    needed = [Requirement(text).name for text in (*project["dependencies"], *project["optional-dependencies"]["fast"])]
    assert sorted(named) == sorted(needed)


def test_the_pictures_of_readme_say_what_the_service_draws(service: Service) -> None:
    # Lines may differ by the rounding of a matrix product; words do not.
    def words(picture: str) -> list[str]:
        return ["".join(text.itertext()) for text in ET.fromstring(picture).iter(SVG_TEXT)]

    drawn = pictures(service.url)
    assert {path.name for path in FOLDER.iterdir()} == set(drawn)
    for name, picture in drawn.items():
        assert words((FOLDER / name).read_text(encoding="utf-8")) == words(picture), "run make pictures"
