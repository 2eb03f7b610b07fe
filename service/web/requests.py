"""From an HTTP request to a network, or a block of a tensor."""

import json
import re
from typing import Annotated, Any

from fastapi import Depends, Request

from service.errors import FieldError, InvalidRequest, MalformedBody, TooLarge, UnsupportedContentType
from service.query import network_of, parameters
from service.spec import Network, shortened
from service.web.settings import Settings

CUT_PATTERN = r"^(0|[1-9][0-9]{0,9}):([1-9][0-9]{0,9})$"
CUTS = ("rows", "columns")


async def network_in_query(request: Request) -> Network:
    """Return the network that the query parameters describe."""
    return network_of(parameters(request.url.query))


async def network_in_body(request: Request) -> Network:
    """Return the network that the JSON body describes."""
    if request.url.query:
        message = "must be empty: with POST the description is the body"
        raise InvalidRequest((FieldError("query", message, shortened(request.url.query)),))
    content_type = request.headers.get("content-type", "")
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedContentType(shortened(content_type))
    return Network.of(_object(await _body(request)))


async def block_in_query(request: Request) -> tuple[Network, dict[str, range]]:
    """Return a network, and the rows and columns that are asked for of one of its tensors."""
    found = parameters(request.url.query)
    cuts = {name: _range(name, found.pop(name)) for name in CUTS if name in found}
    return network_of(found), cuts


NetworkInQuery = Annotated[Network, Depends(network_in_query)]
NetworkInBody = Annotated[Network, Depends(network_in_body)]
BlockInQuery = Annotated[tuple[Network, dict[str, range]], Depends(block_in_query)]


def _range(name: str, text: str) -> range:
    match = re.fullmatch(CUT_PATTERN, text)
    if match is None or int(match[1]) >= int(match[2]):
        message = "must be a:b with whole numbers 0 <= a < b: from a up to, not including, b"
        raise InvalidRequest((FieldError(name, message, shortened(text)),))
    return range(int(match[1]), int(match[2]))


async def _body(request: Request) -> bytes:
    """Return the body; raise TooLarge as soon as it is longer than allowed."""
    settings: Settings = request.app.state.settings
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > settings.body_bytes:
            raise TooLarge("bytes of body", len(body), settings.body_bytes, "body_bytes")
    return bytes(body)


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
