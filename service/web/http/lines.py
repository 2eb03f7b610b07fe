"""A response of lines, each sent as soon as it is written."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from http import HTTPMethod, HTTPStatus

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from service.errors import OutOfTime
from service.web.http.leaving import until_left

log = logging.getLogger("fanin")

SendLine = Callable[[bytes], None]


class LinesResponse(Response):
    """A response whose lines are written by work in another thread, for no longer than the client listens.

    What goes wrong before the first line is raised, and can still be told; what goes wrong after it cuts the body.
    """

    def __init__(
        self,
        raw_headers: list[tuple[bytes, bytes]],
        write: Callable[[SendLine], Awaitable[None]],
        seconds: float,
    ) -> None:
        """Write nothing yet; `write` may call what it is given from any thread."""
        self.status_code = HTTPStatus.OK
        self.raw_headers = raw_headers
        self.background = None
        self._write = write
        self._seconds = seconds
        self._has_begun = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response."""
        if scope["method"] == HTTPMethod.HEAD:
            await self._send(send, b"", more=False)
            return
        try:
            await until_left(self._send_lines(send), receive, self._seconds)
        except TimeoutError:
            if not self._has_begun:
                raise OutOfTime("A training", self._seconds, "diagnosis_seconds") from None
            # Without its end the body is cut, as its reader can see.
            log.warning("out of time", extra={"fields": {"seconds": self._seconds}})

    async def _send_lines(self, send: Send) -> None:
        loop = asyncio.get_running_loop()
        lines: asyncio.Queue[bytes | None] = asyncio.Queue()
        writing = asyncio.ensure_future(self._write(lambda line: _put(loop, lines, line)))
        writing.add_done_callback(lambda _: lines.put_nowait(None))
        try:
            while (line := await lines.get()) is not None:
                await self._send(send, line, more=True)
            writing.result()
            await self._send(send, b"", more=False)
        finally:
            writing.cancel()

    async def _send(self, send: Send, body: bytes, *, more: bool) -> None:
        if not self._has_begun:
            self._has_begun = True
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": body, "more_body": more})


def _put(loop: asyncio.AbstractEventLoop, lines: asyncio.Queue[bytes | None], line: bytes) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(lines.put_nowait, line)
