"""From an HTTP request to a network, or a block of a tensor."""

import asyncio
import json
import re
from functools import lru_cache
from typing import Any, NamedTuple

from fastapi import Request as HttpRequest

from service.errors import FieldError, InvalidRequest, MalformedBody, SlowBody, TooLarge, UnsupportedContentType
from service.query import Asked, parameters, request_of
from service.spec import Network, shortened
from service.web.settings import Settings

CUT_PATTERN = r"^(0|[1-9][0-9]{0,9}):([1-9][0-9]{0,9})$"
# Characters of a query that is kept.
LONGEST_KEPT = 256


class Cuts(NamedTuple):
    """Rows and columns of a tensor; None means all."""

    rows: range | None
    columns: range | None

    @property
    def query_end(self) -> str:
        """What follows the network in the canonical query."""
        return "".join(f"&{name}={cut.start}:{cut.stop}" for name, cut in self._asdict().items() if cut is not None)


def in_query(model: type[Asked], request: HttpRequest) -> Asked:
    """Return what the query parameters describe."""
    query = _query(request)
    return _kept(model, query) if len(query) <= LONGEST_KEPT else request_of(model, parameters(query))


async def in_body(model: type[Asked], request: HttpRequest) -> Asked:
    """Return what the JSON body describes."""
    if query := _query(request):
        message = "must be empty: with POST the description is the body"
        raise InvalidRequest((FieldError("query", message, shortened(query)),))
    content_type = request.headers.get("content-type", "")
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedContentType(shortened(content_type))
    settings: Settings = request.app.state.settings
    return model.of(_object(await body_of(request, settings.body_bytes, "body_bytes")))


def block_in_query(request: HttpRequest) -> tuple[Network, Cuts]:
    """Return a network, and the rows and columns that are asked for of one of its tensors."""
    query = _query(request)
    return _kept_block(query) if len(query) <= LONGEST_KEPT else _block_of(query)


async def body_of(request: HttpRequest, most_bytes: int, setting: str) -> bytes:
    """Return the body; raise TooLarge as soon as it is longer than the setting allows, SlowBody if it takes long."""
    settings: Settings = request.app.state.settings
    body = bytearray()
    try:
        async with asyncio.timeout(settings.body_seconds):
            async for part in request.stream():
                body += part
                if len(body) > most_bytes:
                    raise TooLarge("bytes of body", len(body), most_bytes, setting)
    except TimeoutError:
        raise SlowBody(settings.body_seconds, "body_seconds") from None
    return bytes(body)


# Two clients, or one that asks again, often send the same query: what it means never changes.
@lru_cache(maxsize=256)
def _kept(model: type[Asked], query: str) -> Asked:
    return request_of(model, parameters(query))


@lru_cache(maxsize=256)
def _kept_block(query: str) -> tuple[Network, Cuts]:
    return _block_of(query)


def _block_of(query: str) -> tuple[Network, Cuts]:
    found = parameters(query)
    rows, columns = (_range(name, found.pop(name)) if name in found else None for name in ("rows", "columns"))
    return request_of(Network, found), Cuts(rows, columns)


def _query(request: HttpRequest) -> str:
    query: bytes = request.scope["query_string"]
    return query.decode("latin-1")


def _range(name: str, text: str) -> range:
    match = re.fullmatch(CUT_PATTERN, text)
    if match is None or int(match[1]) >= int(match[2]):
        message = "must be a:b with whole numbers 0 <= a < b: from a up to, not including, b"
        raise InvalidRequest((FieldError(name, message, shortened(text)),))
    return range(int(match[1]), int(match[2]))


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body, object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError) as error:
        raise MalformedBody(f"The body cannot be read as JSON: {error}.") from None
    if not isinstance(found, dict):
        raise MalformedBody(f"The body must be a JSON object, not {shortened(found)}.")
    return found


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise InvalidRequest((FieldError(shortened(name), "must be given once", shortened(value)),))
        found[name] = value
    return found
