"""A socket's transport that waits for a client at the end of a connection, but never for ever."""

import asyncio
from collections.abc import Callable
from socket import SO_SNDBUF, SOL_SOCKET

import h11

from service.web.http.connection import Connection

# For what the client had begun to send, so that it reads its answer.
LINGER_SECONDS = 5.0


class Transport:
    """A transport as uvicorn uses it; closes in two steps, and cuts what stalls.

    Only to cut a connection frees what waits in its queue: uvicorn itself would wait for the client to read it.
    """

    def __init__(
        self, socket: asyncio.Transport, conn: Connection, stall_seconds: float, resume_reading: Callable[[], None]
    ) -> None:
        """Write to `socket`; call `resume_reading` where uvicorn wants to read on."""
        self._socket = socket
        self._conn = conn
        self._stall_seconds = stall_seconds
        self._loop = asyncio.get_running_loop()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._has_taken = False
        self._is_closing = False
        self.resume_reading = resume_reading
        self.pause_reading, self.write, self.abort = socket.pause_reading, socket.write, socket.abort
        self.get_extra_info = socket.get_extra_info

    def is_closing(self) -> bool:
        """Return whether nothing more will be written."""
        return self._is_closing or self._socket.is_closing()

    def close(self) -> None:
        """Close; but let a client that may still be sending read its answer first, which a reset would take away."""
        if self.is_closing():
            return
        self._is_closing = True
        if self._conn.refusal or self._conn.their_state is h11.SEND_BODY or self._conn.is_behind:
            self._socket.write_eof()
            self._socket.resume_reading()
            self._timers["linger"] = self._loop.call_later(LINGER_SECONDS, self._socket.close)
        else:
            self._socket.close()
        self.watch()

    def watch(self) -> None:
        """Cut the connection if nothing of what waits is taken within the time."""
        waiting = self._socket.get_write_buffer_size()
        if waiting and "stall" not in self._timers:
            self._timers["stall"] = self._loop.call_later(self._stall_seconds, self._look, waiting)

    def note_taken(self) -> None:
        """Note that the client has taken something."""
        self._has_taken = True

    def forget(self) -> None:
        """Stop waiting, and let go of whom to call: the connection is gone."""
        del self.resume_reading
        for timer in self._timers.values():
            timer.cancel()

    def _look(self, before: int) -> None:
        del self._timers["stall"]
        if self._socket.get_write_buffer_size() >= before and not self._has_taken:
            self._socket.abort()
        else:
            self._has_taken = False
            self.watch()


def resize_buffer(socket: asyncio.Transport, byte_count: int) -> None:
    """Have the system hold so much for the client, unless it has gone."""
    if not socket.is_closing():
        socket.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_SNDBUF, byte_count)
