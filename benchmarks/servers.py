"""Servers to measure: the service with either backend, and the least that a service on its stack can do."""

from contextlib import AbstractContextManager
from importlib.util import find_spec

from harness.running import Service, running

WITHOUT_NUMBA = "import sys; sys.modules['numba'] = None; from service.__main__ import main; main()"

HAS_NUMBA = find_spec("numba") is not None


def with_numpy() -> AbstractContextManager[Service]:
    """Run the service as it is where Numba is not installed."""
    return running("-c", WITHOUT_NUMBA)


def peer() -> AbstractContextManager[Service]:
    """Run the server of constants."""
    return running("-m", "benchmarks.peers")
