"""Requests that never reach the app: what is no HTTP, too large a head, or too slow a one, as problem documents."""

import logging
import time
from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType

import h11

from service.web.http.metrics import Metrics
from service.web.http.problems import MEDIA_TYPE, Kind, Problem

log = logging.getLogger("fanin.connections")
SECONDS_BETWEEN_LINES = 10.0

MALFORMED: Mapping[HTTPStatus, Kind] = MappingProxyType(
    {
        kind.status: kind
        for kind in (
            Kind(HTTPStatus.BAD_REQUEST, "malformed-request", "The request is not HTTP/1.1"),
            Kind(HTTPStatus.REQUEST_TIMEOUT, "slow-head", "The head of the request took too long to come"),
            Kind(HTTPStatus.REQUEST_URI_TOO_LONG, "long-url", "The URL is too long"),
            Kind(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "large-head", "The headers or trailers are too large"),
            Kind(HTTPStatus.NOT_IMPLEMENTED, "unknown-coding", "The body's transfer coding is not chunked alone"),
            Kind(
                HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "unknown-version", "The version of HTTP is neither 1.1 nor 1.0"
            ),
        )
    }
)


def answer(status: HTTPStatus, detail: str, headers: list[tuple[bytes, bytes]]) -> tuple[h11.Event, ...]:
    """Return the problem as h11's events; `headers` come first."""
    kind = MALFORMED[status]
    problem = Problem(type=f"urn:fanin:problem:{kind.slug}", title=kind.title, status=status, detail=detail)
    body = problem.model_dump_json().encode()
    own = [
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"connection", b"close"),
    ]
    response = h11.Response(status_code=status, headers=[*headers, *own], reason=status.phrase.encode())
    return response, h11.Data(data=body), h11.EndOfMessage()


class Notes:
    """Counts and logs what happens on connections outside of the app."""

    def __init__(self, metrics: Metrics) -> None:
        """Nothing has happened yet."""
        self._metrics = metrics
        self._quiet_until = 0.0

    def malformed(self, status: HTTPStatus, detail: str, client: tuple[str, int] | None) -> None:
        """Note a request that was refused before the app saw it."""
        reason = MALFORMED[status].slug
        self._metrics.count_malformed(reason)
        fields = {"client": client and client[0], "status": int(status), "reason": reason, "detail": detail}
        log.info("malformed request", extra={"fields": fields})

    def no_place(self, connections: int) -> None:
        """Note a connection that was closed at once; a crowd of them gets one line in ten seconds."""
        self._metrics.count_turned_away()
        if time.monotonic() >= self._quiet_until:
            self._quiet_until = time.monotonic() + SECONDS_BETWEEN_LINES
            log.warning("no place for a connection", extra={"fields": {"connections": connections}})
