"""One cache for answers that never change, and for what they are made from."""

from collections import OrderedDict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from http import HTTPMethod, HTTPStatus
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from service.web.http.conditional import CONDITIONS, Part, PreconditionFailed, RangeNotSatisfiable, select

READING = (HTTPMethod.GET, HTTPMethod.HEAD)
RawHeaders = list[tuple[bytes, bytes]]

LONGEST_KEY = 2048  # bytes of a path and a query; a longer URL is answered anew each time
OVERHEAD_BYTES = 1536  # of an answer's headers and objects, about
# So that no single value drives all others out.
LARGEST_SHARE = 4


class Cache:
    """The values used last, by key, in a bounded number of bytes."""

    def __init__(self, most_bytes: int) -> None:
        """Keep nothing yet; with 0 bytes, keep nothing ever."""
        self._most_bytes = most_bytes
        self._values: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self.byte_count = 0

    def get(self, key: Hashable) -> Any | None:
        """Return the value, or None if it is not here (any more)."""
        entry = self._values.get(key)
        if entry is None:
            return None
        self._values.move_to_end(key)
        return entry[0]

    def put(self, key: Hashable, value: object, byte_count: int) -> None:
        """Keep a value that takes so many bytes, unless that is a large share of all; let go what is used least."""
        if byte_count > self._most_bytes // LARGEST_SHARE:
            return
        _, before = self._values.pop(key, (None, 0))
        self._values[key] = value, byte_count
        self.byte_count += byte_count - before
        while self.byte_count > self._most_bytes:
            _, (_, freed) = self._values.popitem(last=False)
            self.byte_count -= freed


class PreparedResponse(Response):
    """A response whose headers are bytes already."""

    def __init__(self, status: int, raw_headers: RawHeaders, body: bytes = b"") -> None:
        """Take all as it is."""
        self.status_code = status
        self.raw_headers = raw_headers
        self.body = body
        self.background = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer at one URL, from which each request gets what its conditions ask for."""

    route: Any  # under which its requests are counted
    etag: str  # empty if it is never the same again
    headers: RawHeaders  # of 200, without Content-Length
    length: int | None = None  # of the body, if that is known
    has_ranges: bool = False
    body: bytes | None = None  # None if it is not made yet, or too large to keep
    is_kept: bool = True  # whether it may be asked for again

    def to(self, method: str, raw_headers: Iterable[tuple[bytes, bytes]]) -> Response | None:
        """Return the response to a request; None if it takes a body that is not here, or is to be refused."""
        conditions = [header for header in raw_headers if header[0] in CONDITIONS]
        if conditions == [(b"if-none-match", self.etag.encode())]:  # as most of those who ask do
            return self.unmodified()
        try:
            status, part = self.select(method, Headers(raw=conditions)) if conditions else (HTTPStatus.OK, None)
        except (PreconditionFailed, RangeNotSatisfiable):
            return None
        if status is HTTPStatus.NOT_MODIFIED:
            return self.unmodified()
        if self.body is None:
            return self.response(method, b"") if method == HTTPMethod.HEAD else None
        return self.response(method, self.body[part.start : part.stop] if part else self.body, part)

    def select(self, method: str, headers: Headers) -> tuple[HTTPStatus, Part | None]:
        """Return the status for a request, and the part it gets; raise PreconditionFailed or RangeNotSatisfiable."""
        return select(method, headers, self.etag, self.length if self.has_ranges else None)

    def unmodified(self) -> Response:
        """Return 304."""
        headers = [header for header in self.headers if header[0] != b"content-type"]
        return PreparedResponse(HTTPStatus.NOT_MODIFIED, headers)

    def response(self, method: str, body: bytes, part: Part | None = None) -> Response:
        """Return 200 with the whole body, or 206 with a part of it."""
        status = HTTPStatus.OK if part is None else HTTPStatus.PARTIAL_CONTENT
        return PreparedResponse(status, self.headers_of(part), b"" if method == HTTPMethod.HEAD else body)

    def headers_of(self, part: Part | None) -> RawHeaders:
        """Return the headers of the whole or of a part."""
        if self.length is None:
            return self.headers
        if part is None:
            return [*self.headers, (b"content-length", b"%d" % self.length)]
        content_range = b"content-range", part.content_range(self.length).encode()
        return [*self.headers, (b"content-length", b"%d" % (part.stop - part.start)), content_range]


class Caching:
    """ASGI middleware: answers what the cache holds, without a look at the routes and the query."""

    def __init__(self, app: ASGIApp, cache: Cache) -> None:
        """Wrap `app`."""
        self._app = app
        self._cache = cache

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass the request on."""
        if scope["type"] == "http" and (response := self._response(scope)):
            await response(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _response(self, scope: Scope) -> Response | None:
        if scope["method"] not in READING:
            return None
        answer: Answer | None = self._cache.get((scope["path"], scope["query_string"]))
        if answer is None:
            return None
        response = answer.to(scope["method"], scope["headers"])
        if response is not None:
            scope["route"] = answer.route
        return response


def keep(cache: Cache, scope: Scope, answer: Answer) -> None:
    """Keep the answer to a GET or HEAD request, if it is for ever, may be asked for again, and has no long URL."""
    if not answer.etag or not answer.is_kept or scope["method"] not in READING:
        return
    key = scope["path"], scope["query_string"]
    length = len(key[0]) + len(key[1])
    if length <= LONGEST_KEY:
        # The headers hold the URL once more.
        cache.put(key, answer, OVERHEAD_BYTES + 2 * length + len(answer.body or b""))
