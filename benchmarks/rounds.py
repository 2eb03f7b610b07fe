"""Timing in turns: a slow spell of the machine falls on all that is compared."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from statistics import median
from time import perf_counter


def median_seconds(calls: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return the median seconds of each call, after one round that is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(rounds + 1):
        for name, call in calls.items():
            start = perf_counter()
            call()
            if number:
                seconds[name].append(perf_counter() - start)
    return {name: median(found) for name, found in seconds.items()}


@contextmanager
def one_core() -> Iterator[None]:
    """Keep this process on one core, where the system can, so that no round pays for a move."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)
