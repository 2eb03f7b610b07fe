"""uvicorn's HTTP protocol with two bounds that it lacks: on the head of a request, and on clients that take nothing."""

from asyncio import TimerHandle

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# The parser copies an unfinished header again with each part that arrives, so long ones cost their square.
MOST_HEAD_BYTES = 2**17


class BoundedHttpProtocol(HttpToolsProtocol):
    """Cuts connections whose head is larger than MOST_HEAD_BYTES, or whose client takes nothing for `stall_seconds`.

    Only to cut them frees what waits in their queues: uvicorn itself would wait for the client to read it.
    """

    stall_seconds = 60.0
    _watch: TimerHandle | None = None
    _is_in_head = True
    _head_bytes = 0

    def data_received(self, data: bytes) -> None:
        """Parse what has arrived, unless the head is too large by now."""
        if self._is_in_head:
            self._head_bytes += len(data)
            if self._head_bytes > MOST_HEAD_BYTES + len(data):
                self.send_400_response("The request line and headers are too large.")
                return
        super().data_received(data)

    def on_headers_complete(self) -> None:
        """Take what follows for the body."""
        self._is_in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Take what follows for the head of the next request."""
        self._is_in_head, self._head_bytes = True, 0
        super().on_message_complete()

    def pause_writing(self) -> None:
        """Wait for the client to take something."""
        super().pause_writing()
        self._look_later()

    def resume_writing(self) -> None:
        """Stop waiting."""
        self._look_no_more()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._look_no_more()
        super().connection_lost(exc)

    def _look_later(self) -> None:
        waiting = self.transport.get_write_buffer_size()
        self._watch = self.loop.call_later(self.stall_seconds, self._look, waiting)

    def _look(self, before: int) -> None:
        if self.transport.get_write_buffer_size() >= before:
            self.transport.abort()
        else:
            self._look_later()

    def _look_no_more(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None


def protocol(stall_seconds: float) -> type[BoundedHttpProtocol]:
    """Return the protocol with this limit: uvicorn takes a class and gives it no settings of ours."""
    return type("Protocol", (BoundedHttpProtocol,), {"stall_seconds": stall_seconds})
