"""Answers to clients that ask whether what they have is still right: it is, for ever."""

from collections import OrderedDict
from dataclasses import dataclass, field
from http import HTTPMethod
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

MOST_KEPT = 1024
LONGEST_KEPT = 512  # characters of a query and its ETags, so that what is kept stays small
METHODS = (HTTPMethod.GET, HTTPMethod.HEAD)


class _Seen(NamedTuple):
    if_none_match: bytes
    response: Response
    route: Any  # under which the request is counted


@dataclass(frozen=True, slots=True)
class Unmodified:
    """Requests that got 304, by path and query: the same request gets it again, whenever it comes."""

    seen: OrderedDict[tuple[str, bytes], _Seen] = field(default_factory=OrderedDict)

    def note(self, request: Request, response: Response) -> None:
        """Keep a response with status 304; forget the oldest beyond MOST_KEPT."""
        asked = _if_none_match(request.scope)
        if asked is not None and len(asked) + len(request.scope["query_string"]) <= LONGEST_KEPT:
            self.seen[_url(request.scope)] = _Seen(asked, response, request.scope["route"])
            if len(self.seen) > MOST_KEPT:
                self.seen.popitem(last=False)

    def answer(self, scope: Scope) -> Response | None:
        """Return the response if the same request has had it before."""
        seen = self.seen.get(_url(scope))
        if seen is None or scope["method"] not in METHODS or _if_none_match(scope) != seen.if_none_match:
            return None
        scope["route"] = seen.route
        return seen.response


class Revalidating:
    """ASGI middleware: answers what `Unmodified` knows, without a look at the route and the query."""

    def __init__(self, app: ASGIApp, unmodified: Unmodified) -> None:
        """Wrap `app`."""
        self._app = app
        self._unmodified = unmodified

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass the request on."""
        known = self._unmodified.answer(scope) if scope["type"] == "http" else None
        await (known or self._app)(scope, receive, send)


def _url(scope: Scope) -> tuple[str, bytes]:
    return scope["path"], scope["query_string"]


def _if_none_match(scope: Scope) -> bytes | None:
    """Return the header If-None-Match if it is the only condition and given once."""
    found = None
    for name, value in scope["headers"]:
        if name == b"if-match" or (name == b"if-none-match" and found is not None):
            return None
        if name == b"if-none-match":
            found = value
    return bytes(found) if found is not None else None
