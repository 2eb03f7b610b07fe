"""Who may ask: over a real socket, with a file of keys that changes."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import pytest

from harness.running import HOST, ROOT, Service, eventually, running
from service.web.http.keys import BadKeys, Key, read_keys

ALICE, BOB = "alice-2f6b1c", "bob-90aa41"
PLAN = "/plan?layers=4,3&activation=relu&seed=1"
OPEN = ("/", "/docs", "/docs/recipe.md", "/docs/recipe-vectors.json", "/openapi.json", "/livez", "/readyz")
CLOSED = (PLAN, "/weights.npy?layers=4,3&activation=relu", "/version", "/metrics", "/no/such/path", "/livez/")


def line(key: str, name: str = "") -> str:
    return f"{hashlib.sha256(key.encode()).hexdigest()} {name}\n"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "keys"
    path.write_text(f"# the lab's\n\n{line(ALICE, 'Alice A.')}", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def locked(keys: Path) -> Iterator[Service]:
    with running(api_keys_file=keys) as service:
        yield service


def ask(
    service: Service, path: str, *headers: tuple[str, str | bytes], method: str = "GET"
) -> tuple[HTTPResponse, bytes]:
    with closing(HTTPConnection(HOST, service.port, timeout=30)) as connection:
        connection.putrequest(method, path)
        for name, value in headers:
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        return answer, answer.read()


def status(service: Service, key: str, path: str = PLAN) -> int:
    return ask(service, path, ("Authorization", f"Bearer {key}"))[0].status


def replace(path: Path, text: str) -> None:
    """Change the file at once, as whoever changes it should."""
    new = path.with_suffix(".new")
    new.write_text(text, encoding="utf-8")
    new.replace(path)


def complaints(service: Service) -> list[str]:
    """Return how the reasons begin for which the file was not read again."""
    return [entry["reason"][:6] for entry in service.log_lines() if entry["message"] == "keys not read again"]


@pytest.mark.parametrize("path", OPEN)
def test_what_is_published_is_open(locked: Service, path: str) -> None:
    assert ask(locked, path)[0].status == 200


@pytest.mark.parametrize("path", CLOSED)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_all_else_needs_a_key(locked: Service, path: str, method: str) -> None:
    answer, body = ask(locked, path, ("Origin", "https://lab.example"), method=method)
    assert (answer.status, answer.headers["content-type"]) == (401, "application/problem+json")
    assert answer.headers["www-authenticate"] == 'Bearer realm="fanin"'
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["x-request-id"]
    if method != "HEAD":
        assert json.loads(body)["type"] == "urn:fanin:problem:unauthorized"


@pytest.mark.parametrize("value", [f"Bearer {ALICE}", f"bearer  {ALICE} ", f"BEARER {ALICE}"])
def test_a_key_opens(locked: Service, value: str) -> None:
    answer, body = ask(locked, PLAN, ("Authorization", value))
    assert (answer.status, json.loads(body)["elements"]) == (200, 4 * 3 + 3)


@pytest.mark.parametrize(
    "value",
    [
        f"Bearer {BOB}",
        f"Bearer {ALICE[:-1]}",
        f"Bearer {ALICE}x",
        f"Bearer {hashlib.sha256(ALICE.encode()).hexdigest()}",  # what the file holds opens nothing
        b"Bearer \xff\xfe",
        f"Bearer {'x' * 8000}",
    ],
)
def test_a_wrong_key_is_told_so(locked: Service, value: str | bytes) -> None:
    answer, _ = ask(locked, PLAN, ("Authorization", value))
    assert (answer.status, answer.headers["www-authenticate"]) == (401, 'Bearer realm="fanin", error="invalid_token"')


@pytest.mark.parametrize(
    "values",
    [("",), ("Bearer",), (ALICE,), (f"Basic {ALICE}",), (f"Bearer {ALICE} {ALICE}",), (f"Bearer {ALICE}",) * 2],
)
def test_what_is_no_key_is_none(locked: Service, values: tuple[str, ...]) -> None:
    answer, _ = ask(locked, PLAN, *(("Authorization", value) for value in values))
    assert (answer.status, answer.headers["www-authenticate"]) == (401, 'Bearer realm="fanin"')


def test_an_answer_is_kept_for_those_with_a_key_only(locked: Service) -> None:
    for _ in range(2):  # drawn, then from memory
        answer, _ = ask(locked, PLAN, ("Authorization", f"Bearer {ALICE}"))
        assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
        etag = answer.headers["etag"]
    assert ask(locked, PLAN)[0].status == 401
    assert ask(locked, PLAN, ("If-None-Match", etag))[0].status == 401
    unmodified, _ = ask(locked, PLAN, ("Authorization", f"Bearer {ALICE}"), ("If-None-Match", etag))
    assert (unmodified.status, unmodified.headers["cache-control"][:7]) == (304, "private")


def test_a_page_may_ask_whether_it_may_send_a_key(locked: Service) -> None:
    asked = (("Origin", "https://lab.example"), ("Access-Control-Request-Method", "GET"))
    answer, _ = ask(locked, PLAN, *asked, ("Access-Control-Request-Headers", "authorization"), method="OPTIONS")
    assert answer.status == 200
    assert "authorization" in answer.headers["access-control-allow-headers"]


def test_the_log_names_a_key_and_shows_none(locked: Service) -> None:
    ask(locked, PLAN, ("Authorization", f"Bearer {ALICE}"), ("X-Request-ID", "named"))
    ask(locked, PLAN, ("Authorization", f"Bearer {BOB}"), ("X-Request-ID", "unnamed"))
    assert eventually(lambda: any(entry.get("request_id") == "unnamed" for entry in locked.log_lines()))
    lines = {entry.get("request_id"): entry for entry in locked.log_lines()}
    assert lines["named"]["key"] == "Alice A."
    assert "key" not in lines["unnamed"]
    assert not any(key in locked.log.read_text() for key in (ALICE, BOB))


def test_the_document_says_that_a_key_is_needed(locked: Service) -> None:
    document = json.loads(ask(locked, "/openapi.json")[1])
    assert document["security"] == [{"key": []}]
    assert document["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    assert "401" in document["paths"]["/plan"]["get"]["responses"]
    assert document["paths"]["/livez"]["get"]["security"] == []
    assert "401" not in document["paths"]["/livez"]["get"]["responses"]


def test_keys_come_and_go_while_the_service_runs(locked: Service, keys: Path) -> None:
    before = keys.read_text(encoding="utf-8")
    replace(keys, before + line(BOB))
    assert eventually(lambda: status(locked, BOB) == 200)
    assert status(locked, ALICE) == 200
    replace(keys, line(BOB))
    assert eventually(lambda: status(locked, ALICE) == 401)
    # What cannot be read changes nothing, and is told.
    replace(keys, f"{line(ALICE)}not a digest\n")
    assert eventually(lambda: status(locked, BOB) and complaints(locked) == ["line 2"])
    keys.unlink()
    assert eventually(lambda: status(locked, BOB) and complaints(locked) == ["line 2", "is not"])
    assert (status(locked, BOB), status(locked, ALICE)) == (200, 401)
    # Nobody's key is nobody's service.
    replace(keys, "# none\n")
    assert eventually(lambda: status(locked, BOB) == 401)
    replace(keys, before)
    assert eventually(lambda: status(locked, ALICE) == 200)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"0" * 63, "line 1 is not"),
        (b"0" * 64 + b"\n" + b"g" * 64, "line 2 is not"),
        (b"0" * 64 + b"name", "line 1 is not"),
        (b"\xff", "is not text"),
        (b"#" * (2**20 + 1), "has more than 1048576 bytes"),
        (None, "is not a file"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path: Path, content: bytes | None, reason: str) -> None:
    path = tmp_path / "keys"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadKeys, match=reason):
        read_keys(path)


def test_a_line_is_a_digest_and_a_name(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text(f"  {'AB' * 32}\tthe name, with spaces \r\n{'00' * 32}\n", encoding="utf-8")
    assert read_keys(path) == (Key(b"\xab" * 32, "the name, with spaces"), Key(bytes(32), ""))


def test_the_service_does_not_start_without_its_keys(tmp_path: Path) -> None:
    environment = os.environ | {"FANIN_API_KEYS_FILE": str(tmp_path / "missing"), "FANIN_PORT": "0"}
    command = [sys.executable, "-m", "service"]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 1
    assert "is not a file" in ended.stderr
