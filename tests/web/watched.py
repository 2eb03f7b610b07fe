"""The service with a watch on its event loop: python -m tests.web.watched logs each step that takes CPU time.

A step is what one task, or the protocol, does before it lets others run. What counts is the time of the loop's thread,
not the clock: worker threads and a busy machine add nothing to it.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager
from functools import partial
from typing import Any

import coverage
import uvloop

from service.__main__ import main
from service.web.http.protocol import BoundedProtocol

MESSAGE = "step"
LEAST_SECONDS = 0.001  # that are logged
log = logging.getLogger("watch")


@contextmanager
def watched(what: str) -> Generator[None]:
    began = time.thread_time()
    try:
        yield
    finally:
        seconds = time.thread_time() - began
        if seconds > LEAST_SECONDS:
            log.info(MESSAGE, extra={"fields": {"what": what, "seconds": seconds}})


class Steps:
    """A coroutine whose steps are watched."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        self._coroutine = coroutine

    def __await__(self) -> Generator[Any, Any, Any]:
        step: Callable[[], Any] = partial(self._coroutine.send, None)
        while True:
            try:
                with watched(getattr(self._coroutine, "__qualname__", "a coroutine")):
                    waiting = step()
            except StopIteration as done:
                return done.value
            try:
                step = partial(self._coroutine.send, (yield waiting))
            except BaseException as error:  # noqa: BLE001 - whatever it is, it goes on into the coroutine
                step = partial(self._coroutine.throw, error)


async def _run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    return await Steps(coroutine)


def watched_loop() -> uvloop.Loop:
    loop = uvloop.Loop()
    loop.set_task_factory(lambda loop, coroutine, **options: asyncio.Task(_run(coroutine), loop=loop, **options))
    return loop


def _watch(name: str) -> None:
    method = getattr(BoundedProtocol, name)

    def call(*arguments: Any) -> Any:
        with watched(name):
            return method(*arguments)

    setattr(BoundedProtocol, name, call)


if __name__ == "__main__":
    if counting_lines := coverage.Coverage.current():  # which multiplies the time of each step
        counting_lines.stop()
    uvloop.new_event_loop = watched_loop
    for name in ("data_received", "_feed", "on_response_complete"):
        _watch(name)
    main()
