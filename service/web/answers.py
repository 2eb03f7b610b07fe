"""One way for every answer that is a pure function of its URL: seed, plan, conditions, bytes."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from fastapi import Request
from fastapi.responses import Response
from pydantic import MISSING

from service import __version__
from service.errors import TooLarge
from service.formats.blob import Blob
from service.formats.json_text import JsonText
from service.formats.pieces import Body
from service.plan import Plan, plan_of
from service.query import query_of
from service.spec import LARGEST_SEED, Network
from service.web.conditional import etag_of, is_unmodified, part_of
from service.web.settings import Settings
from service.web.streaming import Drawing, DrawnResponse

JSON = "application/json"
BINARY = "application/octet-stream"
PERMANENT = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Resource:
    """What one path answers."""

    path: str
    body: Callable[[Plan], Body | bytes]  # arithmetic only: nothing is drawn by calling it
    filename: str = ""  # of a download; empty for what a browser shows
    query_end: str = ""  # what follows the network in the canonical query

    @property
    def media_type(self) -> str:
        """Media type of the body."""
        return BINARY if self.filename else JSON

    @property
    def revision(self) -> str:
        """What the body depends on beside its URL: the wording of JSON documents may change with the service."""
        return "" if self.filename else __version__


async def answer(request: Request, network: Network, resource: Resource) -> Response:
    """Answer a request for a resource of a network."""
    settings: Settings = request.app.state.settings
    is_drawn = network.seed is MISSING
    seed = secrets.randbelow(LARGEST_SEED + 1) if network.seed is MISSING else network.seed
    body = resource.body(plan_of(network, seed, settings.limits))
    url = f"{resource.path}?{query_of(network, seed)}{resource.query_end}"
    headers = {"Content-Location": url, "Cache-Control": "no-store" if is_drawn else PERMANENT}
    if resource.filename:
        headers["Content-Disposition"] = f'attachment; filename="{resource.filename}"'
    status = HTTPStatus.OK
    if is_drawn:
        headers["Accept-Ranges"] = "none"
    else:
        headers["ETag"] = etag = etag_of(url, resource.revision)
        if is_unmodified(request.method, request.headers, etag):
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        headers["Accept-Ranges"] = "bytes" if isinstance(body, Blob) else "none"
        if isinstance(body, Blob) and (part := part_of(request.method, request.headers, etag, body.length)):
            headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{body.length}"
            status, body = HTTPStatus.PARTIAL_CONTENT, body.cut(part.start, part.stop)
    if isinstance(body, bytes):
        return Response(body, status, headers, resource.media_type)
    _check_size(body, settings)
    drawing: Drawing = request.app.state.drawing
    return DrawnResponse(body, drawing, status, headers, resource.media_type)


def _check_size(body: Body, settings: Settings) -> None:
    if isinstance(body, JsonText) and body.elements > settings.json_elements:
        advice = "Ask for a binary format, which carries any size: .npy, .npz, .safetensors, or .bin for one tensor."
        raise TooLarge("values in one JSON response", body.elements, settings.json_elements, "json_elements", advice)
    if body.length is not None and body.length > settings.response_bytes:
        advice = "Ask for a byte range, or for some rows or columns of one tensor."
        raise TooLarge("bytes in one response", body.length, settings.response_bytes, "response_bytes", advice)
