"""The OpenAPI document: what FastAPI cannot say of these routes by itself."""

from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from service import __version__
from service.describe.learning import LearningRequest
from service.describe.network import DiagnosisRequest, Request
from service.describe.url import LAYERS_PATTERN
from service.documents.model import Model
from service.errors import Busy, ServiceError
from service.web.api.inputs import CUT_PATTERN
from service.web.http.conditional import RangeNotSatisfiable
from service.web.http.problems import INTERNAL_ERROR, KINDS, MEDIA_TYPE, Problem, Unauthorized

Responses = dict[int | str, dict[str, Any]]

COMPONENTS = "#/components/schemas/{model}"
EXAMPLE = {"layers": "784,256,10", "activation": "relu", "seed": 42}
BODY_EXAMPLE = {**EXAMPLE, "layers": [784, 256, 10]}

DESCRIPTION = """\
Initial weights of neural networks as a pure function of a URL.

Send layer sizes, an activation and a seed; the service chooses He (for relu) or Xavier (otherwise) and
returns the weights in the format of the path. Or send the shape of one tensor, or the names and shapes of a whole
model with rules that say how they start. The same URL gives the same bytes on every machine, for ever.
Failures are `application/problem+json` (RFC 9457). The arithmetic is published at `/docs/recipe.md`.
"""
SERVER = (
    "The service that this document was loaded from. Where it was read from a file, clients need the address of a "
    "service, such as http://127.0.0.1:8000."
)
TAGS = [
    {"name": "plan", "description": "What would be drawn, without drawing it."},
    {"name": "network", "description": "All tensors of a network in one file."},
    {"name": "tensor", "description": "One tensor, or a part of it."},
    {"name": "model", "description": "A list of tensors of any shapes, and the rules that say how they start."},
    {
        "name": "zarr",
        "description": "The same tensors as a Zarr v3 store, for clients that read arrays chunk by chunk.",
    },
    {"name": "diagnosis", "description": "What an initialization does to every layer."},
    {"name": "learning", "description": "How fast a network learns from its start."},
    {"name": "operations", "description": "For those who run the service."},
]

# Whoever runs or loads something must reach these before there is a key, and they tell nothing but what is published.
OPEN_PATHS = frozenset({"/", "/docs", "/openapi.json", "/livez", "/readyz"})
OPEN_FOLDERS = ("/docs/", "/static/")
KEY = "key"
KEY_SCHEME = {
    "type": "http",
    "scheme": "bearer",
    "description": "Where who runs the service has set FANIN_API_KEYS_FILE: a key that they gave you.",
}

RESPONSE_HEADERS = {
    "Content-Location": "Permanent URL of this very body, with the seed and without defaults.",
    "ETag": "Tag of the body, weak where it repeats to rounding only; only where the seed was given.",
    "Cache-Control": "For ever where the seed was given (no-cache for what was learned), else no-store.",
    "X-Request-ID": "Name of this request in the service's log.",
}
DOWNLOAD_HEADERS = {
    "Accept-Ranges": "bytes where ranges can be asked for, else none.",
    "Content-Disposition": "File name of the download.",
    "Content-Length": "Exact number of bytes that follow.",
}
PART_HEADERS = {"Content-Range": "Which bytes these are, and of how many."}
PROBLEM_HEADERS: Mapping[type[ServiceError], Mapping[str, str]] = {
    Unauthorized: {"WWW-Authenticate": "That a bearer token is wanted."},
    RangeNotSatisfiable: {"Content-Range": "How many bytes there are."},
    Busy: {"Retry-After": "Seconds until another try is worth while."},
}


def described_headers(described: Mapping[str, str]) -> dict[str, Any]:
    """Return the documentation of headers."""
    return {name: {"description": text, "schema": {"type": "string"}} for name, text in described.items()}


def _header_parameter(name: str, description: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": False, "description": description, "schema": {"type": "string"}}


def _cut_parameter(name: str, example: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": f"The {name} to return, as a:b: from a up to, not including, b. Left out: all.",
        "schema": {"type": "string", "pattern": CUT_PATTERN, "examples": [example]},
    }


# Groups of parameters.
CONDITIONS = [
    _header_parameter("If-None-Match", "ETag of what the client has: answered with 304 if that is still right."),
    _header_parameter("If-Match", "ETag of what the client wants: answered with 412 if this URL has another one."),
]
RANGES = [
    _header_parameter("Range", "A single range of bytes, such as bytes=0-1023: answered with 206."),
    _header_parameter("If-Range", "ETag of the body that Range means; with another one the whole body is sent."),
]
CUTS = [_cut_parameter("rows", "0:2"), _cut_parameter("columns", "0:3")]

# Successes.
BINARY = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
FILE: Responses = {
    200: {
        "description": "The file.",
        "content": BINARY,
        "headers": described_headers(RESPONSE_HEADERS | DOWNLOAD_HEADERS),
    }
}
PART: Responses = {
    206: {
        "description": "The bytes that Range asked for.",
        "content": BINARY,
        "headers": described_headers(RESPONSE_HEADERS | DOWNLOAD_HEADERS | PART_HEADERS),
    }
}
NOT_MODIFIED: Responses = {
    304: {
        "description": "The client has this body already: If-None-Match names its ETag.",
        "headers": described_headers(RESPONSE_HEADERS),
    }
}


def parameters(
    model: type[Request], *others: list[dict[str, Any]], example: Mapping[str, Any] = MappingProxyType(EXAMPLE)
) -> dict[str, Any]:
    """Return what a route adds to its operation: the parameters that describe a request in a URL, and others."""
    schema = model.model_json_schema(ref_template=COMPONENTS)
    described = [
        _parameter(name, property_, example, required=name in schema["required"])
        for name, property_ in schema["properties"].items()
    ]
    return {"parameters": [*described, *(parameter for group in others for parameter in group)]}


def json_body(model: type[BaseModel], example: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a route adds to its operation: the JSON body that describes a request."""
    content = {"schema": {"$ref": COMPONENTS.format(model=model.__name__)}, "example": example}
    return {"requestBody": {"required": True, "content": {"application/json": content}}}


def binary_body(description: str) -> dict[str, Any]:
    """Return what a route adds to its operation: a body of bytes."""
    return {"requestBody": {"required": True, "description": description, "content": BINARY}}


def json_response(model: type[BaseModel], description: str) -> Responses:
    """Return the documentation of a JSON body."""
    return {200: {"model": model, "description": description, "headers": described_headers(RESPONSE_HEADERS)}}


def text_response(media_type: str, description: str) -> Responses:
    """Return the documentation of a body of text that is not JSON."""
    content = {media_type: {"schema": {"type": "string"}}}
    return {200: {"description": description, "content": content, "headers": described_headers(RESPONSE_HEADERS)}}


def refusals(*errors: type[ServiceError]) -> Responses:
    """Return the documentation of the problems that an operation may answer with."""
    kinds = [*(KINDS[error] for error in errors), INTERNAL_ERROR]
    content = {MEDIA_TYPE: {"schema": {"$ref": COMPONENTS.format(model="Problem")}}}
    responses: Responses = {
        int(status): {
            "description": " Or: ".join(f"{kind.title}." for kind in kinds if kind.status == status),
            "content": content,
        }
        for status in sorted({kind.status for kind in kinds})
    }
    for error in errors:
        if error in PROBLEM_HEADERS:
            responses[int(KINDS[error].status)]["headers"] = described_headers(PROBLEM_HEADERS[error])
    return responses


def is_open(path: str) -> bool:
    """Return whether a path is for everybody, also where others need a key."""
    return path in OPEN_PATHS or path.startswith(OPEN_FOLDERS)


def document(app: FastAPI, *, needs_key: bool) -> dict[str, Any]:
    """Return the app's OpenAPI document."""
    described = get_openapi(
        title=app.title,
        version=__version__,
        openapi_version=app.openapi_version,
        summary="Initial weights as a URL",
        description=DESCRIPTION,
        routes=app.routes,
        tags=TAGS,
        servers=[{"url": "/", "description": SERVER}],
        contact={"name": "The maintainers of fanin"},
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        separate_input_output_schemas=False,
    )
    # Models that only hand-written parts of the document refer to.
    for model in (Problem, DiagnosisRequest, LearningRequest, Model):
        schema = model.model_json_schema(ref_template=COMPONENTS)
        described["components"]["schemas"] |= schema.pop("$defs") | {model.__name__: schema}
    _add_key(described, needs_key=needs_key)
    return described


def _add_key(described: dict[str, Any], *, needs_key: bool) -> None:
    """Say which operations take a key; the answer to those who bring none only where one is needed."""
    described["components"]["securitySchemes"] = {KEY: KEY_SCHEME}
    described["security"] = [{KEY: []}] if needs_key else [{}, {KEY: []}]
    refused = {
        str(status): answer for status, answer in refusals(Unauthorized).items() if status == HTTPStatus.UNAUTHORIZED
    }
    for path, operations in described["paths"].items():
        for operation in operations.values():
            if is_open(path):
                operation["security"] = []
            elif needs_key:
                operation["responses"] |= refused


def _parameter(name: str, schema: dict[str, Any], example: Mapping[str, Any], *, required: bool) -> dict[str, Any]:
    described = {key: value for key, value in schema.items() if key not in ("title", "description")}
    if name == "layers":
        # A string: generators and FastAPI disagree on lists joined by commas.
        described = {"type": "string", "pattern": LAYERS_PATTERN, "examples": [example["layers"]]}
    parameter = {
        "name": name,
        "in": "query",
        "required": required,
        "description": schema["description"],
        "schema": described,
    }
    return parameter | ({"example": example[name]} if name in example else {})
