"""The replicas that are asked, and what happens to them meanwhile."""

import random
import resource
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Self

from harness.running import Service, running

# Small, so that a long day's requests fit: what exceeds them is refused, and that is met often too. What is kept to be
# used again is full after the warm-up, so that it does not pass for growth.
LIMITS = {
    "response_bytes": 2**20,
    "json_elements": 2**14,
    "diagnosis_bytes": 2**24,
    "learning_work": 2**20,
    "matrix_bytes": 2**20,
}
FAKETIME = tuple(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))  # Debian's package libfaketime
JUMPS = ("+3600", "-86400", "+0", "+31536000", "-1", "+0")  # seconds from the true time
# The library must be there before the program begins. Time that passes is left as it is, as when a clock is set.
UNDER_FAKETIME = """
import os, sys
os.environ |= {{"LD_PRELOAD": {library!r}, "FAKETIME_TIMESTAMP_FILE": {file!r}, "FAKETIME_CACHE_DURATION": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1"}}
os.execv(sys.executable, [sys.executable, "-c", {program!r}])
"""
# libfaketime does not know the absolute, monotonic sleep of Python 3.11, which fails under it.
WITH_ANOTHER_SLEEP = """
import runpy, select, time
time.sleep = lambda seconds: select.select((), (), (), seconds) and None
runpy.run_module("service", run_name="__main__")
"""


@dataclass(frozen=True, slots=True)
class Sizes:
    """What a process holds."""

    resident: int  # bytes of memory
    descriptors: int
    threads: int

    @classmethod
    def of(cls, service: Service) -> Self:
        """Return what a running service holds now."""
        folder = Path(f"/proc/{service.process.pid}")
        status = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines())
        resident = int(status["VmRSS"].split()[0]) * 1024
        return cls(resident, len(list((folder / "fd").iterdir())), int(status["Threads"]))


@dataclass(slots=True)
class Replicas:
    """Three that share nothing: one whose log's disk fills, one that is killed, one whose clock jumps."""

    full: Service
    killed: Service | None  # None while it starts again
    jumping: Service | None  # None where libfaketime is not installed
    clock: Path
    kills: int = 0
    full_disks: int = 0
    jumps: int = 0
    _of_killed: ExitStack = field(default_factory=ExitStack)
    _next_jump: Iterator[str] = field(default_factory=lambda: cycle(JUMPS))

    @property
    def lasting(self) -> dict[str, Service]:
        """Those that run from beginning to end."""
        return {"log's disk full": self.full} | ({"clock jumps": self.jumping} if self.jumping else {})

    def either(self, chance: random.Random) -> Service:
        """Return one of the two in front of which there might be a proxy, that runs as far as is known."""
        return chance.choice([service for service in (self.full, self.killed) if service])

    def apart(self, _: random.Random) -> Service:
        """Return the one whose clock jumps."""
        return self.jumping or self.full

    @property
    def faults(self) -> tuple[Callable[[], None], ...]:
        """What can happen, in turns."""
        return self.kill_one, self.fill_disk, *((self.set_clock,) if self.jumping else ()), self.free_disk

    def kill_one(self) -> None:
        """Kill a replica in the middle of its work, and start another in its place."""
        killed, self.killed = self.killed, None
        if killed:
            killed.process.kill()
        self._of_killed.close()
        self.killed = self._of_killed.enter_context(running(**LIMITS))
        self.kills += 1

    def fill_disk(self) -> None:
        """Let no further byte into the log: each write fails, as on a full disk."""
        _limit_files(self.full, self.full.log.stat().st_size)
        self.full_disks += 1

    def free_disk(self) -> None:
        """Let the log be written again."""
        _limit_files(self.full, resource.RLIM_INFINITY)

    def set_clock(self) -> None:
        """Set the clock of one replica."""
        self.clock.write_text(next(self._next_jump), encoding="ascii")
        self.jumps += 1

    def close(self) -> None:
        """Stop the one that is started again and again."""
        self._of_killed.close()


@contextmanager
def started(folder: Path) -> Iterator[Replicas]:
    """Start the replicas; stop them at the end."""
    clock = folder / "clock"
    clock.write_text("+0", encoding="ascii")
    with ExitStack() as stack:
        jumping = None
        if FAKETIME:
            program = UNDER_FAKETIME.format(library=str(FAKETIME[0]), file=str(clock), program=WITH_ANOTHER_SLEEP)
            jumping = stack.enter_context(running("-c", program, **LIMITS))
        replicas = Replicas(stack.enter_context(running(**LIMITS)), None, jumping, clock)
        stack.callback(replicas.close)
        replicas.kill_one()
        replicas.kills = 0  # nobody was killed yet
        yield replicas


def _limit_files(service: Service, size: int) -> None:
    resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
