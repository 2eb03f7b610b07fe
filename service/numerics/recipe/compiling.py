"""How Numba compiles the functions of `numba_backend`, and where it keeps the machine code."""

import logging
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar, cast

import numba
from numba.core.caching import (
    CompileResultCacheImpl,
    FunctionCache,
    InTreeCacheLocator,
    UserProvidedCacheLocator,
    UserWideCacheLocator,
)
from numba.core.dispatcher import Dispatcher

log = logging.getLogger("fanin.compiling")
Function = TypeVar("Function", bound=Callable[..., Any])


class _ShippedCode(InTreeCacheLocator):
    """Machine code beside the module that cannot be written to, as in an image."""

    def ensure_cache_path(self) -> None:
        """Raise OSError where there is none; Numba's own locator would ask for a place to write."""
        folder = Path(self.get_cache_path())  # type: ignore[no-untyped-call]
        if not any(folder.glob("*.nbi")):
            raise FileNotFoundError(folder)


class _Places(CompileResultCacheImpl):
    """Where machine code may lie, in the order of search."""

    _locator_classes = [UserProvidedCacheLocator, InTreeCacheLocator, _ShippedCode, UserWideCacheLocator]  # noqa: RUF012


class _ForgivingCache(FunctionCache):
    """Machine code on disk: where it is damaged or cannot be written, compile again.

    It is renewed when the text of the module that holds the function changes; the constants of other modules are
    part of it too, and `known_answers` notices if those have changed alone.
    """

    _impl_class = _Places

    def load_overload(self, *key: Any) -> Any:
        """Return the machine code, or None where there is none that can be read."""
        code = None
        try:
            code = super().load_overload(*key)  # type: ignore[no-untyped-call]
        except Exception:  # noqa: BLE001  # whatever is wrong with the files
            with suppress(OSError):
                self.flush()  # type: ignore[no-untyped-call]  # so that what is compiled now can be kept
        if code is None:
            log.debug("compiling %s", self._py_func.__name__)
        return code

    def save_overload(self, *key: Any) -> None:
        """Keep the machine code if that can be done."""
        with suppress(Exception):
            super().save_overload(*key)  # type: ignore[no-untyped-call]


def compiled(function: Function) -> Function:
    """Compile a function when it is first called; keep the machine code on disk if there is a place for it."""
    dispatcher: Any = numba.njit(nogil=True, error_model="numpy")(function)
    with suppress(RuntimeError):  # neither __pycache__ nor the user's cache can be written
        dispatcher._cache = _ForgivingCache(function)  # type: ignore[no-untyped-call]  # noqa: SLF001  # as cache=True does
    return cast("Function", dispatcher)


def inlined(function: Function) -> Function:
    """Compile a function into the loops that call it: a call would keep them from being made of vector instructions."""
    return cast("Function", numba.njit(error_model="numpy", forceinline=True)(function))


def kernels_of(*modules: ModuleType) -> dict[str, Any]:
    """Return the functions of these modules that Numba compiles, by module and name."""
    functions = {f"{module.__name__}.{name}": value for module in modules for name, value in vars(module).items()}
    return {name: function for name, function in functions.items() if isinstance(function, Dispatcher)}


def origins_of_code(*modules: ModuleType) -> dict[str, int]:
    """Return how many versions of these modules' kernels this process has compiled, and how many read from disk."""
    stats = [kernel.stats for kernel in kernels_of(*modules).values()]
    return {
        "compiled": sum(sum(stat.cache_misses.values()) for stat in stats),
        "read": sum(sum(stat.cache_hits.values()) for stat in stats),
    }
