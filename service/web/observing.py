"""One log line and one count for each request, under an id that the client may choose."""

import asyncio
import logging
import re
import secrets
import time
from datetime import UTC, datetime

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.web.metrics import Metrics

REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"})
requests_log = logging.getLogger("fanin.requests")


class JsonLines(logging.Formatter):
    """Log records as one JSON object on a line each."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as JSON; `extra={"fields": {…}}` adds to it."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return orjson.dumps(line).decode()


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
                complete = not message.get("more_body", False)

        try:
            await self._app(scope, receive, observed)
        except asyncio.CancelledError:
            # The server cancels what outlasts its shutdown, and then cuts the connection. To raise
            # it again would only have that logged once more, as a fault.
            pass
        finally:
            seconds = time.perf_counter() - began
            method = scope["method"] if scope["method"] in METHODS else "other"
            self._metrics.count_request(_route(scope), method, status, seconds, sent)
            fields = {
                "request_id": request_id.decode(),
                "method": scope["method"],
                "path": scope["path"],
                "query": scope["query_string"].decode("latin-1"),
                "status": status,
                "seconds": round(seconds, 6),
                "bytes": sent,
                "complete": complete,
            }
            requests_log.info("request", extra={"fields": fields})


def _request_id(scope: Scope) -> bytes:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and REQUEST_ID.fullmatch(value):
            return bytes(value)
    return secrets.token_hex(16).encode()


def _route(scope: Scope) -> str:
    """Return the route's pattern, not its path: a label must not have endless values."""
    return getattr(scope.get("route"), "path", "none")
