"""One way for every answer that is a pure function of its URL: seed, plan, conditions, bytes."""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from http import HTTPStatus

from fastapi import Request
from fastapi.responses import Response
from pydantic import MISSING

from service import __version__
from service.errors import TooLarge
from service.formats.blob import Blob
from service.formats.json_text import JsonText
from service.formats.pieces import Body
from service.plan import Limits, Plan, plan_of
from service.query import query_of
from service.spec import LARGEST_SEED, Network
from service.web.conditional import etag_of, is_unmodified, part_of
from service.web.settings import Settings
from service.web.streaming import Drawing, DrawnResponse

JSON = "application/json"
BINARY = "application/octet-stream"
# Checks and arithmetic only: nothing is drawn or written by calling it, but by what it returns.
BodyOf = Callable[[Plan], Body | Callable[[], bytes]]

# So little is made at once: to hand it to another thread and back would take longer.
MOST_LAYERS_AT_ONCE = 32
MOST_BYTES_AT_ONCE = 2**15

PERMANENT = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Resource:
    """What is answered at one path."""

    path: str
    filename: str = ""  # of a download; empty for what a browser shows
    query_end: str = ""  # what follows the network in the canonical query
    is_exact: bool = True  # whether the body is the same bytes on every machine

    @property
    def media_type(self) -> str:
        """Media type of the body."""
        return BINARY if self.filename else JSON

    @property
    def revision(self) -> str:
        """What the body depends on beside its URL: the wording of JSON documents may change with the service."""
        return "" if self.filename else __version__


@dataclass(frozen=True, slots=True)
class Identity:
    """Which answer this is, and the headers that say so."""

    seed: int
    headers: dict[str, str]
    etag: str  # empty where the seed was drawn

    def not_modified(self, request: Request) -> Response | None:
        """Return 304 if the client has this answer already; raise PreconditionFailed if it wants another one."""
        if self.etag and is_unmodified(request.method, request.headers, self.etag):
            response = Response(status_code=HTTPStatus.NOT_MODIFIED, headers=self.headers)
            request.app.state.unmodified.note(request, response)
            return response
        return None


def seed_of(asked: int | MISSING) -> int:
    """Return the seed that was asked for, or draw one."""
    return secrets.randbelow(LARGEST_SEED + 1) if asked is MISSING else asked


def identify(network: Network, resource: Resource) -> Identity:
    """Return which answer a request for a resource of a network gets."""
    seed = seed_of(network.seed)
    url = f"{resource.path}?{query_of(network, seed)}{resource.query_end}"
    headers = {"Content-Location": url, "Accept-Ranges": "none"}
    if resource.filename:
        headers["Content-Disposition"] = f'attachment; filename="{resource.filename}"'
    if network.seed is MISSING:
        return Identity(seed, headers | {"Cache-Control": "no-store"}, "")
    etag = etag_of(url, resource.revision, is_exact=resource.is_exact)
    return Identity(seed, headers | {"Cache-Control": PERMANENT, "ETag": etag}, etag)


@dataclass(slots=True)
class Prepared:
    """An answer before its conditions are looked at and a number is drawn."""

    identity: Identity
    body: Body | Callable[[], bytes]
    content: bytes | None = None  # the whole body, once it was made at once


def _prepare(network: Network, resource: Resource, body_of: BodyOf, limits: Limits) -> Prepared:
    identity = identify(network, resource)
    body = body_of(plan_of(network, identity.seed, limits))
    if isinstance(body, Blob) and identity.etag:
        identity.headers["Accept-Ranges"] = "bytes"
    return Prepared(identity, body)


# A client that revalidates, resumes or reads a file by ranges asks for the same again.
_kept = lru_cache(maxsize=256)(_prepare)


async def answer(request: Request, network: Network, resource: Resource, body_of: BodyOf) -> Response:
    """Answer a request for a resource of a network."""
    settings: Settings = request.app.state.settings
    is_small = len(network.layers) <= MOST_LAYERS_AT_ONCE
    prepare = _kept if is_small and network.seed is not MISSING else _prepare
    prepared = prepare(network, resource, body_of, settings.limits)
    identity, body = prepared.identity, prepared.body
    if unmodified := identity.not_modified(request):
        return unmodified
    headers, status = dict(identity.headers), HTTPStatus.OK
    if (
        isinstance(body, Blob)
        and identity.etag
        and (part := part_of(request.method, request.headers, identity.etag, body.length))
    ):
        headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{body.length}"
        status, body = HTTPStatus.PARTIAL_CONTENT, body.cut(part.start, part.stop)
    drawing: Drawing = request.app.state.drawing
    if not callable(body):
        _check_size(body, settings)
        if body.length is None or body.length > MOST_BYTES_AT_ONCE:
            return DrawnResponse(body, drawing, status, headers, resource.media_type)
    whole = body is prepared.body
    content = prepared.content if whole else None
    if content is None:
        content = await _made(body, drawing, at_once=is_small)
    if whole:
        prepared.content = content
    return Response(content, status, headers, resource.media_type)


async def _made(body: Body | Callable[[], bytes], drawing: Drawing, *, at_once: bool) -> bytes:
    """Return a small body, or a document, which a worker makes if it is not to be made at once."""
    make = body if callable(body) else partial(drawing.at_once, body)
    return make() if at_once else await asyncio.get_running_loop().run_in_executor(drawing.workers, make)


def _check_size(body: Body, settings: Settings) -> None:
    if isinstance(body, JsonText) and body.elements > settings.json_elements:
        advice = "Ask for a binary format, which carries any size: .npy, .npz, .safetensors, or .bin for one tensor."
        raise TooLarge("values in one JSON response", body.elements, settings.json_elements, "json_elements", advice)
    if body.length is not None and body.length > settings.response_bytes:
        advice = "Ask for a byte range, or for some rows or columns of one tensor."
        raise TooLarge("bytes in one response", body.length, settings.response_bytes, "response_bytes", advice)
