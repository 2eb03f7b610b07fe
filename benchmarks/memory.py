"""Peak memory of the server while one client downloads a tensor of 8.6 GB."""

from pathlib import Path
from time import perf_counter

from benchmarks.client import discarded, weight_path
from benchmarks.rows import Row
from benchmarks.sizes import Sizes
from service.spec import Layout
from tests.running import Service, running

LIMIT_MB = 300


def measure(sizes: Sizes) -> list[Row]:
    """Return the peaks and the seconds in both layouts."""
    if not Path("/proc/self/status").exists():
        raise RuntimeError("Memory is measured on Linux only, which tells the peak of a process.")
    return [row for layout in Layout for row in _download(layout, sizes.memory_side)]


def _download(layout: Layout, side: int) -> list[Row]:
    # The system keeps one peak for the life of a process, so each download gets a fresh server.
    with running() as server:
        idle = _megabytes(server, "VmRSS")
        start = perf_counter()
        received = sum(discarded(server.port, weight_path(side, layout)))
        seconds = perf_counter() - start
        peak = _megabytes(server, "VmHWM")
    title = f"{received / 1e9:.2f} GB in {layout}"
    return [
        Row(f"memory above idle at its peak, {title}", peak - idle, "MB", "idle", idle, value_below=LIMIT_MB),
        Row(f"seconds of that download, {title}", seconds, "s"),
        Row(f"rate of that download, {title}", received / 1e6 / seconds, "MB/s"),
    ]


def _megabytes(server: Service, field: str) -> float:
    """Return a size from the process's status, where "kB" means 1024 bytes."""
    for line in Path(f"/proc/{server.process.pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.split()[0]) * 1024 / 1e6
    raise RuntimeError(f"The system does not tell {field}.")
