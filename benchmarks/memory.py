"""Peak memory of the server: one client that downloads 8.6 GB, and as many as may be that read nothing."""

from contextlib import ExitStack, closing
from pathlib import Path
from time import perf_counter, sleep

from benchmarks.client import discarded, weight_path
from benchmarks.rows import Row
from benchmarks.sizes import Sizes
from harness.running import Service, running
from service.describe.network import Layout
from service.web.settings import Settings

LIMIT_MB = 300
STALLED = ("bin", "json")
# Less than the memory that docker-compose.yml allows, which is 2 GiB.
STALLED_LIMIT_MB = 1800
DRAWN = "fanin_elements_drawn_total"
SETTLE_SECONDS = 2


def measure(sizes: Sizes) -> list[Row]:
    """Return the peaks and the seconds in both layouts."""
    if not Path("/proc/self/status").exists():
        raise RuntimeError("Memory is measured on Linux only, which tells the peak of a process.")
    rows = [row for layout in Layout for row in _download(layout, sizes.memory_side)]
    stalled = [_stalled(suffix) for suffix in STALLED]
    return rows + stalled


def _download(layout: Layout, side: int) -> list[Row]:
    # The system keeps one peak for the life of a process, so each download gets a fresh server.
    with running() as server:
        idle = megabytes(server, "VmRSS")
        start = perf_counter()
        received = sum(discarded(server.port, weight_path(side, layout)))
        seconds = perf_counter() - start
        peak = megabytes(server, "VmHWM")
    title = f"{received / 1e9:.2f} GB in {layout}"
    return [
        Row(f"memory above idle at its peak, {title}", peak - idle, "MB", "idle", idle, value_below=LIMIT_MB),
        Row(f"seconds of that download, {title}", seconds, "s"),
        Row(f"rate of that download, {title}", received / 1e6 / seconds, "MB/s"),
    ]


def _stalled(suffix: str) -> Row:
    """Return the peak while every place is taken by a client that reads nothing."""
    clients = Settings.model_fields["drawings"].default
    path = f"/weights/layers.0.weight.{suffix}?layers=2048,2000&activation=relu&seed=1&dtype=float64&layout=out_in"
    with running() as server, ExitStack() as connections:
        idle = megabytes(server, "VmRSS")
        for _ in range(clients):
            connections.enter_context(closing(server.open(path)))
        drawn, previous = server.metric(DRAWN), -1.0
        while drawn != previous:
            sleep(SETTLE_SECONDS)
            drawn, previous = server.metric(DRAWN), drawn
        peak = megabytes(server, "VmHWM")
    name = f"memory above idle at its peak, {clients} clients of .{suffix} that read nothing"
    return Row(name, peak - idle, "MB", "idle", idle, value_below=STALLED_LIMIT_MB)


def megabytes(server: Service, field: str) -> float:
    """Return a size from the process's status, where "kB" means 1024 bytes."""
    for line in Path(f"/proc/{server.process.pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.split()[0]) * 1024 / 1e6
    raise RuntimeError(f"The system does not tell {field}.")
