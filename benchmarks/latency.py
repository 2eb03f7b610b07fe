"""How soon the server answers /livez while four clients pull large tensors on the same cores."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from multiprocessing import get_context
from multiprocessing.context import SpawnProcess
from threading import Event, Thread
from typing import Any

import httpx
import numpy as np

from benchmarks.client import TIMEOUT_SECONDS, discarded, weight_path
from benchmarks.rows import Row
from benchmarks.sizes import Sizes
from harness.running import HOST, running
from service.describe.network import Layout

CLIENTS = 4
SPACING_SECONDS = 0.05
START_SECONDS = 30
LIMIT_MS = 100


@dataclass(frozen=True, slots=True)
class Download:
    """A client in a process of its own, so that its interpreter's lock is not what is measured."""

    process: SpawnProcess
    received: Any  # a shared 64-bit integer: bytes so far

    def is_running(self) -> bool:
        """Return whether bytes still come; raise RuntimeError if the client failed."""
        if self.process.exitcode:
            raise RuntimeError("A download failed; its client said why above.")
        return self.process.exitcode is None


def measure(sizes: Sizes) -> list[Row]:
    """Return the latencies in both layouts, each beside those of the idle server."""
    downloads = [_under_load(weight_path(sizes.latency_side, layout), layout, sizes) for layout in Layout]
    return [*(row for rows in downloads for row in rows), _beside_a_diagnosis(sizes)]


def _beside_a_diagnosis(sizes: Sizes) -> Row:
    """Return the slowest answer while one diagnosis after the other runs."""
    widths = ",".join(["784"] + [str(sizes.diagnosis_width)] * 10)
    with running() as server:
        idle = latencies(server.port, sizes.samples, lambda: True)
        stop = Event()
        client = Thread(target=_diagnose_until, args=(f"{server.url}/diagnose?layers={widths}&activation=relu", stop))
        client.start()
        try:
            loaded = latencies(server.port, sizes.samples, client.is_alive)
        finally:
            stop.set()
            client.join()
    return Row(f"/livez max of {len(loaded)} beside a diagnosis", *pair(loaded, idle, 100), value_below=LIMIT_MS)


def _diagnose_until(url: str, stop: Event) -> None:
    while not stop.is_set():
        httpx.get(url, timeout=TIMEOUT_SECONDS).raise_for_status()


def _under_load(path: str, layout: Layout, sizes: Sizes) -> list[Row]:
    with running() as server:
        idle = latencies(server.port, sizes.samples, lambda: True)
        with _downloads(server.port, path) as downloads:
            before, start = _received(downloads), time.perf_counter()
            loaded = latencies(server.port, sizes.samples, lambda: all(d.is_running() for d in downloads))
            rate = (_received(downloads) - before) / 1e6 / (time.perf_counter() - start)
    if not loaded:
        raise RuntimeError("The downloads ended before a request was timed.")
    title = f"{CLIENTS} clients pull {layout}"
    return [
        Row(f"/livez p50, {title}", *pair(loaded, idle, 50)),
        Row(f"/livez p99, {title}", *pair(loaded, idle, 99)),
        Row(f"/livez max of {len(loaded)}, {title}", *pair(loaded, idle, 100), value_below=LIMIT_MS),
        Row(f"rate of all meanwhile, {title}", rate, "MB/s"),
    ]


def pair(loaded: list[float], idle: list[float], percentile: float) -> tuple[float, str, str, float]:
    """Return a percentile of both, as a row wants them."""
    return float(np.percentile(loaded, percentile)), "ms", "idle", float(np.percentile(idle, percentile))


def latencies(port: int, samples: int, may_go_on: Callable[[], bool]) -> list[float]:
    """Return the milliseconds of up to so many requests, as long as the load lasts."""
    found: list[float] = []
    start = time.perf_counter()
    while len(found) < samples:
        elapsed = _milliseconds(port)
        if not may_go_on():
            break
        found.append(elapsed)
        time.sleep(max(0.0, start + len(found) * SPACING_SECONDS - time.perf_counter()))
    return found


def _milliseconds(port: int) -> float:
    """Time one request on a fresh connection, as the health check of an orchestrator makes it."""
    start = time.perf_counter()
    with closing(HTTPConnection(HOST, port, timeout=TIMEOUT_SECONDS)) as connection:
        connection.request("GET", "/livez")
        response = connection.getresponse()
        response.read()
    elapsed = (time.perf_counter() - start) * 1000
    if response.status != 200:
        raise RuntimeError(f"/livez: status {response.status}")
    return elapsed


@contextmanager
def _downloads(port: int, path: str) -> Iterator[list[Download]]:
    """Keep the clients downloading for the length of the block, from when all of them have received something."""
    context = get_context("spawn")
    counters = [context.Value("q", 0) for _ in range(CLIENTS)]
    processes = [context.Process(target=_download, args=(port, path, counter), daemon=True) for counter in counters]
    downloads = [Download(*pair) for pair in zip(processes, counters, strict=True)]
    try:
        for process in processes:
            process.start()
        _wait_for_first_bytes(downloads)
        yield downloads
    finally:
        for process in processes:
            if process.pid is not None:
                process.kill()
                process.join()


def _download(port: int, path: str, received: Any) -> None:
    for count in discarded(port, path):
        received.value += count  # nobody else writes it


def _wait_for_first_bytes(downloads: list[Download]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not all(download.received.value for download in downloads):
        if time.monotonic() > deadline:
            raise RuntimeError("A download did not begin.")
        for download in downloads:
            download.is_running()
        time.sleep(0.01)


def _received(downloads: list[Download]) -> int:
    return sum(download.received.value for download in downloads)
