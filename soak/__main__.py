"""Run three replicas among crowds and faults, and say what that left behind: python -m soak SECONDS."""

import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from threading import Event

from benchmarks.machine import Machine
from soak.clients import Client, Tally
from soak.replicas import Replicas, Sizes, started

CLIENTS = 20
# Of the replica whose clock jumps: libfaketime makes that so slow that it would take a core from the others.
CLIENTS_APART = 2
PAUSE_APART = 0.2  # seconds
MOST_REQUESTS = 1_000_000
FAULTS = 40  # in a run; in a short one fewer
LEAST_SECONDS_BETWEEN_FAULTS = 5.0
WARM_UP = 0.25  # of the time, after which growth is counted
SETTLE_SECONDS = 3.0  # after the last client has gone
# In a short run the caches are still filling, and memory is still being taken for the first of each kind of request.
MOST_GROWTH = {"resident": 100 * 2**20, "descriptors": 4, "threads": 8}
NEVER = ("faults", "hangs", "wrong", "unanswered")


def main() -> int:
    """Return the exit status: 0 if all held."""
    seconds = float(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder, started(Path(folder)) as replicas:
        tally, before, after, took = _soak(replicas, seconds)
        print(f"\n{Machine.here()}\n\n{_table(replicas, tally, before, after, took)}")
    for complaint in tally.complaints:
        print(complaint)
    return int(any(tally.counts[kind] for kind in NEVER) or not all(map(_is_steady, before.values(), after.values())))


def _soak(replicas: Replicas, seconds: float) -> tuple[Tally, Mapping[str, Sizes], Mapping[str, Sizes], float]:
    """Return what clients got, and what the replicas held before and at the end.

    Memory and threads are compared with those after the warm-up, descriptors with those before the first client came:
    all connections have gone at the end.
    """
    idle = {name: Sizes.of(service) for name, service in replicas.lasting.items()}
    tally, end = Tally(), Event()
    clients = [Client(number, replicas.either, tally, end) for number in range(CLIENTS)]
    clients += [Client(CLIENTS + number, replicas.apart, tally, end, PAUSE_APART) for number in range(CLIENTS_APART)]
    began = time.monotonic()
    for client in clients:
        client.start()
    faults = cycle(replicas.faults)
    pause = max(LEAST_SECONDS_BETWEEN_FAULTS, seconds / FAULTS)
    before: dict[str, Sizes] = {}
    while time.monotonic() < began + seconds and tally.requests < MOST_REQUESTS:
        time.sleep(min(pause, max(0.0, began + seconds - time.monotonic())))
        next(faults)()
        if not before and time.monotonic() > began + WARM_UP * seconds:
            before = {
                name: replace(Sizes.of(service), descriptors=idle[name].descriptors)
                for name, service in replicas.lasting.items()
            }
    replicas.free_disk()
    end.set()
    for client in clients:
        client.join()
    took = time.monotonic() - began
    time.sleep(SETTLE_SECONDS)
    return tally, before, {name: Sizes.of(service) for name, service in replicas.lasting.items()}, took


def _is_steady(before: Sizes, after: Sizes) -> bool:
    return all(getattr(after, name) - getattr(before, name) <= most for name, most in MOST_GROWTH.items())


def _table(
    replicas: Replicas, tally: Tally, before: Mapping[str, Sizes], after: Mapping[str, Sizes], took: float
) -> str:
    rows: list[tuple[str, object]] = [
        ("seconds", f"{took:.0f}"),
        ("requests answered", f"{tally.requests:,}"),
        ("of them in a second", f"{tally.requests / took:.0f}"),
        *((f"of them {first}xx", f"{_with(tally, first):,}") for first in (2, 3, 4)),
        ("of them 5xx, 503 left out", tally.counts["faults"]),
        ("of them 503", f"{tally.statuses[503]:,}"),
        ("hangs", tally.counts["hangs"]),
        ("without an answer from any replica", tally.counts["unanswered"]),
        ("answers with other bytes than before", tally.counts["wrong"]),
        ("tries that another replica, or connection, took over", f"{tally.counts['retries']:,}"),
        ("clients that left in the middle", f"{tally.counts['left']:,}"),
        ("replicas killed", replicas.kills),
        ("times the log's disk was full", replicas.full_disks),
        ("times the clock was set", replicas.jumps if replicas.jumping else "libfaketime is not installed"),
    ]
    for name, size in after.items():
        then = before[name]
        rows += [
            (
                f"{name}: memory, growth",
                f"{size.resident / 1e6:.0f} MB, {(size.resident - then.resident) / 1e6:+.0f} MB",
            ),
            (f"{name}: descriptors, growth", f"{size.descriptors}, {size.descriptors - then.descriptors:+d}"),
            (f"{name}: threads, growth", f"{size.threads}, {size.threads - then.threads:+d}"),
        ]
    return "\n".join(["| what | figure |", "|---|---|", *(f"| {what} | {figure} |" for what, figure in rows)])


def _with(tally: Tally, first_digit: int) -> int:
    return sum(count for status, count in tally.statuses.items() if status // 100 == first_digit)


if __name__ == "__main__":
    sys.exit(main())
