"""How many threads one matrix product takes.

Products of a hundred rows are done before a second thread has woken up, and where two trainings run side by side each
waits for the threads of the other: one step then takes a hundred times as long.
"""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

from numpy.linalg import _umath_linalg

# As NumPy's own wheels name the functions of their OpenBLAS. A build with another library keeps its threads.
GET, SET = "scipy_openblas_get_num_threads64_", "scipy_openblas_set_num_threads64_"


class _Users:
    """Those who want products on one thread: a setting of the process, given back by the last of them."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._count = 0
        self._before = 0
        # The symbols of a library are found through what is linked to it.
        self._blas: Any = ctypes.CDLL(_umath_linalg.__file__)

    def enter(self) -> None:
        with self._lock:
            if self._count == 0 and hasattr(self._blas, SET):
                self._before = getattr(self._blas, GET)()
                getattr(self._blas, SET)(1)
            self._count += 1

    def leave(self) -> None:
        with self._lock:
            self._count -= 1
            if self._count == 0 and hasattr(self._blas, SET):
                getattr(self._blas, SET)(self._before)


_USERS = _Users()


@contextmanager
def one_thread() -> Iterator[None]:
    """Have every product of this process take one thread, its caller's, for the length of a block."""
    _USERS.enter()
    try:
        yield
    finally:
        _USERS.leave()
