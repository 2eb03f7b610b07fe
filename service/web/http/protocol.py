"""uvicorn's HTTP/1.1 protocol over h11, with the bounds that it lacks: all that is overridden of uvicorn's is here.

- h11 gets what has come in slices, when it can use them; until then nothing more is read (`_feed`).
- A head must come whole within a time (`_end_slow_head`). What h11 refuses is answered with a problem (`_refuse`).
- A client that has only ended its own side gets its answers (`eof_received`).
- Upgrades are ignored (`_should_upgrade`).
"""

import asyncio
import weakref
from functools import partial
from http import HTTPStatus
from typing import Any, cast

import h11
from starlette.types import Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from service.web.http.bounds import Bounds
from service.web.http.connection import Connection
from service.web.http.malformed import Notes, answer
from service.web.http.observing import HAS_LEFT
from service.web.http.pace import RESIZE_BUFFER, SMALL_BUFFER_BYTES
from service.web.http.transport import Transport, resize_buffer

# h11 takes some 10 ms for the smallest chunks that fit in here; others wait meanwhile.
SLICE_BYTES = 2**13
PROBE_SECONDS = 1.0
USING_DATA = frozenset({h11.IDLE, h11.SEND_BODY})


class BoundedProtocol(H11Protocol):
    """uvicorn's protocol within `bounds`."""

    bounds = Bounds()
    notes: Notes

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """Know no client yet."""
        super().__init__(config, server_state, app_state, _loop)
        self._inner_app, self.app = self.app, self._run
        self.conn: Connection = Connection(self.bounds.head_bytes)
        self._unread = bytearray()  # has come and is not given to h11 yet
        self._has_ended = False  # the client has ended its side, and waits for answers
        self._feeding: asyncio.Handle | None = None
        self._head_timer: asyncio.TimerHandle | None = None

    async def _run(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Have the app answer, and tell it how to know whether the client has left."""
        cycle = weakref.ref(self.cycle)  # which holds the scope: else both would wait for the garbage collector
        resize = partial(resize_buffer, self._socket)
        scope["extensions"] = {HAS_LEFT: lambda: getattr(cycle(), "disconnected", True), RESIZE_BUFFER: resize}
        await self._inner_app(scope, receive, send)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a client in, unless there are too many."""
        self._socket = transport
        resize_buffer(transport, SMALL_BUFFER_BYTES)
        # A client has taken a piece when nothing of it waits here any more: the socket's buffer is large enough.
        transport.set_write_buffer_limits(0)
        self._patience = Transport(transport, self.conn, self.bounds.stall_seconds, self._feed_soon)
        super().connection_made(cast(asyncio.Transport, self._patience))
        if len(self.connections) > self.bounds.connections:
            self.notes.no_place(len(self.connections))
            transport.abort()
        else:
            self._head_timer = self.loop.call_later(self.bounds.head_seconds, self._end_slow_head)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of timers, and of what holds this protocol, so that it need not wait for the garbage collector."""
        super().connection_lost(exc)
        self._patience.forget()
        self.app = self._inner_app
        for handle in (self._feeding, self._head_timer):
            if handle is not None:
                handle.cancel()

    # Reading

    def data_received(self, data: bytes) -> None:
        """Take in what has come."""
        if self.transport.is_closing():
            return
        if len(data) <= SLICE_BYTES and not self._unread and self._is_fed():
            self._parse(data)
            return
        self._unread += data
        if self._feeding is None:
            self._feed()

    def _feed_soon(self) -> None:
        if self._feeding is None:
            self._feeding = self.loop.call_soon(self._feed)

    def _feed(self) -> None:
        """Give h11 a slice if it can use one; read on when it has all."""
        self._feeding = None
        if self.transport.is_closing():
            return
        if self._unread and self._is_fed():
            part = bytes(self._unread[:SLICE_BYTES])
            del self._unread[:SLICE_BYTES]
            self._parse(part)
            if self.transport.is_closing():
                return
        if self._unread:
            self._socket.pause_reading()
            if self._is_fed():
                self._feed_soon()
        elif not self.flow.read_paused and not (self.conn.their_state is h11.DONE and self.conn.is_behind):
            self._socket.resume_reading()

    def _is_fed(self) -> bool:
        return not self.flow.read_paused and self.conn.their_state in USING_DATA

    def _parse(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            if self._head_timer is not None:
                self._head_timer.cancel()
                self._head_timer = None
        elif self._head_timer is None and not self.transport.is_closing():
            self._head_timer = self.loop.call_later(self.bounds.head_seconds, self._end_slow_head)

    def _end_slow_head(self) -> None:
        if self.conn.is_behind:
            detail = f"It must come within {self.bounds.head_seconds:g} seconds (setting FANIN_HEAD_SECONDS)."
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, detail)
        else:
            self.timeout_keep_alive_handler()

    def eof_received(self) -> bool:  # type: ignore[override]
        """Keep open for a client that has ended its side and waits for an answer."""
        waits = self.cycle is not None and not self.cycle.response_complete
        if self.transport.is_closing() or not waits or self.conn.their_state is h11.SEND_BODY:
            return False
        self._has_ended = True
        self._probe()
        return True

    def _probe(self) -> None:
        """Write something to a client that has ended its side: it passes over this, one that is gone resets."""
        if not (self.cycle.response_started or self.transport.is_closing()) and self.scope["http_version"] == "1.1":
            self.transport.write(self.conn.send(h11.InformationalResponse(status_code=102, headers=[])))
            self.loop.call_later(PROBE_SECONDS, self._probe)

    # Answering

    def _should_upgrade(self) -> bool:
        """Ignore every Upgrade, as RFC 9110 section 7.8 lets a server do."""
        return False

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's one sentence for all that h11 refuses
        """Answer a request that h11 has refused."""
        if self.conn.refusal is not None:
            self._refuse(*self.conn.refusal)

    def _refuse(self, status: HTTPStatus, detail: str) -> None:
        self.conn.refusal = status, detail
        self.notes.malformed(status, detail, self.client)
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            for event in answer(status, detail, self.server_state.default_headers):
                self.transport.write(self.conn.send(event))
        self.transport.close()

    def on_response_complete(self) -> None:
        """Go on with what has come meanwhile."""
        super().on_response_complete()
        if self._has_ended and self.cycle.response_complete:
            self.transport.close()
        elif self._unread or self.conn.is_behind:
            self._feed_soon()

    def pause_writing(self) -> None:
        """Wait for the client to take something."""
        super().pause_writing()
        self._patience.watch()

    def resume_writing(self) -> None:
        """Go on: the client has taken something."""
        super().resume_writing()
        self._patience.note_taken()


def protocol(bounds: Bounds, notes: Notes) -> type[BoundedProtocol]:
    """Return the protocol within these bounds: uvicorn takes a class and gives it nothing of ours."""
    return type("Protocol", (BoundedProtocol,), {"bounds": bounds, "notes": notes})
