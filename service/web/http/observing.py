"""One log line and one count for each request, under an id that the client may choose."""

import asyncio
import logging
import re
import secrets
import time
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.web.http.metrics import Metrics

REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"})
HAS_LEFT = "fanin.has_left"  # the extension of the ASGI scope that tells whether the client has gone
# The status that is counted where the client left before its answer was whole; no answer has it.
CLIENT_LEFT = 499
LONGEST_LOGGED = 2048  # characters of a path, or of a query
requests_log = logging.getLogger("fanin.requests")


class Observing:
    """ASGI middleware around the whole app."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        """Wrap `app`."""
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; count and log it when it has ended, however it ends."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        began = time.perf_counter()
        status, sent, complete = 0, 0, False

        async def observed(message: Message) -> None:
            nonlocal status, sent, complete
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id)]
            await send(message)
            if message["type"] == "http.response.body":
                sent += len(message.get("body", b""))
                complete = not (message.get("more_body", False) or _has_left(scope))

        try:
            await self._app(scope, receive, observed)
        except asyncio.CancelledError:
            # The server cancels what outlasts its shutdown, and then cuts the connection. To raise
            # it again would only have that logged once more, as a fault.
            pass
        finally:
            seconds = time.perf_counter() - began
            if not complete and _has_left(scope):
                status = CLIENT_LEFT
            method = scope["method"] if scope["method"] in METHODS else "other"
            self._metrics.count_request(_route(scope), method, status, seconds, sent)
            fields = {
                "request_id": request_id.decode(),
                "client": scope["client"] and scope["client"][0],
                "method": scope["method"],
                "path": scope["path"][:LONGEST_LOGGED],
                "query": scope["query_string"][:LONGEST_LOGGED].decode("latin-1"),
                "status": status,
                "seconds": round(seconds, 6),
                "bytes": sent,
                "complete": complete,
            }
            if "key" in scope:
                fields["key"] = scope["key"]
            requests_log.info("request", extra={"fields": fields})


def _request_id(scope: Scope) -> bytes:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and REQUEST_ID.fullmatch(value):
            return bytes(value)
    return secrets.token_hex(16).encode()


def _has_left(scope: Scope) -> bool:
    """Return whether the client has gone; a server other than ours does not tell."""
    has_left: Callable[[], bool] | None = scope.get("extensions", {}).get(HAS_LEFT)
    return has_left is not None and has_left()


def _route(scope: Scope) -> str:
    """Return the route's pattern, not its path: a label must not have endless values."""
    return getattr(scope.get("route"), "path", "none")
