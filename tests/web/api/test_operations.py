"""What operators rely on: probes, versions, counts, log lines, and an orderly end."""

import platform
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib import metadata
from typing import Any

import httpx
import numpy as np
import pytest

from harness.running import ROOT, Service, eventually, running
from service import __version__
from tests.numerics.recipe.backends import HAS_NUMBA

SMALL = "/weights.npy?layers=4,3&activation=relu&seed=1"
LARGE = "/weights.npy?layers=4000,4000&activation=relu&seed=1"
ENDLESS = "/weights.npy?layers=100000,100000&activation=relu&seed=1"


@pytest.fixture
def fresh() -> Iterator[Service]:
    with running() as service:
        yield service


def backend() -> str:
    """Return what draws where the tests run, as its own distribution names its version."""
    return f"numba {metadata.version('numba')}" if HAS_NUMBA else "numpy"


def test_the_probes_answer(client: httpx.Client) -> None:
    assert client.get("/livez").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ok"}
    assert client.head("/livez").status_code == 200


def test_the_versions_are_those_that_run(client: httpx.Client) -> None:
    version = client.get("/version").json()
    assert version["service"] == __version__
    assert version["backend"] == backend()
    assert version["numpy"] == np.__version__
    assert version["python"] == platform.python_version()
    assert version["recipe"] == 1
    assert client.get(version["recipe_document"]).text == (ROOT / "docs/recipe.md").read_text(encoding="utf-8")
    assert client.get("/docs/recipe-vectors.json").content == (ROOT / "docs/recipe-vectors.json").read_bytes()


def test_the_first_log_line_names_what_runs(service: Service) -> None:
    (line,) = [line for line in service.log_lines() if line["message"] == "started"]
    assert (line["version"], line["backend"], line["is_ready"]) == (__version__, backend(), True)


def test_the_counts_are_those_of_the_requests(fresh: Service) -> None:
    answers = [httpx.get(fresh.url + SMALL, timeout=60) for _ in range(3)]
    httpx.get(f"{fresh.url}/weights.npy", timeout=60)
    httpx.get(f"{fresh.url}/no/such/path", timeout=60)
    text = httpx.get(f"{fresh.url}/metrics", timeout=60).text
    assert 'fanin_requests_total{method="GET",route="/weights.npy",status="200"} 3.0' in text
    assert 'fanin_requests_total{method="GET",route="/weights.npy",status="422"} 1.0' in text
    assert 'fanin_requests_total{method="GET",route="none",status="404"} 1.0' in text
    assert 'fanin_request_seconds_count{route="/weights.npy"} 4.0' in text
    assert fresh.metric("fanin_elements_drawn_total") == 15  # a small body is kept
    sent = [line for line in text.splitlines() if line.startswith('fanin_sent_bytes_total{route="/weights.npy"}')]
    refused = httpx.get(f"{fresh.url}/weights.npy", timeout=60).content
    assert float(sent[0].split()[1]) == sum(len(answer.content) for answer in answers) + len(refused)
    for _ in range(2):
        httpx.get(f"{fresh.url}/weights/layers.0.weight.bin?layers=100,200&activation=relu&seed=1", timeout=60)
    assert fresh.metric("fanin_elements_drawn_total") == 15 + 2 * 20_000


def test_each_request_has_one_log_line_under_its_id(fresh: Service) -> None:
    answer = httpx.get(fresh.url + SMALL, headers={"X-Request-ID": "lab-7.run_3"}, timeout=60)
    assert answer.headers["x-request-id"] == "lab-7.run_3"
    drawn = httpx.get(fresh.url + SMALL, headers={"X-Request-ID": 'no "quotes"'}, timeout=60).headers["x-request-id"]
    assert len(drawn) == 32

    def lines() -> dict[str, dict[str, Any]]:
        return {line["request_id"]: line for line in fresh.log_lines() if line["logger"] == "fanin.requests"}

    # A line is written when the client may have its answer already.
    assert eventually(lambda: {"lab-7.run_3", drawn} <= set(lines()))
    line = lines()["lab-7.run_3"]
    assert {key: line[key] for key in ("method", "path", "query", "status", "bytes", "complete")} == {
        "method": "GET", "path": "/weights.npy", "query": "layers=4,3&activation=relu&seed=1",
        "status": 200, "bytes": len(answer.content), "complete": True,
    }  # fmt: skip


def test_sigterm_finishes_running_responses_and_refuses_new_ones(fresh: Service) -> None:
    def is_refused() -> bool:
        try:
            httpx.get(f"{fresh.url}/livez", timeout=60)
        except httpx.TransportError:
            return True
        return False

    with fresh.download(LARGE) as answer:
        begun = answer.read(1000)
        fresh.process.send_signal(signal.SIGTERM)
        assert eventually(is_refused)
        assert len(begun + answer.read()) == int(answer.headers["content-length"])
    assert fresh.process.wait(timeout=60) == 0


def test_sigterm_ends_endless_responses_after_a_while_with_a_clear_error() -> None:
    with running(shutdown_seconds=1) as service, service.download(ENDLESS) as answer:
        assert len(answer.read(1000)) == 1000
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(timeout=60) == 0
        got = 1000
        with suppress(ConnectionResetError):
            while part := answer.read(2**20):
                got += len(part)
        assert got < int(answer.headers["content-length"])
        assert not any("traceback" in line for line in service.log_lines())


def test_a_setting_that_cannot_be_used_is_named() -> None:
    command, settings = [sys.executable, "-m", "service"], {"FANIN_DRAWINGS": "0"}
    ended = subprocess.run(command, cwd=ROOT, env=settings, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "drawings" in ended.stderr.lower()


def test_the_health_check_tells_a_ready_service_from_none(fresh: Service) -> None:
    def check(port: int) -> int:
        command = [sys.executable, "-m", "service.web.health"]
        return subprocess.run(
            command, cwd=ROOT, env={"FANIN_PORT": str(port)}, capture_output=True, check=False
        ).returncode

    assert check(fresh.port) == 0
    fresh.process.kill()
    fresh.process.wait()
    assert check(fresh.port) == 1


def test_any_page_may_call_and_read_the_headers_of_ranges(client: httpx.Client) -> None:
    page = {"Origin": "https://lab.example"}
    answer = client.get(SMALL, headers={**page, "Range": "bytes=0-3"})
    assert answer.headers["access-control-allow-origin"] == "*"
    exposed = answer.headers["access-control-expose-headers"]
    for name in ("Content-Range", "Accept-Ranges", "Content-Length", "ETag", "Content-Location", "X-Request-ID"):
        assert name in exposed
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "range, if-none-match"}
    preflight = client.options("/weights.npy", headers={**page, **asked})
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-methods"] == "GET, HEAD, POST"


def test_origins_can_be_restricted() -> None:
    with running(cors_origins='["https://lab.example"]') as service:
        for origin, allowed in (("https://lab.example", "https://lab.example"), ("https://other.example", None)):
            answer = httpx.get(service.url + SMALL, headers={"Origin": origin}, timeout=60)
            assert answer.headers.get("access-control-allow-origin") == allowed


@pytest.mark.parametrize("path", ["/docs/recipe.md", "/docs/recipe-vectors.json"])
def test_files_of_the_documentation_answer_conditions_and_ranges(client: httpx.Client, path: str) -> None:
    whole = client.get(path)
    etag = whole.headers["etag"]
    assert client.get(path, headers={"If-None-Match": etag}).status_code == 304
    assert client.get(path, headers={"If-None-Match": "*"}).status_code == 304
    assert client.get(path, headers={"If-Match": '"another"'}).status_code == 412
    part = client.get(path, headers={"Range": "bytes=10-19", "If-Range": etag})
    assert (part.status_code, part.content) == (206, whole.content[10:20])
    assert client.get(path, headers={"Range": "bytes=99999999-"}).status_code == 416
    assert client.head(path).headers["content-length"] == str(len(whole.content))


def test_a_refused_preflight_is_a_problem(client: httpx.Client) -> None:
    asked = {"Origin": "https://a.example", "Access-Control-Request-Method": "DELETE"}
    answer = client.options("/weights.npy", headers=asked)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert answer.json()["type"] == "urn:fanin:problem:refused-preflight"
    assert "method" in answer.json()["detail"]
