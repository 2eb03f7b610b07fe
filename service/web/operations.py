"""The paths for those who run the service, and the recipe."""

import platform
from http import HTTPStatus
from pathlib import Path
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, Response
from pydantic import Field

from service import __version__
from service.document import Document, Recipe
from service.numerics.sampler import TWIN
from service.spec import RECIPE
from service.web.metrics import CONTENT_TYPE, Metrics
from service.web.openapi import Responses, problem_responses
from service.web.problems import NotReady
from service.web.routes import add_get

STATIC = Path(__file__).parent / "static"
RECIPE_PATH = "/docs/recipe.md"
VECTORS_PATH = "/docs/recipe-vectors.json"
NEVER_STORED = {"Cache-Control": "no-store"}


class Status(Document):
    """State of the service."""

    status: Annotated[str, Field(examples=["ok"])]
    """Always ok: any other state is a problem."""


class Version(Document):
    """What is running."""

    service: Annotated[str, Field(examples=["0.1.0"])]
    """Version of the service."""
    recipe: Recipe
    """Newest version of the arithmetic from seed to values."""
    recipe_document: Annotated[str, Field(examples=[RECIPE_PATH])]
    """Where the arithmetic is published, relative to the service."""
    twin: Annotated[str, Field(examples=["numba 0.68.1"])]
    """What draws: numba and its version, or numpy. The bits are the same."""
    numpy: Annotated[str, Field(examples=["2.4.6"])]
    """Version of NumPy."""
    python: Annotated[str, Field(examples=["3.13.0"])]
    """Version of Python."""


async def livez(_: Request) -> Response:
    """Return 200 as long as the process answers at all."""
    return _document(Status(status="ok"))


async def readyz(request: Request) -> Response:
    """Return 200 once the arithmetic of this machine has been found to give the recipe's known answers."""
    if not request.app.state.is_ready:
        raise NotReady
    return _document(Status(status="ok"))


async def version(_: Request) -> Response:
    """Return the versions of the service, of the recipe and of what computes it."""
    return _document(
        Version(
            service=__version__,
            recipe=RECIPE,
            recipe_document=RECIPE_PATH,
            twin=TWIN,
            numpy=np.__version__,
            python=platform.python_version(),
        )
    )


async def metrics(request: Request) -> Response:
    """Return counts of requests, seconds, bytes and values in Prometheus's text format."""
    counted: Metrics = request.app.state.metrics
    return Response(counted.exposition(), headers=NEVER_STORED, media_type=CONTENT_TYPE)


async def recipe_page(_: Request) -> Response:
    """Return the exact arithmetic from seed to values, for programmers of any language."""
    return FileResponse(STATIC / "recipe.md", media_type="text/markdown; charset=utf-8")


async def recipe_vectors(_: Request) -> Response:
    """Return known answers of the recipe, to check an implementation against."""
    return FileResponse(STATIC / "recipe-vectors.json", media_type="application/json")


def add_operations_routes(router: APIRouter) -> None:
    """Add the routes for operators and programmers."""
    refused = problem_responses((HTTPStatus.SERVICE_UNAVAILABLE,))
    alive, ready = _json(Status, "The process answers."), _json(Status, "The arithmetic is exact.") | refused
    versions, counts = _json(Version, "The versions."), _content("text/plain", "The counts.")
    recipe = _content("text/markdown", "The page.")
    vectors = _content("application/json", "The answers.", "object")
    add_get(router, "/livez", livez, operation_id="getLiveness", summary="Is it alive?", responses=alive)
    add_get(router, "/readyz", readyz, operation_id="getReadiness", summary="Is it ready?", responses=ready)
    add_get(router, "/version", version, operation_id="getVersion", summary="Versions", responses=versions)
    add_get(router, "/metrics", metrics, operation_id="getMetrics", summary="Metrics", responses=counts)
    add_get(router, RECIPE_PATH, recipe_page, operation_id="getRecipe", summary="The recipe", responses=recipe)
    add_get(
        router, VECTORS_PATH, recipe_vectors, operation_id="getRecipeVectors", summary="Known answers of the recipe",
        responses=vectors,
    )  # fmt: skip


def _json(model: type[Document], description: str) -> Responses:
    return {200: {"model": model, "description": description}} | problem_responses(())


def _content(media_type: str, description: str, kind: str = "string") -> Responses:
    content = {media_type: {"schema": {"type": kind}}}
    return {200: {"description": description, "content": content}} | problem_responses(())


def _document(document: Document) -> Response:
    return Response(document.model_dump_json(), headers=NEVER_STORED, media_type="application/json")
