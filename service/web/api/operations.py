"""The paths for those who run the service, and the recipe."""

import hashlib
import platform
from http import HTTPStatus
from pathlib import Path
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import Field

from service import __version__
from service.describe.network import RECIPE, Recipe
from service.documents.base import Document
from service.numerics.recipe import PAGE, VECTORS
from service.numerics.recipe.backend import BACKEND
from service.web.api.documented import CONDITIONS, NOT_MODIFIED, PART, RANGES, Responses, refusals
from service.web.api.state import StateOfApp
from service.web.http.cache import Answer
from service.web.http.conditional import PreconditionFailed, RangeNotSatisfiable
from service.web.http.metrics import CONTENT_TYPE
from service.web.http.problems import NotReady
from service.web.http.routing import Route, operation_id

router = APIRouter(
    route_class=Route, default_response_class=Response, generate_unique_id_function=operation_id, tags=["operations"]
)

STATIC = Path(__file__).parents[1] / "static"
RECIPE_PATH = "/docs/recipe.md"
VECTORS_PATH = "/docs/recipe-vectors.json"
IN_HEADERS = {"parameters": [*CONDITIONS, *RANGES]}
NEVER_STORED = {"Cache-Control": "no-store"}


class ServiceStatus(Document):
    """State of the service."""

    status: Annotated[str, Field(examples=["ok"])]
    """Always ok: any other state is a problem."""


class ServiceVersion(Document):
    """What is running."""

    service: Annotated[str, Field(examples=["0.2.0"])]
    """Version of the service."""
    recipe: Recipe
    """Newest version of the arithmetic from seed to values."""
    recipe_document: Annotated[str, Field(examples=[RECIPE_PATH])]
    """Where the arithmetic is published, relative to the service."""
    backend: Annotated[str, Field(examples=["numba 0.68.1"])]
    """What draws: numba and its version, or numpy. The bits are the same."""
    numpy: Annotated[str, Field(examples=["2.4.6"])]
    """Version of NumPy."""
    python: Annotated[str, Field(examples=["3.13.0"])]
    """Version of Python."""


def _json(model: type[Document], description: str) -> Responses:
    return {200: {"model": model, "description": description}} | refusals()


def _content(media_type: str, description: str, kind: str = "string") -> Responses:
    content = {media_type: {"schema": {"type": kind}}}
    return {200: {"description": description, "content": content}} | refusals()


def _document(document: Document) -> Response:
    return Response(document.model_dump_json(), headers=NEVER_STORED, media_type="application/json")


@router.get("/livez", summary="Is it alive?", responses=_json(ServiceStatus, "The process answers."))
async def get_liveness() -> Response:
    """Return 200 as long as the process answers at all."""
    return _document(ServiceStatus(status="ok"))


@router.get(
    "/readyz", summary="Is it ready?", responses=_json(ServiceStatus, "The arithmetic is exact.") | refusals(NotReady)
)
async def get_readiness(state: StateOfApp) -> Response:
    """Return 200 once the arithmetic of this machine has been found to give the recipe's known answers."""
    if not state.is_ready:
        raise NotReady
    return _document(ServiceStatus(status="ok"))


@router.get("/version", summary="Versions", responses=_json(ServiceVersion, "The versions."))
async def get_version() -> Response:
    """Return the versions of the service, of the recipe and of what computes it."""
    return _document(
        ServiceVersion(
            service=__version__,
            recipe=RECIPE,
            recipe_document=RECIPE_PATH,
            backend=BACKEND,
            numpy=np.__version__,
            python=platform.python_version(),
        )
    )


@router.get("/metrics", summary="Metrics", responses=_content("text/plain", "The counts."))
async def get_metrics(state: StateOfApp) -> Response:
    """Return counts of requests, seconds, bytes and values in Prometheus's text format."""
    return Response(state.metrics.exposition(), headers=NEVER_STORED, media_type=CONTENT_TYPE)


def _file_responses(media_type: str, description: str, kind: str = "string") -> Responses:
    whole = _content(media_type, description, kind)
    part = {**PART[206], "content": {media_type: {"schema": {"type": "string"}}}}
    return whole | {206: part} | NOT_MODIFIED | refusals(PreconditionFailed, RangeNotSatisfiable)


@router.get(
    RECIPE_PATH,
    summary="The recipe",
    openapi_extra=IN_HEADERS,
    responses=_file_responses("text/markdown", "The page."),
)
async def get_recipe(request: Request) -> Response:
    """Return the exact arithmetic from seed to values, for programmers of any language."""
    return _file(request, PAGE, "text/markdown; charset=utf-8")


@router.get(
    VECTORS_PATH,
    summary="Known answers of the recipe",
    openapi_extra=IN_HEADERS,
    responses=_file_responses("application/json", "The answers.", "object"),
)
async def get_recipe_vectors(request: Request) -> Response:
    """Return known answers of the recipe, to check an implementation against."""
    return _file(request, VECTORS, "application/json")


def _file(request: Request, path: Path, media_type: str) -> Response:
    body = path.read_bytes()
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"content-type": media_type, "etag": etag, "accept-ranges": "bytes", "cache-control": "no-cache"}
    raw_headers = [(name.encode(), value.encode()) for name, value in headers.items()]
    answer = Answer(request.scope["route"], etag, raw_headers, len(body), has_ranges=True)
    status, part = answer.select(request.method, request.headers)
    if status is HTTPStatus.NOT_MODIFIED:
        return answer.unmodified()
    return answer.response(request.method, body[part.start : part.stop] if part else body, part)
