"""From an HTTP request to a network, or a block of a tensor."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import Depends
from fastapi import Request as HttpRequest

from service.errors import FieldError, InvalidRequest, MalformedBody, SlowBody, TooLarge, UnsupportedContentType
from service.query import Asked, parameters, request_of
from service.spec import Experiment, Network, OwnExperiment, shortened
from service.web.settings import Settings

CUT_PATTERN = r"^(0|[1-9][0-9]{0,9}):([1-9][0-9]{0,9})$"
CUTS = ("rows", "columns")


def in_query(model: type[Asked]) -> Callable[[HttpRequest], Awaitable[Asked]]:
    """Return a dependency that reads a model from the query parameters."""

    async def read(request: HttpRequest) -> Asked:
        return request_of(model, parameters(_query(request)))

    return read


def in_body(model: type[Asked]) -> Callable[[HttpRequest], Awaitable[Asked]]:
    """Return a dependency that reads a model from the JSON body."""

    async def read(request: HttpRequest) -> Asked:
        if query := _query(request):
            message = "must be empty: with POST the description is the body"
            raise InvalidRequest((FieldError("query", message, shortened(query)),))
        content_type = request.headers.get("content-type", "")
        if content_type.partition(";")[0].strip().lower() != "application/json":
            raise UnsupportedContentType(shortened(content_type))
        settings: Settings = request.app.state.settings
        return model.of(_object(await body_of(request, settings.body_bytes, "body_bytes")))

    return read


async def block_in_query(request: HttpRequest) -> tuple[Network, dict[str, range]]:
    """Return a network, and the rows and columns that are asked for of one of its tensors."""
    found = parameters(_query(request))
    cuts = {name: _range(name, found.pop(name)) for name in CUTS if name in found}
    return request_of(Network, found), cuts


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


NetworkInQuery = Annotated[Network, Depends(in_query(Network))]
NetworkInBody = Annotated[Network, Depends(in_body(Network))]
BlockInQuery = Annotated[tuple[Network, dict[str, range]], Depends(block_in_query)]
ExperimentInQuery = Annotated[Experiment, Depends(in_query(Experiment))]
ExperimentInBody = Annotated[Experiment, Depends(in_body(Experiment))]
OwnExperimentInQuery = Annotated[OwnExperiment, Depends(in_query(OwnExperiment))]


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
