"""Machine code for a level of x86-64 beside code for this very CPU, and how soon a service that reads it is ready."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from importlib.util import find_spec
from statistics import median
from time import perf_counter

from benchmarks.rounds import median_seconds, one_core
from benchmarks.rows import Row
from benchmarks.sizes import Sizes
from harness.running import ROOT, running

LEAST_OF_NATIVE = 0.95
VALUES, TURNS = 2**22, 60  # short turns and many of them: a slow spell falls on both
LONGEST_START = 2.0  # seconds
# Draws whenever it is told to, in a process of its own: what Numba compiles for is decided before it is loaded.
PROGRAM = """
import sys
import numpy as np
from service.numerics.recipe.backend import fill_run
from service.numerics.recipe.distributions import DistributionName, Stream
values = np.ones(int(sys.argv[1]), np.float32)
stream = Stream.of(1, "layers.0.weight", DistributionName.NORMAL, 1.0)
for _ in sys.stdin:
    fill_run(values, stream, 0)
    print(flush=True)
"""


def measure(sizes: Sizes) -> list[Row]:
    """Return the rate of this CPU's level, and the seconds to a service that is ready; none without Numba."""
    if find_spec("numba") is None:
        return [Row("machine code of a level, numba not installed", 0.0, "M/s")]
    return [_rate(), _start(sizes)]


def _rate() -> Row:
    from llvmlite.binding import get_host_cpu_features, get_host_cpu_name  # noqa: PLC0415 - where Numba is installed

    from service.numerics.recipe.levels import best_level  # noqa: PLC0415

    level = best_level(get_host_cpu_features())
    targets = {"level": {}, "native": {"NUMBA_CPU_NAME": get_host_cpu_name()}}
    with one_core(), ExitStack() as processes:
        draws = {name: processes.enter_context(_drawing(VALUES, target)) for name, target in targets.items()}
        seconds = median_seconds(draws, TURNS)
    level_rate, native_rate = (VALUES / 1e6 / seconds[name] for name in targets)
    return Row(
        f"draw normal, code for {level}", level_rate, "M/s", "for this CPU", native_rate, smallest_ratio=LEAST_OF_NATIVE
    )


def _start(sizes: Sizes) -> Row:
    seconds = []
    for _ in range(sizes.rounds + 1):
        start = perf_counter()
        with running():
            seconds.append(perf_counter() - start)
    # The first start compiles what is not on disk yet.
    return Row("seconds to a service that is ready, code read", median(seconds[1:]), "s", value_below=LONGEST_START)


@contextmanager
def _drawing(count: int, target: dict[str, str]) -> Iterator[Callable[[], None]]:
    """Start a process that compiles for a target; give what has it draw once, and waits for that."""
    command = [sys.executable, "-c", PROGRAM, str(count)]
    environment = os.environ | target
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        yield partial(_draw, process)
        process.communicate()


def _draw(process: subprocess.Popen[str]) -> None:
    if process.stdin is None or process.stdout is None or process.poll() is not None:
        raise RuntimeError("The process that draws has ended.")
    process.stdin.write("\n")
    process.stdin.flush()
    process.stdout.readline()
