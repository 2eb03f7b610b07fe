"""Bodies on their way to a client: drawn by worker threads, a few pieces ahead of the socket."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import Executor
from contextlib import aclosing
from dataclasses import dataclass
from http import HTTPMethod
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from service.files.body.pieces import Body, Buffer, Piece
from service.web.http.buffers import BufferPool, counted, footprint
from service.web.http.leaving import Kept, until_left
from service.web.http.limits import Budget, Share
from service.web.http.pace import RESIZE_BUFFER, Pace

Result = TypeVar("Result")


@dataclass(slots=True)
class Drawing:
    """How bodies are drawn: each piece in memory that was there before, and in a slot that it holds no longer.

    A client that takes nothing keeps the memory of what was drawn for it, which is little, and no slot.
    """

    workers: Executor
    slots: Budget  # for pieces that are being drawn, or wait for a worker
    memory: Budget
    ahead: int  # pieces drawn or being drawn before they can be sent
    count_elements: Callable[[int], None]
    pool: BufferPool
    running: int = 0  # responses that are being drawn or sent

    async def buffers(self, body: Body, pace: Pace) -> AsyncGenerator[Buffer, None]:
        """Yield the body's bytes in order; raise Busy before the first if the first piece finds no place.

        Pieces ahead are drawn only for a client that keeps up, and while there is plenty of room.
        """
        pending: deque[asyncio.Future[Buffer]] = deque()
        has_begun = False
        try:
            for piece in body.pieces(pace.is_full):
                if isinstance(piece, bytes):
                    pending.append(_done(piece))
                else:
                    while piece.after_all_before and pending:
                        yield await pending.popleft()
                    while (drawn := self._drawn_now(piece)) is None and pending and has_begun:
                        yield await pending.popleft()
                    pending.append(drawn or await self._drawn(piece, has_begun=has_begun))
                    has_begun = True
                    await asyncio.sleep(0)  # others may run: a piece of many tensors took a while to put together
                # What later pieces share is held by no client: all workers draw it.
                is_shared = isinstance(piece, Piece) and piece.is_shared
                while len(pending) > (self.ahead if pace.is_full() or is_shared else 0):
                    yield await pending.popleft()
            while pending:
                yield await pending.popleft()
        finally:
            for future in pending:
                future.cancel()

    async def run(self, work: Callable[[], Result]) -> Result:
        """Return the result of work that would hold the event loop too long, done by a worker."""
        return await asyncio.get_running_loop().run_in_executor(self.workers, work)

    async def run_for(self, request: Request, work: Callable[[], Result]) -> Result:
        """Return the same; keep the result, which has many parts, as long as the request is there."""
        result = await self.run(work)
        if not hasattr(request.state, "kept"):
            request.state.kept = Kept(self.workers)
        request.state.kept.add(result)
        return result

    def whole(self, body: Body) -> bytes:
        """Draw a small body in the thread that asks."""
        return b"".join(piece if isinstance(piece, bytes) else self._draw(piece) for piece in body.pieces())

    def _drawn_now(self, piece: Piece) -> asyncio.Future[Buffer] | None:
        """Have a worker draw a piece; return None if there is no place for it at the moment."""
        slot = self.slots.take_now()
        # Half is kept for those who begin: many clients that take nothing have no pieces drawn ahead.
        memory = slot and self.memory.take_now(_memory_bytes(piece), leaving=self.memory.most // 2)
        return self._begin(piece, memory, slot) if slot and memory else None

    async def _drawn(self, piece: Piece, *, has_begun: bool) -> asyncio.Future[Buffer]:
        memory = await self.memory.take(_memory_bytes(piece), begun=has_begun)
        return self._begin(piece, memory, await self.slots.take(begun=has_begun))

    def _begin(self, piece: Piece, memory: Share, slot: Share) -> asyncio.Future[Buffer]:
        return asyncio.get_running_loop().run_in_executor(self.workers, self._draw_counted, piece, memory, slot)

    def _draw_counted(self, piece: Piece, memory: Share, slot: Share) -> Buffer:
        with slot:
            buffer = self._draw(piece)
            memory.keep(max(footprint(piece.buffer_bytes), len(buffer)))
            return counted(buffer, memory)

    def _draw(self, piece: Piece) -> Buffer:
        buffer = piece.make(self.pool.take(piece.buffer_bytes))
        self.count_elements(piece.elements)
        return buffer


class DrawnResponse(Response):
    """A response whose body is drawn while it is sent, and no longer than the client listens."""

    def __init__(self, body: Body, drawing: Drawing, status: int, raw_headers: list[tuple[bytes, bytes]]) -> None:
        """Draw nothing yet."""
        self._body = body
        self._drawing = drawing
        self.status_code = status
        self.raw_headers = raw_headers
        self.background = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response; raise Busy before its first byte if there is no place for its first piece."""
        if scope["method"] == HTTPMethod.HEAD:
            await self._start(send)
            await send({"type": "http.response.body"})
            return
        # What a socket still holds of a body is known to be little at the end of one whose length is known.
        resize = None if self._body.length is None else scope.get("extensions", {}).get(RESIZE_BUFFER)
        self._drawing.running += 1
        try:
            await until_left(self._send(send, Pace(self._drawing.memory, resize)), receive)
        finally:
            self._drawing.running -= 1

    async def _start(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})

    async def _send(self, send: Send, pace: Pace) -> None:
        async with aclosing(self._drawing.buffers(self._body, pace)) as buffers:
            buffer: Buffer | None = await anext(buffers, b"")
            await self._start(send)
            left = self._body.length or 0
            while buffer is not None:
                left -= len(buffer)
                await pace.deliver(buffer, send, is_last=left == 0)
                buffer = await anext(buffers, None)
            await send({"type": "http.response.body"})


def _done(buffer: bytes) -> asyncio.Future[Buffer]:
    future: asyncio.Future[Buffer] = asyncio.get_running_loop().create_future()
    future.set_result(buffer)
    return future


def _memory_bytes(piece: Piece) -> int:
    return footprint(piece.buffer_bytes) + piece.work_bytes
