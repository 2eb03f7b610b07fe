"""All that takes most, at once, in a memory cgroup of the size of the container that is shipped: nothing is killed."""

import io
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
import numpy as np
import pytest
import safetensors.numpy

from harness.running import HOST, Service, eventually, running

GIB = 2**30
LIMIT = 2 * GIB
WIDE = ",".join(["16777216"] * 1000)
LARGE = "layers=40000,40000&activation=relu&seed=1&layout=out_in"
# Each takes nearly all that one diagnosis may.
DIAGNOSES = (
    "layers=9200,9200&activation=relu&seed=1&samples=100",
    "layers=9200,9200&activation=relu&seed=1&samples=100&dtype=float64&layout=out_in",
    "layers=100,100,100&activation=gelu&seed=1&samples=160000",
    "layers=300,300,300&activation=tanh&seed=1&samples=55000&normalization=batch",
)


@dataclass(frozen=True)
class Cgroup:
    """A memory cgroup, of version 1 or 2."""

    folder: Path
    peak_file: str

    @property
    def peak(self) -> int:
        return int((self.folder / self.peak_file).read_text())


@contextmanager
def cgroup() -> Iterator[Cgroup]:
    """Make a memory cgroup with the limit, or skip the test where that is not allowed."""
    mount = Path("/sys/fs/cgroup")
    top, limit_file, peak_file = mount, "memory.max", "memory.peak"
    if (mount / "memory").is_dir():
        top, limit_file, peak_file = mount / "memory", "memory.limit_in_bytes", "memory.max_usage_in_bytes"
    folder = top / f"fanin-{os.getpid()}"
    try:
        folder.mkdir()
        (folder / limit_file).write_text(str(LIMIT))
    except OSError as error:
        pytest.skip(f"no memory cgroup can be made here: {error}")
    try:
        yield Cgroup(folder, peak_file)
    finally:
        eventually(lambda: not (folder / "cgroup.procs").read_text())
        folder.rmdir()


@contextmanager
def running_in(group: Cgroup) -> Iterator[Service]:
    enter = f"import os; open({str(group.folder / 'cgroup.procs')!r}, 'w').write(str(os.getpid()))"
    with running(
        "-c", f"{enter}\nfrom service.__main__ import main\nmain()", diagnosis_seconds=30, body_seconds=300
    ) as service:
        yield service


def zeros(elements: int) -> bytes:
    """Return a small archive of one square weight of so many float64 zeros."""
    side = int(elements**0.5)
    file = io.BytesIO()
    np.savez_compressed(file, allow_pickle=True, **{"layers.0.weight": np.zeros((side, side))})
    return file.getvalue()


def stalled(service: Service, held: ExitStack, head: str, body: bytes = b"") -> None:
    """Send a request, with as much of a body as the service takes, and read nothing."""
    connection = held.enter_context(socket.create_connection((HOST, service.port), timeout=60))
    connection.sendall(f"{head}\r\nHost: a\r\n".encode())
    with suppress(OSError):
        connection.sendall(b"Content-Length: %d\r\n\r\n" % 2**26 + body if body else b"\r\n")


def test_all_worst_cases_at_once_fit_into_a_container_of_2_gib() -> None:
    with cgroup() as group, running_in(group) as service, ExitStack() as held:
        assert 2**30 < service.metric("fanin_memory_allowed_bytes") < LIMIT
        bombs = [zeros(2**27), zeros(80_000_000)]
        weights = safetensors.numpy.save({"layers.0.weight": np.ones((4000, 4000), np.float32)})
        calls: list[Callable[[], httpx.Response]] = []
        for query in DIAGNOSES:
            calls += [partial(httpx.get, f"{service.url}/diagnose?{query}", timeout=300)] * 2
        for body in (*bombs, weights):
            url = f"{service.url}/diagnose/weights?activation=relu&samples=2"
            calls += [partial(httpx.post, url, content=body, timeout=300)] * 4
        answers: list[httpx.Response] = []
        threads = [threading.Thread(target=lambda call=call: answers.append(call())) for call in calls]
        for thread in threads:
            thread.start()
        assert eventually(lambda: service.metric("fanin_memory_bytes") > GIB - 2**27, 60)
        for _ in range(64):
            stalled(service, held, f"GET /weights.npy?{LARGE} HTTP/1.1")
            stalled(service, held, f"GET /plan?layers={WIDE}&activation=relu HTTP/1.1")
            stalled(service, held, "GET /weights.json?layers=2000,2000&activation=relu HTTP/1.1")
            stalled(service, held, "GET /weights.json?layers=2000,2000&activation=relu HTTP/1.0")
        for _ in range(8):
            stalled(service, held, "POST /diagnose/weights?activation=relu HTTP/1.1", bytes(60 * 2**20))
        for thread in threads:
            thread.join()
        print(
            f"peak of the cgroup {group.peak / 2**20:.0f} MiB, of the process {service.memory('VmHWM') / 2**20:.0f} MiB"
        )
        print(sorted((answer.status_code, answer.elapsed.total_seconds()) for answer in answers))
        assert service.process.poll() is None
        assert httpx.get(f"{service.url}/livez", timeout=60).status_code == 200
        assert len(answers) == len(calls)
        assert {200, 413} <= {answer.status_code for answer in answers} <= {200, 413, 503}
        assert service.memory("VmHWM") < LIMIT
