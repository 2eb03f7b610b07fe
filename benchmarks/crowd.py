"""How soon the server answers, and how much memory it takes, among thousands of slow and silent clients."""

import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from itertools import cycle
from threading import Event, Thread

from benchmarks.client import discarded, weight_path
from benchmarks.latency import LIMIT_MS, latencies, pair
from benchmarks.rows import Row
from benchmarks.sizes import Sizes
from harness.running import HOST, Service, running
from service.describe.network import Layout

# What each client sends, in turn: nothing, half a head and then a byte a second, half a body, and requests for
# answers of which it reads a MiB a minute or nothing.
HALF_HEAD = b"GET /livez HTTP/1.1\r\nHost: a\r\nX: "
HALF_BODY = b"POST /plan HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 999\r\n\r\n{"
DOWNLOAD = b"GET /weights.npy?layers=4096,4096&activation=relu&seed=1 HTTP/1.1\r\nHost: a\r\n\r\n"
CROWD = (b"", HALF_HEAD, HALF_BODY, DOWNLOAD)
MOST_GROWTH_MIB = 1024
PATIENCE_SECONDS = 600
SIDE = 8192
# Each client has its own second: thousands of bytes in one moment would be a burst, which no crowd sends.
TURNS_A_SECOND = 100
# Three quarters of the 2 GB of the container that is shipped.
CONTAINER_MEMORY = 3 * 2**29


def measure(sizes: Sizes) -> list[Row]:
    """Return latencies, memory and the rate of another client's download among the crowd, each beside none."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    title = f"{sizes.crowd:,} slow and silent clients"
    settings: dict[str, object] = {"memory": CONTAINER_MEMORY}
    settings |= dict.fromkeys(("head_seconds", "body_seconds", "stall_seconds"), PATIENCE_SECONDS)
    with running(**settings) as server, ExitStack() as held:
        idle, idle_rate, before = latencies(server.port, sizes.samples, lambda: True), _rate(server), server.memory()
        clients = [held.enter_context(client) for client in _crowd(server, sizes.crowd)]
        stop = Event()
        trickle = Thread(target=_trickle, args=(clients, stop))
        trickle.start()
        latencies(server.port, 1, lambda: True)  # when this is answered, all of the crowd has been taken in
        try:
            loaded, rate = latencies(server.port, sizes.samples, lambda: True), _rate(server)
        finally:
            stop.set()
            trickle.join()
        growth = (server.memory("VmHWM") - before) / 2**20
    return [
        Row(f"/livez p50 among {title}", *pair(loaded, idle, 50)),
        Row(f"/livez max of {len(loaded)} among {title}", *pair(loaded, idle, 100), value_below=LIMIT_MS),
        Row(f"another's download among {title}", rate, "MB/s", "without them", idle_rate, smallest_ratio=0.5),
        Row(f"memory for {title}", growth, "MiB", value_below=MOST_GROWTH_MIB),
    ]


def _crowd(server: Service, count: int) -> Iterator[socket.socket]:
    for number in range(count):
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect((HOST, server.port))
        client.sendall(CROWD[number % len(CROWD)])
        yield client


def _trickle(clients: list[socket.socket], stop: Event) -> None:
    """Send a byte a second on each half head, and read a MiB a minute of half of the downloads, spread over time."""
    heads, downloads = clients[1 :: len(CROWD)], clients[3 :: 2 * len(CROWD)]
    for turn in cycle(range(TURNS_A_SECOND)):
        if stop.wait(1 / TURNS_A_SECOND):
            return
        for client in heads[turn::TURNS_A_SECOND]:
            with suppress(OSError):
                client.send(b"x", socket.MSG_DONTWAIT)
        for client in downloads[turn::TURNS_A_SECOND]:
            with suppress(OSError):
                client.recv(2**20 // 60, socket.MSG_DONTWAIT)


def _rate(server: Service) -> float:
    """Return the megabytes a second of one large download; 0 where it is refused."""
    began = time.perf_counter()
    try:
        received = sum(discarded(server.port, weight_path(SIDE, Layout.IN_OUT)))
    except RuntimeError:
        return 0.0
    return received / 1e6 / (time.perf_counter() - began)
