"""The OpenAPI document: what FastAPI cannot say of these routes by itself."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from service import __version__
from service.query import LAYERS_PATTERN
from service.spec import Network
from service.web.problems import KINDS, MEDIA_TYPE, Problem
from service.web.requests import CUT_PATTERN

Responses = dict[int | str, dict[str, Any]]

COMPONENTS = "#/components/schemas/{model}"
EXAMPLE = {"layers": "784,256,10", "activation": "relu", "seed": 42}

DESCRIPTION = """\
Initial weights of neural networks as a pure function of a URL.

Send layer sizes, an activation and a seed; the service chooses He (for relu) or Xavier (otherwise) and
returns the weights in the format of the path. The same URL gives the same bytes on every machine, for ever.
Failures are `application/problem+json` (RFC 9457). The arithmetic is published at `/docs/recipe.md`.
"""
TAGS = [
    {"name": "plan", "description": "What would be drawn, without drawing it."},
    {"name": "network", "description": "All tensors of a network in one file."},
    {"name": "tensor", "description": "One tensor, or a block of its rows and columns."},
    {"name": "operations", "description": "For those who run the service."},
]

HEADERS = {
    "Content-Location": "Permanent URL of this very body, with the seed and without defaults.",
    "ETag": "Strong tag of the body; only where the seed was given.",
    "Cache-Control": "For ever where the seed was given, else no-store.",
    "X-Request-ID": "Name of this request in the service's log.",
}


def query_parameters(*, with_cuts: bool = False) -> list[dict[str, Any]]:
    """Return the parameters that describe a network in a URL."""
    properties = Network.model_json_schema(ref_template=COMPONENTS)["properties"]
    required = Network.model_json_schema()["required"]
    parameters = [_parameter(name, schema, required=name in required) for name, schema in properties.items()]
    if with_cuts:
        parameters += [_cut_parameter("rows", "0:2"), _cut_parameter("columns", "0:3")]
    return parameters


def json_body() -> dict[str, Any]:
    """Return the request body that describes a network."""
    example = {**EXAMPLE, "layers": [784, 256, 10]}
    content = {"schema": {"$ref": COMPONENTS.format(model="Network")}, "example": example}
    return {"required": True, "content": {"application/json": content}}


def binary_response(*, ranges: bool) -> Responses:
    """Return the documentation of a binary body."""
    content = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
    responses: Responses = {200: {"description": "The file.", "content": content, "headers": _headers()}}
    if ranges:
        responses[206] = {"description": "The bytes that Range asked for.", "content": content, "headers": _headers()}
    return responses | _not_modified()


def json_response(model: type[BaseModel], description: str) -> Responses:
    """Return the documentation of a JSON body."""
    return {200: {"model": model, "description": description, "headers": _headers()}} | _not_modified()


def problem_responses(statuses: Iterable[HTTPStatus]) -> Responses:
    """Return the documentation of failures with these statuses."""
    titles = {kind.status: kind.title for kind in KINDS.values()}
    content = {MEDIA_TYPE: {"schema": {"$ref": COMPONENTS.format(model="Problem")}}}
    return {
        int(status): {"description": f"{titles.get(status, status.phrase)}.", "content": content}
        for status in (*statuses, HTTPStatus.INTERNAL_SERVER_ERROR)
    }


def document(app: FastAPI) -> dict[str, Any]:
    """Return the app's OpenAPI document."""
    made = get_openapi(
        title=app.title,
        version=__version__,
        openapi_version=app.openapi_version,
        summary="Initial weights as a URL",
        description=DESCRIPTION,
        routes=app.routes,
        tags=TAGS,
        servers=[{"url": "/", "description": "The service that serves this document."}],
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        separate_input_output_schemas=False,
    )
    schema = Problem.model_json_schema(ref_template=COMPONENTS)
    schemas = made["components"]["schemas"]
    schemas.update(schema.pop("$defs"))
    schemas["Problem"] = schema
    return made


def _parameter(name: str, schema: dict[str, Any], *, required: bool) -> dict[str, Any]:
    described = {key: value for key, value in schema.items() if key not in ("title", "description")}
    if name == "layers":
        # A string: generators and FastAPI disagree on lists joined by commas.
        described = {"type": "string", "pattern": LAYERS_PATTERN, "examples": [EXAMPLE["layers"]]}
    parameter = {
        "name": name,
        "in": "query",
        "required": required,
        "description": schema["description"],
        "schema": described,
    }
    return parameter | ({"example": EXAMPLE[name]} if name in EXAMPLE else {})


def _cut_parameter(name: str, example: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": f"The {name} to return, as a:b: from a up to, not including, b. Left out: all.",
        "schema": {"type": "string", "pattern": CUT_PATTERN, "examples": [example]},
    }


def _headers() -> dict[str, Any]:
    return {name: {"description": text, "schema": {"type": "string"}} for name, text in HEADERS.items()}


def _not_modified() -> Responses:
    return {304: {"description": "The client has this body already: If-None-Match names its ETag."}}
