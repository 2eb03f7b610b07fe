"""The pages for people, and the files that they load: each compressed once, and never taken from elsewhere."""

import asyncio
import gzip
import hashlib
import json
import os
import re
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response
from fastapi.staticfiles import StaticFiles
from starlette.datastructures import Headers
from starlette.types import Scope

from service.web.api.operations import STATIC
from service.web.http.conditional import is_unmodified
from service.web.http.routing import Route

router = APIRouter(route_class=Route)

LAB = STATIC / "lab" / "index.html"
DOCS = STATIC / "docs.html"
DOCUMENTS = {path.stem: path for path in STATIC.glob("pages/*.html")}

# Pictures that the page makes of itself are data: and blob: URLs; all else comes from this service, as a file.
PAGE_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
# The documentation page runs a script of ours and inserts styles of its own; nothing comes from elsewhere.
DOCS_POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"

# By the end of the name; what the system would guess differs from one machine to the next.
MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".md": "text/markdown; charset=utf-8",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
}
# These are compressed already.
INCOMPRESSIBLE = frozenset({".png", ".woff2"})
OTHER = "application/octet-stream"
# An encoding, and its weight.
CHOICE = re.compile(r"\s*([^\s;]+)\s*(?:;\s*q=([01](?:\.[0-9]{0,3})?)\s*)?")
MOST_FILES_KEPT = 128


@dataclass(frozen=True, slots=True)
class Encoded:
    """The bytes of a file in one encoding."""

    body: bytes
    etag: str
    encoding: str = ""


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file as it may be sent."""

    media_type: str
    plain: Encoded
    zipped: Encoded | None  # None where that would not be shorter

    @classmethod
    def of(cls, body: bytes, suffix: str) -> Self:
        """Return a file with these bytes, compressed where that helps."""
        zipped = body if suffix in INCOMPRESSIBLE else gzip.compress(body, mtime=0)
        return cls(
            MEDIA_TYPES.get(suffix, OTHER),
            Encoded(body, _etag(body)),
            Encoded(zipped, _etag(zipped), "gzip") if len(zipped) < len(body) else None,
        )

    def answer(self, method: str, headers: Headers, policy: str) -> Response:
        """Return the file, or 304 if the client has it."""
        takes_gzip = accepts_gzip(",".join(headers.getlist("accept-encoding")))
        chosen = self.zipped if self.zipped and takes_gzip else self.plain
        sent = {
            "ETag": chosen.etag,
            "Cache-Control": "no-cache",
            "Content-Security-Policy": policy,
            "X-Content-Type-Options": "nosniff",
        }
        if self.zipped:
            sent["Vary"] = "Accept-Encoding"
        if is_unmodified(method, headers, chosen.etag):
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=sent)
        if chosen.encoding:
            sent["Content-Encoding"] = chosen.encoding
        return Response(chosen.body, headers=sent, media_type=self.media_type)


class CompressedFiles(StaticFiles):
    """Static files, compressed for those who take that."""

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = HTTPStatus.OK,  # noqa: ARG002 - of the base class, which has pages for failures too
    ) -> Response:
        """Answer with one file."""
        return static_file(Path(full_path), stat_result).answer(scope["method"], Headers(scope=scope), PAGE_POLICY)


def static_file(path: Path, status: os.stat_result) -> StaticFile:
    """Return a file; one that is written anew, as while somebody works on a page, is another one."""
    return _read(path, status.st_mtime_ns, status.st_size)


def accepts_gzip(accepted: str) -> bool:
    """Return whether the header Accept-Encoding allows gzip: RFC 9110, section 12.5.3."""
    choices = filter(None, map(CHOICE.fullmatch, accepted.lower().split(",")))
    weights = {choice[1]: float(choice[2] or 1) for choice in choices}
    return weights.get("gzip", weights.get("*", 0.0)) > 0


def document_file(document: dict[str, Any]) -> StaticFile:
    """Return the OpenAPI document as a file."""
    return StaticFile.of(json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode(), ".json")


def compress_all() -> None:
    """Compress all files, as would be done when they are first asked for, and hold the event loop then."""
    for path in STATIC.rglob("*"):
        if path.is_file():
            static_file(path, path.stat())


def static_files() -> CompressedFiles:
    """Return the app that serves the files under /static."""
    # The table of drawing is a link to the one that /diagnose.svg reads.
    return CompressedFiles(directory=STATIC, follow_symlink=True)


@router.get("/", include_in_schema=False)
async def lab_page(request: Request) -> Response:
    """Return the page that shows what an initialization does."""
    return _page(LAB, request, PAGE_POLICY)


@router.get("/docs", include_in_schema=False)
async def documentation_page(request: Request) -> Response:
    """Return the page that shows the OpenAPI document; its script is served by this service too."""
    return _page(DOCS, request, DOCS_POLICY)


@router.get("/openapi.json", include_in_schema=False)
async def openapi_document(request: Request) -> Response:
    """Return the OpenAPI document, which is made once, from the service's start on; whoever is early waits for it."""
    document: asyncio.Task[StaticFile] = request.state.document
    return (await asyncio.shield(document)).answer(request.method, request.headers, PAGE_POLICY)


@router.get("/docs/{name}", include_in_schema=False)
async def document_page(name: str, request: Request) -> Response:
    """Return one of the documents that harness/pages.py has rendered."""
    if name not in DOCUMENTS:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    return _page(DOCUMENTS[name], request, PAGE_POLICY)


def _page(path: Path, request: Request, policy: str) -> Response:
    return static_file(path, path.stat()).answer(request.method, request.headers, policy)


@lru_cache(maxsize=MOST_FILES_KEPT)
def _read(path: Path, _changed: int, _size: int) -> StaticFile:
    return StaticFile.of(path.read_bytes(), path.suffix)


def _etag(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'
