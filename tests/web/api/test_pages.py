"""The page, the files it loads, and pictures of diagnoses, over a real socket."""

import asyncio
import gzip
import html
import re
import threading
from pathlib import Path
from xml.etree import ElementTree as ET

import httpx
import pytest

from harness.running import ROOT
from service.web.api.pages import MEDIA_TYPES, accepts_gzip, static_file
from service.web.app import create_app
from service.web.settings import Settings
from tests.web.in_process import in_process

STATIC = ROOT / "service/web/static"
SCRIPT = "/static/openapi-explorer.min.js"
ZIPPED, PLAIN = {"Accept-Encoding": "gzip"}, {"Accept-Encoding": "identity"}
# Each URL, and the file that it answers with.
FILES = {"/": "lab/index.html", "/docs": "docs.html", SCRIPT: "openapi-explorer.min.js"}

every_file = pytest.mark.parametrize("url", FILES)
every_answer = pytest.mark.parametrize("url", [*FILES, "/openapi.json"])


def raw(client: httpx.Client, url: str, headers: dict[str, str]) -> tuple[httpx.Response, bytes]:
    """Return an answer, and its body as it came through the wire."""
    with client.stream("GET", url, headers=headers) as answer:
        return answer, b"".join(answer.iter_raw())


@every_file
def test_a_file_comes_as_it_is_or_compressed(client: httpx.Client, url: str) -> None:
    content = (STATIC / FILES[url]).read_bytes()
    plain, body = raw(client, url, PLAIN)
    assert (plain.status_code, body) == (200, content)
    assert "content-encoding" not in plain.headers
    zipped, small = raw(client, url, ZIPPED)
    assert (zipped.status_code, zipped.headers["content-encoding"]) == (200, "gzip")
    assert gzip.decompress(small) == content
    assert len(small) == int(zipped.headers["content-length"]) < len(content)
    for answer in (plain, zipped):
        assert "Accept-Encoding" in answer.headers["vary"].split(", ")
        assert answer.headers["cache-control"] == "no-cache"
    assert zipped.headers["etag"] != plain.headers["etag"]


@every_answer
@pytest.mark.parametrize("encoding", [ZIPPED, PLAIN], ids=["gzip", "identity"])
def test_a_client_that_has_the_file_gets_304(client: httpx.Client, url: str, encoding: dict[str, str]) -> None:
    first, _ = raw(client, url, encoding)
    again, body = raw(client, url, {**encoding, "If-None-Match": first.headers["etag"]})
    assert (again.status_code, body) == (304, b"")
    for name in ("etag", "cache-control", "vary", "content-security-policy"):
        assert again.headers[name] == first.headers[name]
    other, body = raw(client, url, {**encoding, "If-None-Match": '"another"'})
    assert other.status_code == 200
    assert body


@every_answer
def test_head_answers_as_get_without_the_body(client: httpx.Client, url: str) -> None:
    got, head = client.get(url, headers=ZIPPED), client.head(url, headers=ZIPPED)
    differing = {"date", "x-request-id"}
    assert head.content == b""
    assert {k: v for k, v in head.headers.items() if k not in differing} == {
        k: v for k, v in got.headers.items() if k not in differing
    }


def test_the_document_is_made_once_while_others_are_answered() -> None:
    app, is_asked, document = create_app(Settings()), threading.Event(), {"openapi": "3.1.0"}
    made = []

    def make() -> dict[str, str]:
        made.append(is_asked.wait(30))
        return document

    async def ask() -> list[httpx.Response]:
        async with in_process(app) as (client, _):
            waiting = [asyncio.create_task(client.get("/openapi.json")) for _ in range(3)]
            assert (await client.get("/livez")).status_code == 200
            is_asked.set()
            return await asyncio.gather(*waiting)

    app.openapi = make  # type: ignore[method-assign]
    assert [answer.json() for answer in asyncio.run(ask())] == [document] * 3
    assert made == [True]


ACCEPTED = {
    "gzip": True, "GZIP": True, "gzip, br": True, "br;q=1.0, gzip;q=0.8": True, "*": True, "gzip ; q=0.001": True,
    "": False, "br": False, "gzip;q=0": False, "gzip;q=0.0, *": False, "*;q=0": False, "identity": False,
    "gzipped": False,
}  # fmt: skip


@pytest.mark.parametrize(("accepted", "expected"), ACCEPTED.items())
def test_gzip_is_sent_to_those_who_take_it(client: httpx.Client, accepted: str, expected: bool) -> None:  # noqa: FBT001
    assert accepts_gzip(accepted) is expected
    answer, _ = raw(client, SCRIPT, {"Accept-Encoding": accepted})
    assert ("content-encoding" in answer.headers) is expected


@pytest.mark.parametrize("url", ["/", SCRIPT, "/static/lab/index.html"])
def test_the_policy_of_the_page_is_strict(client: httpx.Client, url: str) -> None:
    headers = client.get(url).headers
    policy = {words.split()[0]: words.split()[1:] for words in headers["content-security-policy"].split("; ")}
    assert policy["default-src"] == ["'self'"]
    assert policy["img-src"] == ["'self'", "data:", "blob:"]
    assert policy["frame-ancestors"] == ["'none'"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


def test_the_page_is_html_that_loads_nothing_from_elsewhere(client: httpx.Client) -> None:
    page = client.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert not re.findall(r'(?:src|href)="(?:[a-z]+:)?//', page.text)
    assert "<style" not in page.text
    assert not re.findall(r"<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=", page.text)
    for url in re.findall(r'(?:src|href)="(/[^"]*)"', page.text):
        assert client.get(html.unescape(url)).status_code == 200


def files_of(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink()]


@pytest.mark.parametrize("path", files_of(STATIC), ids=lambda path: path.name)
def test_every_file_has_a_known_type(client: httpx.Client, path: Path) -> None:
    answer = client.head(f"/static/{path.relative_to(STATIC)}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, MEDIA_TYPES[path.suffix])


def test_weights_are_never_compressed(client: httpx.Client) -> None:
    for path in ("/weights.npy", "/weights.json", "/plan", "/weights/layers.0.weight.bin", "/diagnose"):
        answer = client.get(f"{path}?layers=40,30&activation=relu&seed=1", headers=ZIPPED)
        assert answer.status_code == 200
        assert "content-encoding" not in answer.headers


def test_a_file_that_is_written_anew_is_another_one(tmp_path: Path) -> None:
    path = tmp_path / "page.css"
    path.write_text("one " * 100)
    first = static_file(path, path.stat())
    assert static_file(path, path.stat()) is first
    path.write_text("another " * 100)
    second = static_file(path, path.stat())
    assert (first.plain.body, second.plain.body) == (b"one " * 100, b"another " * 100)
    assert first.plain.etag != second.plain.etag


def test_what_would_not_become_shorter_is_not_compressed(tmp_path: Path) -> None:
    for name, body in (("a.css", b"x"), ("a.png", b"x" * 1000), ("a.woff2", b"x" * 1000)):
        (tmp_path / name).write_bytes(body)
        assert static_file(tmp_path / name, (tmp_path / name).stat()).zipped is None


PICTURE = "/diagnose.svg?layers=20,30,10&activation=tanh&samples=50"


def test_a_picture_is_an_svg_that_may_load_and_run_nothing(client: httpx.Client) -> None:
    answer = client.get(f"{PICTURE}&seed=3")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/svg+xml")
    assert answer.headers["content-security-policy"] == "default-src 'none'"
    assert answer.headers["x-content-type-options"] == "nosniff"
    root = ET.fromstring(answer.content)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    words = [node.text for node in root.iter("{http://www.w3.org/2000/svg}text")]
    assert any("seed 3" in (word or "") for word in words)


def test_a_picture_is_as_permanent_as_its_report(client: httpx.Client) -> None:
    picture, report = client.get(f"{PICTURE}&seed=3"), client.get(f"{PICTURE}&seed=3".replace(".svg", ""))
    etag = picture.headers["etag"]
    assert etag.startswith('W/"')
    assert etag != report.headers["etag"]
    assert picture.headers["cache-control"] == report.headers["cache-control"]
    assert picture.headers["content-location"] == report.headers["content-location"].replace("e?", "e.svg?")
    for _ in range(2):
        again = client.get(f"{PICTURE}&seed=3", headers={"If-None-Match": etag})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    head = client.head(f"{PICTURE}&seed=3")
    assert (head.status_code, head.headers["etag"], head.content) == (200, etag, b"")
    assert head.headers["content-type"] == "image/svg+xml"
    assert client.get(f"{PICTURE}&seed=3", headers={"If-Match": '"another"'}).status_code == 412


def test_a_picture_of_a_drawn_seed_is_never_stored(client: httpx.Client) -> None:
    answer = client.get(PICTURE)
    assert answer.headers["cache-control"] == "no-store"
    seed = re.findall(r"seed=(\d+)", answer.headers["content-location"])[0]
    assert f"seed {seed}" in answer.text


def test_an_overflow_has_a_picture(client: httpx.Client) -> None:
    layers = ",".join(["60"] * 80)
    answer = client.get(f"/diagnose.svg?layers={layers}&activation=relu&scheme=fixed&std=1&seed=1&samples=50")
    assert answer.status_code == 200
    assert "non finite" in answer.text


REFUSED = {
    "no layers": ("activation=relu", 422, "layers is required"),
    "one sample": ("layers=4,3&activation=relu&samples=1", 422, "samples"),
    "width of the picture": ("layers=4,3&activation=relu&width=300", 422, "width is unknown"),
    "unknown activation": ("layers=4,3&activation=swish", 422, "swish"),
    "too many samples": ("layers=1000,1000&activation=relu&samples=200000", 413, "samples would fit"),
}


@pytest.mark.parametrize(("query", "status", "mention"), REFUSED.values(), ids=REFUSED)
def test_a_bad_request_for_a_picture_gets_a_problem(
    client: httpx.Client, query: str, status: int, mention: str
) -> None:
    answer = client.get(f"/diagnose.svg?{query}")
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert mention in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/diagnose", "/diagnose.svg"])
def test_a_report_and_a_picture_take_a_slot_of_the_diagnoses(path: str) -> None:
    async def asked() -> httpx.Response:
        async with in_process(create_app(Settings(diagnoses=1, wait_seconds=0))) as (client, state):
            with await state.diagnosing.slots.take():
                return await client.get(f"{path}?layers=4,3&activation=relu")

    busy = asyncio.run(asked())
    assert (busy.status_code, busy.headers["retry-after"]) == (503, "1")
    assert "FANIN_DIAGNOSES" in busy.json()["detail"]
