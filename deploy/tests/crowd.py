"""Clients that keep asking while something happens to the replicas."""

import http.client
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from threading import Event, Thread

from deploy.tests.engine import Door

CLIENTS = 4
LENGTH = 128 + 4 * (50 * 20 + 20)  # of the file: its header, its values


class Crowd:
    """What clients got."""

    def __init__(self, door: Door) -> None:
        self.served = 0
        self.failures: list[str] = []
        self._door = door
        self._seeds = count()
        self._end = Event()

    def ask_until_the_end(self) -> None:
        while not self._end.wait(0.005):
            # Never the same twice, so that no cache answers.
            path = f"/weights.npy?layers=50,20&activation=relu&seed={next(self._seeds)}"
            try:
                answer = self._door.ask(path)
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))
                continue
            if (answer.status, len(answer.body)) == (200, LENGTH):
                self.served += 1
            else:
                self.failures.append(f"{answer.status} {answer.body[:200]!r}")

    def wait_for(self, more: int) -> None:
        """Wait until so many more have been served."""
        goal, end = self.served + more, time.monotonic() + 60
        while self.served < goal:
            assert time.monotonic() < end, f"{self.served} of {goal} served; {self.failures[:5]}"
            time.sleep(0.02)

    def end(self) -> None:
        self._end.set()


@contextmanager
def crowd(door: Door) -> Iterator[Crowd]:
    """Have clients ask for as long as the block lasts."""
    asked = Crowd(door)
    clients = [Thread(target=asked.ask_until_the_end) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    try:
        asked.wait_for(100)
        yield asked
    finally:
        asked.end()
        for client in clients:
            client.join()


def failures_while(door: Door, happens: Callable[[], object], after: int = 400) -> list[str]:
    """Return what failed for clients while something happened, and for so many requests after it."""
    with crowd(door) as asked:
        happens()
        asked.wait_for(after)
    return asked.failures
