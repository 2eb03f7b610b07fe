"""The OpenAPI document: what FastAPI cannot say of these routes by itself."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from service import __version__
from service.query import LAYERS_PATTERN
from service.spec import Experiment, Request
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
    {"name": "diagnosis", "description": "What an initialization does to every layer."},
    {"name": "operations", "description": "For those who run the service."},
]

RESPONSE_HEADERS = {
    "Content-Location": "Permanent URL of this very body, with the seed and without defaults.",
    "ETag": "Strong tag of the body; only where the seed was given.",
    "Cache-Control": "For ever where the seed was given, else no-store.",
    "X-Request-ID": "Name of this request in the service's log.",
}
DOWNLOAD_HEADERS = {
    "Accept-Ranges": "bytes where ranges can be asked for, else none.",
    "Content-Disposition": "File name of the download.",
    "Content-Length": "Exact number of bytes that follow.",
}
PART_HEADERS = {"Content-Range": "Which bytes these are, and of how many."}
PROBLEM_HEADERS = {
    416: {"Content-Range": "How many bytes there are."},
    503: {"Retry-After": "Seconds until another try is worth while."},
}
CONDITIONS = {
    "If-None-Match": "ETag of what the client has: answered with 304 if that is still right.",
    "If-Match": "ETag of what the client wants: answered with 412 if this URL has another one.",
}
RANGES = {
    "Range": "A single range of bytes, such as bytes=0-1023: answered with 206.",
    "If-Range": "ETag of the body that Range means; with another one the whole body is sent.",
}


def query_parameters(model: type[Request]) -> list[dict[str, Any]]:
    """Return the parameters that describe a request in a URL."""
    schema = model.model_json_schema(ref_template=COMPONENTS)
    return [
        _parameter(name, described, required=name in schema["required"])
        for name, described in schema["properties"].items()
    ]


def condition_parameters(*, ranges: bool) -> list[dict[str, Any]]:
    """Return the request headers that make an answer conditional."""
    headers = CONDITIONS | RANGES if ranges else CONDITIONS
    return [
        {"name": name, "in": "header", "required": False, "description": text, "schema": {"type": "string"}}
        for name, text in headers.items()
    ]


def cut_parameters() -> list[dict[str, Any]]:
    """Return the parameters that cut a block out of a tensor."""
    return [_cut_parameter("rows", "0:2"), _cut_parameter("columns", "0:3")]


def json_body(model: type[Request]) -> dict[str, Any]:
    """Return the request body that describes a request."""
    example = {**EXAMPLE, "layers": [784, 256, 10]}
    content = {"schema": {"$ref": COMPONENTS.format(model=model.__name__)}, "example": example}
    return {"required": True, "content": {"application/json": content}}


def binary_body(description: str) -> dict[str, Any]:
    """Return a request body of bytes."""
    content = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
    return {"required": True, "description": description, "content": content}


def binary_response(*, ranges: bool) -> Responses:
    """Return the documentation of a binary body."""
    content = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
    headers = RESPONSE_HEADERS | DOWNLOAD_HEADERS
    responses: Responses = {200: {"description": "The file.", "content": content, "headers": _headers(headers)}}
    if ranges:
        part = {"description": "The bytes that Range asked for.", "headers": _headers(headers | PART_HEADERS)}
        responses[206] = part | {"content": content}
    return responses | _not_modified()


def json_response(model: type[BaseModel], description: str) -> Responses:
    """Return the documentation of a JSON body."""
    found: Responses = {200: {"model": model, "description": description, "headers": _headers(RESPONSE_HEADERS)}}
    return found | _not_modified()


def text_response(media_type: str, description: str) -> Responses:
    """Return the documentation of a body of text that is not JSON."""
    content = {media_type: {"schema": {"type": "string"}}}
    found: Responses = {200: {"description": description, "content": content, "headers": _headers(RESPONSE_HEADERS)}}
    return found | _not_modified()


def problem_responses(statuses: Iterable[HTTPStatus]) -> Responses:
    """Return the documentation of failures with these statuses."""
    titles = {kind.status: kind.title for kind in KINDS.values()}
    content = {MEDIA_TYPE: {"schema": {"$ref": COMPONENTS.format(model="Problem")}}}
    found: Responses = {
        int(status): {"description": f"{titles.get(status, status.phrase)}.", "content": content}
        for status in (*statuses, HTTPStatus.INTERNAL_SERVER_ERROR)
    }
    for status, header in PROBLEM_HEADERS.items():
        if status in found:
            found[status]["headers"] = _headers(header)
    return found


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
        contact={"name": "The maintainers of fanin"},
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        separate_input_output_schemas=False,
    )
    # Models that only hand-written parts of the document refer to.
    for model in (Problem, Experiment):
        schema = model.model_json_schema(ref_template=COMPONENTS)
        made["components"]["schemas"] |= schema.pop("$defs") | {model.__name__: schema}
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


def _headers(described: Mapping[str, str]) -> dict[str, Any]:
    return {name: {"description": text, "schema": {"type": "string"}} for name, text in described.items()}


def _not_modified() -> Responses:
    description = "The client has this body already: If-None-Match names its ETag."
    return {304: {"description": description, "headers": _headers(RESPONSE_HEADERS)}}
