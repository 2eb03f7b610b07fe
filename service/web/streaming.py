"""Bodies on their way to a client: drawn by worker threads, a few pieces ahead of the socket."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from http import HTTPMethod

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from service.errors import Busy
from service.formats.pieces import Body, Buffer, Piece
from service.web.rooms import Rooms

# What is handed to the socket at once. No worker can take up its next piece while a part is being written.
SEND_BYTES = 2**19


class Gate:
    """Lets so many things be under way at once, and no more."""

    def __init__(self, what: str, most: int, setting: str) -> None:
        """Let in at most `most`, the value of `setting`."""
        self._full = Busy(what, most, setting)
        self._most = most
        self.under_way = 0

    @contextmanager
    def place(self) -> Iterator[None]:
        """Take a place for the length of a block; raise Busy if there is none."""
        if self.under_way >= self._most:
            raise self._full
        self.under_way += 1
        try:
            yield
        finally:
            self.under_way -= 1


@dataclass(frozen=True, slots=True)
class Drawing:
    """How bodies are drawn."""

    workers: Executor
    gate: Gate
    ahead: int  # pieces drawn or being drawn before they can be sent
    count_elements: Callable[[int], None]
    rooms: Rooms = field(default_factory=Rooms)

    async def made(self, pieces: Iterator[bytes | Piece]) -> AsyncGenerator[Buffer, None]:
        """Yield the pieces' bytes in order."""
        loop = asyncio.get_running_loop()
        under_way: deque[asyncio.Future[Buffer]] = deque()
        try:
            for piece in pieces:
                if isinstance(piece, bytes):
                    known: asyncio.Future[Buffer] = loop.create_future()
                    known.set_result(piece)
                    under_way.append(known)
                else:
                    while piece.after_all_before and under_way:
                        yield await under_way.popleft()
                    under_way.append(loop.run_in_executor(self.workers, self._make, piece))
                if len(under_way) > self.ahead:
                    yield await under_way.popleft()
            while under_way:
                yield await under_way.popleft()
        finally:
            for future in under_way:
                future.cancel()

    def at_once(self, body: Body) -> bytes:
        """Return a small body."""
        pieces = body.pieces()
        return b"".join(piece if isinstance(piece, bytes) else self._make(piece) for piece in pieces)

    def _make(self, piece: Piece) -> Buffer:
        made = piece.make(self.rooms.take(piece.room))
        self.count_elements(piece.elements)
        return made


class DrawnResponse(Response):
    """A response whose body is drawn while it is sent, and no longer than the client listens."""

    def __init__(self, body: Body, drawing: Drawing, status: int, headers: Mapping[str, str], media_type: str) -> None:
        """Draw nothing yet."""
        length = {} if body.length is None else {"Content-Length": str(body.length)}
        self._body = body
        self._drawing = drawing
        self.media_type = media_type
        self.status_code = status
        self.background = None
        self.init_headers({**headers, **length})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response; raise Busy before its first byte if no place is free."""
        if scope["method"] == HTTPMethod.HEAD:
            await self._start(send)
            await send({"type": "http.response.body"})
            return
        with self._drawing.gate.place():
            if self._body.length is None and scope["http_version"] == "1.0":
                await self._send_collected(send)
                return
            await self._start(send)
            sending = asyncio.ensure_future(self._send_body(send))
            leaving = asyncio.ensure_future(_leave(receive))
            try:
                await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
                if sending.done():
                    sending.result()
            finally:
                sending.cancel()
                leaving.cancel()
                await asyncio.wait((sending, leaving))

    async def _start(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})

    async def _send_body(self, send: Send) -> None:
        async with aclosing(self._drawing.made(self._body.pieces())) as all_made:
            async for made in all_made:
                for start in range(0, len(made), SEND_BYTES):
                    part = made[start : start + SEND_BYTES]
                    await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body"})

    async def _send_collected(self, send: Send) -> None:
        """Collect a body of unknown length for a client of HTTP/1.0, which knows no chunks."""
        async with aclosing(self._drawing.made(self._body.pieces())) as all_made:
            collected = b"".join([bytes(made) async for made in all_made])
        self.headers["Content-Length"] = str(len(collected))
        await self._start(send)
        await send({"type": "http.response.body", "body": collected})


async def _leave(receive: Receive) -> None:
    """Return when the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
