"""h11's state of a connection, with bounds on heads and trailers, and a memory of why a request was refused."""

from http import HTTPStatus
from typing import Any

import h11

VERSIONS = frozenset({b"1.1", b"1.0"})
LENGTHS = frozenset({b"content-length", b"transfer-encoding"})
TOO_LARGE = frozenset({HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, HTTPStatus.REQUEST_URI_TOO_LONG})


class Connection(h11.Connection):
    """h11's state of one connection; knows why a request was refused, and how much is a head."""

    refusal: tuple[HTTPStatus, str] | None = None

    def __init__(self, head_bytes: int) -> None:
        """Refuse what is more than this in a head, or in trailers."""
        super().__init__(h11.SERVER, head_bytes)
        self._head_bytes = head_bytes

    def next_event(self) -> Any:
        """Return the next event; raise RemoteProtocolError, whose answer is then in `refusal`."""
        try:
            event = super().next_event()
            if type(event) is h11.Request:
                _check(event)
        except h11.RemoteProtocolError as error:
            self.refusal = self._refusal(error)
            error.__traceback__ = None  # h11's frames hold the error, and it holds them
            raise
        return event

    def send(self, event: Any) -> Any:
        """Return the event's bytes; close after an answer to a body of which not all has come."""
        if type(event) is h11.Response and self.their_state is h11.SEND_BODY:
            headers = [*(header for header in event.headers if header[0] != b"connection"), (b"connection", b"close")]
            event = h11.Response(status_code=event.status_code, headers=headers, reason=event.reason)
        parts = self.send_with_data_passthrough(event)
        if parts is None:
            return None
        # One part is passed on as it is, without the copy that h11 makes of a memoryview.
        return parts[0] if len(parts) == 1 else b"".join(parts)

    @property
    def is_behind(self) -> bool:
        """Whether bytes wait that are not parsed yet."""
        return bool(self.trailing_data[0])

    def _refusal(self, error: h11.RemoteProtocolError) -> tuple[HTTPStatus, str]:
        status = HTTPStatus(error.error_status_hint)
        if status not in TOO_LARGE:
            return status, f"{error}."
        unparsed = self.trailing_data[0]
        if self.our_state is h11.IDLE and unparsed and b"\n" not in unparsed:  # the request line has no end yet
            status = HTTPStatus.REQUEST_URI_TOO_LONG
        return status, f"More than {self._head_bytes} bytes are not taken (setting FANIN_HEAD_BYTES)."


def _check(request: h11.Request) -> None:
    """Raise RemoteProtocolError for what h11 lets pass, though it cannot be answered, or not safely."""
    if request.http_version not in VERSIONS:
        raise h11.RemoteProtocolError(
            "It is neither 1.1 nor 1.0", error_status_hint=HTTPStatus.HTTP_VERSION_NOT_SUPPORTED
        )
    if {name for name, _ in request.headers} >= LENGTHS:  # RFC 9112 section 6.3: an attempt at smuggling
        raise h11.RemoteProtocolError("Content-Length and Transfer-Encoding exclude each other")
