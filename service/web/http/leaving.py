"""What ends when its client has left, or its request: work, and what was made for it."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import Executor
from contextlib import suppress
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect
from starlette.types import Receive

Result = TypeVar("Result")


async def until_left(work: Coroutine[Any, Any, Result], receive: Receive, seconds: float | None = None) -> Result:
    """Return what the work gives; cancel it, and raise ClientDisconnect or TimeoutError, when that comes first."""
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_leave(receive))
    try:
        await asyncio.wait((working, leaving), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise ClientDisconnect if leaving.done() else TimeoutError
    finally:
        working.cancel()
        leaving.cancel()
        await asyncio.wait((working, leaving))


async def _leave(receive: Receive) -> None:
    """Return when the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


class Kept:
    """What was made of much for a request; a worker lets go of it when the request is over.

    To free the hundred thousands of objects of a large plan takes tens of milliseconds. To leave them to the garbage
    collector, which finds them in cycles of the request, takes hundreds.
    """

    def __init__(self, workers: Executor) -> None:
        """Keep nothing yet."""
        self._workers = workers
        self._values: list[object] = []

    def add(self, value: object) -> None:
        """Keep this too."""
        self._values.append(value)

    def let_go(self) -> None:
        """Have a worker let go of all."""
        with suppress(RuntimeError):  # the workers have stopped
            self._workers.submit(self._values.clear)
