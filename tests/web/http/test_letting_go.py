"""Clients that stop reading, and all others: what they hold is given back."""

import contextlib
import signal
import socket
from pathlib import Path

import httpx
import pytest

from harness.running import HOST, Service, eventually, running
from tests.web.uncollected import MESSAGE

NARROW = ",".join(["2"] * 1000)
LISTENING = "0A"  # in /proc/net/tcp


def stalled(service: Service, path: str, version: str = "1.1") -> socket.socket:
    """Ask for something and read nothing of it."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(30)
    connection.connect((HOST, service.port))
    connection.sendall(f"GET {path} HTTP/{version}\r\nHost: a\r\n\r\n".encode())
    return connection


def connections(service: Service) -> int:
    """Count the sockets that the service has open to clients."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    own = [line for line in lines if line[1].endswith(f":{service.port:04X}") and line[3] != LISTENING]
    # What a process has closed, but the system has not yet, has no inode.
    return sum(line[9] != "0" for line in own)


def test_a_client_that_stalls_at_the_last_part_gives_its_slot_back() -> None:
    with running(drawings=64, stall_seconds=0.5) as service, contextlib.ExitStack() as held:
        for kib in range(1024, 7168, 128):  # wherever the buffers of this kernel end, one of these ends just behind
            path = f"/weights/layers.0.weight.bin?layers={kib},256&activation=relu&seed=1&bias=none"
            held.enter_context(stalled(service, path))
        assert eventually(lambda: service.metric("fanin_drawings") == 0)


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="only Linux lists sockets there")
@pytest.mark.parametrize(
    ("path", "version"),
    [
        ("/weights/layers.0.weight.bin?layers=40000,40000&activation=relu&seed=1&layout=out_in", "1.1"),
        ("/weights.json?layers=1000,2000&activation=relu&seed=1", "1.0"),
        (f"/plan?layers={NARROW}&activation=relu&seed=1", "1.1"),
    ],
    ids=["a large tensor", "JSON for HTTP/1.0", "a large plan"],
)
def test_a_client_that_was_let_go_holds_no_connection_and_so_no_memory(path: str, version: str) -> None:
    with running(stall_seconds=0.5) as service, contextlib.ExitStack() as held:
        for _ in range(4):
            held.enter_context(stalled(service, path, version))
        assert eventually(lambda: connections(service) >= 4)
        assert eventually(lambda: connections(service) == 0)
        assert service.metric("fanin_drawings") == 0


LEARN = "layers=2,5,2&activation=tanh&data=circles&steps=5&seed={seed}"
LAYERS = "layers=20,10,5&activation=relu&seed={seed}"
END = "Host: a\r\nConnection: close\r\n\r\n"
REQUESTS = {
    "a plan": f"GET /plan?{LAYERS} HTTP/1.1\r\n{END}",
    "a range": f"GET /weights.npy?{LAYERS} HTTP/1.1\r\nRange: bytes=5-\r\n{END}",
    "an archive": f"GET /weights.npz?{LAYERS} HTTP/1.1\r\n{END}",
    "JSON for HTTP/1.0": f"GET /weights.json?{LAYERS} HTTP/1.0\r\n\r\n",
    "a picture": f"GET /diagnose.svg?{LAYERS}&samples=20 HTTP/1.1\r\n{END}",
    "a training": f"GET /learn.ndjson?{LEARN} HTTP/1.1\r\n{END}",
    "a bad query": f"GET /weights.npy?layers=0 HTTP/1.1\r\n{END}",
    "no such path": f"GET /nowhere HTTP/1.1\r\n{END}",
    "no JSON": f"POST /plan HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 7\r\n{END}no JSON",
    "no HTTP": "no HTTP at all\r\n\r\n",
    "half a head": "GET /plan",
}


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="only Linux lists sockets there")
@pytest.mark.parametrize("text", REQUESTS.values(), ids=REQUESTS)
def test_what_a_client_has_left_behind_need_not_be_searched_for(text: str) -> None:
    with running("-m", "tests.web.uncollected") as service:
        httpx.get(f"{service.url}/openapi.json", timeout=60)  # which is made meanwhile, and leaves much behind

        def ask(seed: int) -> None:
            with socket.create_connection((HOST, service.port), timeout=30) as client:
                client.sendall(text.format(seed=seed).encode())
                while text.endswith(("\n", "JSON")) and client.recv(2**16):
                    pass

        def uncollected() -> dict[str, int]:
            assert eventually(lambda: connections(service) == 0)
            before = len(service.log_lines())
            service.process.send_signal(signal.SIGUSR1)
            assert eventually(lambda: any(line["message"] == MESSAGE for line in service.log_lines()[before:]))
            (line,) = (line for line in service.log_lines()[before:] if line["message"] == MESSAGE)
            found: dict[str, int] = line["found"]
            return found

        for seed in range(5):  # what is made once is there
            ask(seed)
        uncollected()
        for seed in range(5, 25):
            ask(seed)
        assert {kind: count for kind, count in uncollected().items() if count >= 20} == {}
