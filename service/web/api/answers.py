"""One way for every answer that is a pure function of its URL: seed, plan, conditions, bytes."""

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from http import HTTPMethod, HTTPStatus
from typing import Annotated, TypeVar
from urllib.parse import quote

from fastapi import Depends, Request
from fastapi.responses import Response
from pydantic import MISSING

from service import __version__
from service.dense.network import DenseNetwork, dense_network
from service.describe.network import LARGEST_SEED, Network
from service.errors import TooLarge
from service.files.body.blob import Blob
from service.files.body.pieces import Body
from service.files.json_text import JsonText
from service.tensors.tensor import TensorBox
from service.web.api.inputs import BlockRequest
from service.web.api.state import State, state_of
from service.web.http.cache import Answer, keep
from service.web.http.conditional import etag_of
from service.web.http.streaming import DrawnResponse
from service.web.settings import Settings

Made = TypeVar("Made")

# So little is made at once: to hand it to another thread and back would take longer.
MOST_LAYERS_AT_ONCE = 32
MOST_BYTES_AT_ONCE = 2**15
MOST_DRAWING_BYTES_AT_ONCE = 2**18

TENSOR_BYTES = 2048  # of memory that a plan takes for each of its tensors, about
# A plan of fewer is made in less time than it takes to keep it from the garbage collector.
LEAST_TENSORS_KEPT = 8
PERMANENT = "public, max-age=31536000, immutable"
# File names that need no encoding in Content-Disposition.
PLAIN_FILE_NAME = re.compile(r"[A-Za-z0-9_.()\[\] +-]+")


@dataclass(frozen=True, slots=True)
class Format:
    """What is the same in all answers of one kind."""

    media_type: str
    is_download: bool = False
    is_exact: bool = True  # whether the body is the same bytes on every machine
    is_kept: bool = True  # whether answers may be asked for again
    cache_control: str = PERMANENT  # where the seed was given
    revision: str = __version__  # the wording of documents may change with the service
    headers: Mapping[str, str] = field(default_factory=dict)


FILE = Format("application/octet-stream", is_download=True, revision="")
JSON = Format("application/json")


@dataclass(frozen=True, slots=True)
class Subject:
    """What an answer is of."""

    url: str | None  # permanent; None where it would be too long
    identity: str  # decides the body's bytes, together with the format's revision
    is_permanent: bool  # whether the seed was given, and not drawn

    @classmethod
    def at(cls, url: str, *, is_permanent: bool) -> "Subject":
        """Return what a URL says all of."""
        return cls(url, url, is_permanent)


@dataclass(frozen=True, slots=True)
class Planned:
    """A network and its layers, undrawn."""

    network: DenseNetwork
    is_permanent: bool  # whether the seed was given, and not drawn

    def subject(self, path: str, query_end: str = "") -> Subject:
        """Return what the answer at a path is of; `query_end` follows the network in the query."""
        return Subject.at(f"{path}?{self.network.query}{query_end}", is_permanent=self.is_permanent)


@dataclass(frozen=True, slots=True)
class Answers:
    """What answers one request."""

    request: Request
    state: State

    @property
    def path(self) -> str:
        """Path of the request, decoded."""
        path: str = self.request.scope["path"]
        return path

    async def plan(self, network: Network, write: Callable[[DenseNetwork], JsonText]) -> Response:
        """Answer with a JSON document of a network's plan."""
        planned = await self.planned(network)
        answer = self.prepared(planned.subject(self.path), JSON)
        if without_body := self.without_body(answer):
            return without_body
        drawing = self.state.drawing
        document = write(planned.network)
        if _is_large(network):
            return DrawnResponse(document, drawing, HTTPStatus.OK, answer.headers)
        return self.complete(answer, drawing.whole(document))

    async def network(self, format_: Format, network: Network, write: Callable[[DenseNetwork], Body]) -> Response:
        """Answer with all values of a network."""
        planned = await self.planned(network)
        is_large = _is_large(network)
        body = await self.made(partial(write, planned.network), is_large=is_large)
        return await self.values(planned.subject(self.path), format_, body, is_large=is_large)

    async def block(
        self, format_: Format, tensor: str, asked: BlockRequest, write: Callable[[DenseNetwork, TensorBox], Body]
    ) -> Response:
        """Answer with the values of a block of one tensor."""
        planned = await self.planned(asked.network)
        body = write(planned.network, asked.box(planned.network.plan, tensor))
        subject = planned.subject(self.path, asked.query_end)
        return await self.values(subject, format_, body, is_large=_is_large(asked.network))

    async def planned(self, network: Network) -> Planned:
        """Return the plan of a network, which is made once; raise TooLarge if it exceeds the limits."""
        planned: Planned | None = self.state.cache.get(network)
        if planned is None:
            seed = seed_of(network.seed)
            plan = partial(dense_network, network, seed, self.state.settings.limits)
            dense = await self.made(plan, is_large=_is_large(network))
            planned = Planned(dense, network.seed is not MISSING)
            tensors = len(dense.plan.tensors)
            if planned.is_permanent and tensors >= LEAST_TENSORS_KEPT:
                self.state.cache.put(network, planned, TENSOR_BYTES * (1 + tensors))
        return planned

    def prepared(self, subject: Subject, format_: Format, body: Body | None = None) -> Answer:
        """Return the answer before its body is drawn, if there is a body yet."""
        etag = etag_of(subject.identity, format_.revision, is_exact=format_.is_exact) if subject.is_permanent else ""
        has_ranges = isinstance(body, Blob) and subject.is_permanent
        headers = {
            "accept-ranges": "bytes" if has_ranges else "none",
            "cache-control": format_.cache_control if subject.is_permanent else "no-store",
            "content-type": format_.media_type,
            **format_.headers,
        }
        if subject.url is not None:
            headers["content-location"] = subject.url
        if format_.is_download:
            headers["content-disposition"] = _attachment(self.path.rpartition("/")[2])
        if etag:
            headers["etag"] = etag
        raw_headers = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        length = body.length if body else None
        return Answer(self.request.scope["route"], etag, raw_headers, length, has_ranges, is_kept=format_.is_kept)

    def unmodified(self, answer: Answer) -> Response | None:
        """Return 304 if the client has the body already; raise PreconditionFailed if it wants another one."""
        status, _ = answer.select(self.request.method, self.request.headers)
        if status is not HTTPStatus.NOT_MODIFIED:
            return None
        keep(self.state.cache, self.request.scope, answer)
        return answer.unmodified()

    def without_body(self, answer: Answer) -> Response | None:
        """Return 304, or the answer to HEAD; None where the client wants a document that is still to be made."""
        if unmodified := self.unmodified(answer):
            return unmodified
        return answer.response(HTTPMethod.HEAD, b"") if self.request.method == HTTPMethod.HEAD else None

    def complete(self, answer: Answer, body: bytes) -> Response:
        """Return 200 with a small body, which is kept."""
        answer = replace(answer, length=len(body), body=body)
        keep(self.state.cache, self.request.scope, answer)
        return answer.response(self.request.method, body)

    async def document(self, subject: Subject, write: Callable[[], bytes], *, is_large: bool) -> Response:
        """Answer with a JSON document."""
        answer = self.prepared(subject, JSON)
        if without_body := self.without_body(answer):
            return without_body
        return self.complete(answer, await self.made(write, is_large=is_large))

    async def values(self, subject: Subject, format_: Format, body: Body, *, is_large: bool) -> Response:
        """Answer with values, or with the part of them that is asked for."""
        answer = self.prepared(subject, format_, body)
        settings, headers = self.state.settings, self.request.headers
        # What would be refused without conditions is refused with them too: RFC 9110, section 13.2.1.
        too_large = await self.made(partial(_excess, body, settings), is_large=is_large)
        if too_large and "range" not in headers:
            raise too_large
        status, part = answer.select(self.request.method, headers)
        if status is HTTPStatus.NOT_MODIFIED:
            keep(self.state.cache, self.request.scope, answer)
            return answer.unmodified()
        selected = body.cut(part.start, part.stop) if part and isinstance(body, Blob) else body
        if part:
            too_large = await self.made(partial(_excess, selected, settings), is_large=is_large)
        if too_large:
            raise too_large
        if not (part or _is_small(body)):
            keep(self.state.cache, self.request.scope, answer)
        drawing = self.state.drawing
        if not _is_small(selected):
            return DrawnResponse(selected, drawing, status, answer.headers_of(part))
        content = await self.made(partial(drawing.whole, selected), is_large=is_large)
        return answer.response(self.request.method, content, part) if part else self.complete(answer, content)

    async def made(self, make: Callable[[], Made], *, is_large: bool) -> Made:
        """Return what is made at once, or by a worker if it is made of much."""
        return await self.state.drawing.run_for(self.request, make) if is_large else make()


async def _answers_to(request: Request) -> Answers:
    # Each further dependency would cost 15 µs.
    return Answers(request, await state_of(request))


Answering = Annotated[Answers, Depends(_answers_to)]


def seed_of(asked: int | MISSING | None) -> int:
    """Return the seed that was asked for, or draw one."""
    return secrets.randbelow(LARGEST_SEED + 1) if asked is MISSING or asked is None else asked


def _attachment(name: str) -> str:
    """Return Content-Disposition for a file of this name: RFC 6266."""
    if PLAIN_FILE_NAME.fullmatch(name):
        return f'attachment; filename="{name}"'
    return f"attachment; filename*=UTF-8''{quote(name, safe='')}"


def _is_large(network: Network) -> bool:
    return len(network.layers) > MOST_LAYERS_AT_ONCE


def _is_small(body: Body) -> bool:
    if body.length is None or body.length > MOST_BYTES_AT_ONCE:
        return False
    # A few columns of a large orthogonal matrix take long.
    return body.drawing_bytes <= MOST_DRAWING_BYTES_AT_ONCE


def _excess(body: Body, settings: Settings) -> TooLarge | None:
    """Return why a body is too large for one response, if it is."""
    if isinstance(body, JsonText) and body.elements > settings.json_elements:
        advice = "Ask for a binary format, which carries any size: .npy, .npz, .safetensors, or .bin for one tensor."
        return TooLarge("values in one JSON response", body.elements, settings.json_elements, "json_elements", advice)
    if body.drawing_bytes > settings.matrix_bytes:
        advice = (
            "Ask for fewer columns, or for the other layout: where the file runs along the orthonormal columns, or the "
            "orthonormal rows of a matrix with fewer rows than columns, a few are drawn at a time."
        )
        what = "bytes of an orthogonal matrix drawn whole"
        return TooLarge(what, body.drawing_bytes, settings.matrix_bytes, "matrix_bytes", advice)
    if body.length is not None and body.length > settings.response_bytes:
        advice = "Ask for a byte range, or for some rows or columns of one tensor."
        return TooLarge("bytes in one response", body.length, settings.response_bytes, "response_bytes", advice)
    return None
