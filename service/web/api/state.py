"""What the app holds from its start to its stop, for every request."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from threading import Event
from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import Response

from service.errors import OutOfTime, Stopped
from service.web.http.cache import Cache
from service.web.http.leaving import until_left
from service.web.http.limits import Budget, Share
from service.web.http.lines import LinesResponse, SendLine
from service.web.http.memory import give_back_free_memory
from service.web.http.metrics import Metrics
from service.web.http.streaming import Drawing
from service.web.settings import Settings

# Given to the work of a diagnosis, which calls it now and then: it raises Stopped once nobody waits for the result.
CheckWanted = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Diagnosing:
    """Where diagnoses are made: beside the event loop, a few at once, for as long as their clients wait."""

    workers: Executor
    slots: Budget
    memory: Budget
    seconds: float  # that one may take

    async def run(self, request: Request, memory_bytes: int, diagnose: Callable[[CheckWanted], bytes]) -> bytes:
        """Return what a diagnosis gives; raise Busy if there is no place for it, OutOfTime if it takes too long."""
        stopped = Event()
        try:
            return await until_left(self._run(memory_bytes, diagnose, stopped), request.receive, self.seconds)
        except TimeoutError:
            raise OutOfTime("A diagnosis or a training", self.seconds, "diagnosis_seconds") from None
        finally:
            stopped.set()

    def lines(
        self, raw_headers: list[tuple[bytes, bytes]], memory_bytes: int, write: Callable[[SendLine, CheckWanted], None]
    ) -> Response:
        """Return a response whose lines are written by work that is made while it is sent, as `run` makes its."""
        return LinesResponse(raw_headers, partial(self._write_lines, memory_bytes, write), self.seconds)

    async def _write_lines(
        self, memory_bytes: int, write: Callable[[SendLine, CheckWanted], None], send_line: SendLine
    ) -> None:
        stopped = Event()

        def work(check_wanted: CheckWanted) -> bytes:
            write(send_line, check_wanted)
            return b""

        try:
            await self._run(memory_bytes, work, stopped)
        finally:
            stopped.set()

    async def _run(self, memory_bytes: int, diagnose: Callable[[CheckWanted], bytes], stopped: Event) -> bytes:
        self.memory.check(memory_bytes, "A smaller network would fit.")
        slot = await self.slots.take()
        memory = await self.memory.take(memory_bytes)
        work = partial(_work, diagnose, stopped, slot, memory)
        return await asyncio.get_running_loop().run_in_executor(self.workers, work)


def _work(diagnose: Callable[[CheckWanted], bytes], stopped: Event, slot: Share, memory: Share) -> bytes:
    """Diagnose, in a worker; what was taken for it goes back when the work has ended, whoever still waits."""

    def check_wanted() -> None:
        if stopped.is_set():
            raise Stopped

    with slot, memory:
        try:
            check_wanted()
            return diagnose(check_wanted)
        finally:
            give_back_free_memory()


@dataclass(frozen=True, slots=True)
class State:
    """The app's state; all of it but the cache, the budgets and the counts stays as it is."""

    settings: Settings
    cache: Cache
    metrics: Metrics
    memory: Budget
    drawing: Drawing
    diagnosing: Diagnosing
    is_ready: bool  # whether this machine's arithmetic gives the recipe's known answers


async def state_of(request: Request) -> State:
    """Return the state of the app, which its lifespan has yielded under this name."""
    state: State = request.state.app_state
    return state


StateOfApp = Annotated[State, Depends(state_of)]
