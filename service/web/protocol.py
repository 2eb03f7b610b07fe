"""uvicorn's HTTP parser with a bound on the head of a request, which it lacks."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# The parser copies an unfinished header again with each part that arrives, so long ones cost their square.
MOST_HEAD_BYTES = 2**17


class BoundedHttpProtocol(HttpToolsProtocol):
    """Cuts connections whose request line and headers are larger than MOST_HEAD_BYTES."""

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
