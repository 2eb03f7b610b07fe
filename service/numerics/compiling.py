"""How Numba compiles the functions of `compiled`, and where it keeps the machine code."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar, cast

import numba
from numba.core.caching import FunctionCache

Function = TypeVar("Function", bound=Callable[..., Any])


class _ForgivingCache(FunctionCache):
    """Machine code on disk: where it is damaged or cannot be written, compile again.

    It is renewed when the text of the module that holds the function changes; the constants of other modules are
    part of it too, and `known_answers` notices if those have changed alone.
    """

    def load_overload(self, *found: Any) -> Any:
        """Return the machine code, or None where there is none that can be read."""
        try:
            return super().load_overload(*found)  # type: ignore[no-untyped-call]
        except Exception:  # noqa: BLE001  # whatever is wrong with the files
            return None

    def save_overload(self, *found: Any) -> None:
        """Keep the machine code if that can be done."""
        with suppress(Exception):
            super().save_overload(*found)  # type: ignore[no-untyped-call]


def compiled(function: Function) -> Function:
    """Compile a function when it is first called; keep the machine code on disk if there is a place for it."""
    dispatcher: Any = numba.njit(nogil=True, error_model="numpy")(function)
    with suppress(RuntimeError):  # neither __pycache__ nor the user's cache can be written
        dispatcher._cache = _ForgivingCache(function)  # type: ignore[no-untyped-call]  # noqa: SLF001  # as cache=True does
    return cast("Function", dispatcher)


def inlined(function: Function) -> Function:
    """Compile a function into the loops that call it: a call would keep them from being made of vector instructions."""
    return cast("Function", numba.njit(error_model="numpy", forceinline=True)(function))
