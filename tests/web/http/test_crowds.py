"""Clients by the thousand, and clients without measure: what they hold is bounded, and others are answered."""

import contextlib
import json
import resource
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from harness.running import HOST, Service, eventually, running

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="only Linux tells the memory of a process"
)

MIB = 2**20
CROWD = 1000
CHUNKED = b"POST /plan HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
TINY = b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"
LARGE = "/weights/layers.0.weight.bin?layers=40000,40000&activation=relu&seed=1"


@pytest.fixture(scope="module")
def alone() -> Iterator[Service]:
    with running() as service:
        assert (
            httpx.get(f"{service.url}/weights.npy?layers=64,64&activation=relu&seed=1", timeout=60).status_code == 200
        )
        yield service


def poured(service: Service, opening: bytes, part: bytes, most: int, seconds: float = 8) -> int:
    """Send as much as is taken of `part` again and again, up to `most` bytes; read and drop all answers."""
    sent, end = 0, time.monotonic() + seconds
    with socket.create_connection((HOST, service.port), timeout=30) as connection, contextlib.suppress(ConnectionError):
        connection.sendall(opening)
        connection.settimeout(0)
        while sent < most and time.monotonic() < end:
            with contextlib.suppress(BlockingIOError):
                sent += connection.send(part)
            with contextlib.suppress(BlockingIOError):
                if not connection.recv(MIB):
                    break
    return sent


@pytest.mark.parametrize(
    ("opening", "part"),
    [
        (CHUNKED + b"0\r\n", b"X: y\r\n" * 10_000),
        (CHUNKED + b"1;", b"x" * 65_536),
        (CHUNKED, b"1\r\n{\r\n" * 10_000),
        (b"", TINY * 2_000),
        (f"GET {LARGE} HTTP/1.1\r\nHost: a\r\n\r\n".encode(), TINY * 2_000),
        (TINY[:-2], b"X: y\r\n" * 10_000),
    ],
    ids=["trailers", "an endless chunk line", "tiny chunks", "tiny requests", "requests behind a download", "headers"],
)
def test_no_connection_takes_memory_without_bound(alone: Service, opening: bytes, part: bytes) -> None:
    before = alone.memory()
    poured(alone, opening, part, 40 * MIB)
    # Pieces of the download take some tens of MiB.
    assert alone.memory("VmHWM") - before < 64 * MIB
    assert httpx.get(f"{alone.url}/livez", timeout=60).status_code == 200


def crowd(service: Service, *sent: bytes) -> contextlib.ExitStack:
    """Return a thousand open connections that have sent one of these each, in turn."""
    held = contextlib.ExitStack()
    for number in range(CROWD):
        connection = held.enter_context(socket.create_connection((HOST, service.port), timeout=30))
        connection.sendall(sent[number % len(sent)])
    return held


def test_a_crowd_that_sends_no_whole_head_is_answered_or_closed_in_time_and_others_are_served() -> None:
    _descriptors()
    with running(head_seconds=2) as service:
        before = service.memory()
        with crowd(service, b"", b"GET /livez HTTP/1.1\r\nHo", b"GET /livez HTTP/1.1\r\nX: " + bytes(30_000)):
            assert httpx.get(f"{service.url}/livez", timeout=60).status_code == 200
            assert service.memory() - before < 200 * MIB
            assert eventually(
                lambda: service.metric("fanin_malformed_requests_total", reason="slow-head") == 2 * CROWD // 3
            )


def trickled(service: Service, opening: bytes, part: bytes, seconds: float = 20) -> bytes | None:
    """Send `part` every tenth of a second; return what is heard until the connection is closed, None if it is not."""
    heard, end = b"", time.monotonic() + seconds
    with socket.create_connection((HOST, service.port), timeout=0.1) as connection:
        connection.sendall(opening)
        while time.monotonic() < end:
            with contextlib.suppress(TimeoutError):
                if not (new := connection.recv(2**16)):
                    return heard
                heard += new
            with contextlib.suppress(ConnectionError):
                connection.sendall(part)
    return None


def test_a_byte_now_and_then_wins_no_time() -> None:
    with running(head_seconds=1, body_seconds=1) as service:
        for opening, part, setting in (
            (b"GET /livez HTTP/1.1\r\nHost: a\r\nX: ", b"x", "FANIN_HEAD_SECONDS"),
            (CHUNKED, b"1\r\n{\r\n", "FANIN_BODY_SECONDS"),
        ):
            heard = trickled(service, opening, part)
            assert heard is not None
            assert heard.startswith(b"HTTP/1.1 408 ")
            assert setting in json.loads(heard.partition(b"\r\n\r\n")[2])["detail"]


@pytest.mark.parametrize("opening", [b"", TINY], ids=["from the start", "after an answer"])
def test_silence_is_closed_without_a_word(opening: bytes) -> None:
    with running(head_seconds=1) as service:
        heard = trickled(service, opening, b"")
        assert heard is not None
        assert heard.count(b"HTTP/1.1 ") == bool(opening)


def test_one_connection_too_many_is_closed_counted_and_logged() -> None:
    with running(connections=4) as service, contextlib.ExitStack() as held:
        taken = [held.enter_context(socket.create_connection((HOST, service.port), timeout=30)) for _ in range(3)]
        assert service.metric("fanin_connections_turned_away_total") == 0
        taken.append(held.enter_context(socket.create_connection((HOST, service.port), timeout=30)))
        for _ in range(2):
            with pytest.raises(httpx.TransportError):
                httpx.get(f"{service.url}/livez", timeout=60)
        taken.pop().close()
        assert eventually(lambda: service.metric("fanin_connections_turned_away_total") >= 2)
        assert [line["message"] for line in service.log_lines()].count("no place for a connection") == 1


def test_descriptors_are_raised_to_the_hard_limit() -> None:
    program = "import resource as r; r.setrlimit(r.RLIMIT_NOFILE, (64, r.getrlimit(r.RLIMIT_NOFILE)[1]))\n"
    with running("-c", f"{program}from service.__main__ import main; main()") as service:
        limits = Path(f"/proc/{service.process.pid}/limits").read_text()
        soft, hard = next(line.split()[3:5] for line in limits.splitlines() if line.startswith("Max open files"))
        assert soft == hard


def test_connections_are_no_more_than_descriptors_allow() -> None:
    program = "import resource as r; r.setrlimit(r.RLIMIT_NOFILE, (110, 110))\n"
    with (
        running("-c", f"{program}from service.__main__ import main; main()") as service,
        contextlib.ExitStack() as held,
    ):
        for _ in range(150):
            held.enter_context(socket.create_connection((HOST, service.port), timeout=30))
        assert eventually(lambda: "no place for a connection" in [line["message"] for line in service.log_lines()])
        held.close()
        assert eventually(lambda: httpx.get(f"{service.url}/livez", timeout=60).status_code == 200)


def test_a_log_that_nobody_reads_stops_no_request() -> None:
    stuck = "import logging, os; os.dup2(os.pipe()[1], 1); "
    # The harness reads there where it listens.
    told = "logging.getLogger('uvicorn.error').addHandler(logging.StreamHandler()); "
    few = "import service.web.http.log_writer as log; log.MOST_WAITING = 100; "
    with (
        running("-c", f"{stuck}{told}{few}from service.__main__ import main; main()") as service,
        httpx.Client(base_url=service.url, timeout=30) as client,
    ):
        for _ in range(1000):  # a pipe takes some 250 lines
            assert client.get("/livez").status_code == 200
        assert service.metric("fanin_log_lines_lost") > 0
        service.process.terminate()
        assert service.process.wait(timeout=60) == 0


def _descriptors() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
