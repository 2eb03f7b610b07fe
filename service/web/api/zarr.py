"""The paths of Zarr stores: a description, and below it the keys of which a client reads what it needs."""

from functools import partial
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path, Request
from fastapi.responses import Response

from service.describe.fields import refused
from service.describe.tensor import path_of_name
from service.errors import Busy, InvalidRequest, TooLarge, UnknownTensor
from service.files.zarr.hierarchy import CHUNKS, METADATA, ROOT
from service.web.api.answers import Answering, Answers, Format
from service.web.api.documented import (
    CONDITIONS,
    FILE,
    NOT_MODIFIED,
    PART,
    RANGES,
    RESPONSE_HEADERS,
    Responses,
    described_headers,
    refusals,
)
from service.web.api.inputs import decoded, query_text
from service.web.api.zarr_stores import Store, store_of
from service.web.http.conditional import PreconditionFailed, RangeNotSatisfiable
from service.web.http.routing import Route, operation_id

router = APIRouter(
    route_class=Route, default_response_class=Response, generate_unique_id_function=operation_id, tags=["zarr"]
)

# Each is asked for once by each client, so that to keep them would drive out what is asked for again.
CHUNK = Format("application/octet-stream", is_kept=False, revision="")

DESCRIPTION = (
    "The query of a network, a model (model=) or a tensor, seed included, as one part of the path; and chunks=, the "
    "shape of chunks, where it is to be another one than usual."
)
Description = Annotated[
    str, Path(description=DESCRIPTION, examples=["layers=784,256,10&activation=relu&seed=42"], pattern="=")
]
ScalarDescription = Annotated[str, Path(description=DESCRIPTION, examples=["shape=&scheme=ones&seed=42"], pattern="=")]
ArrayName = Annotated[str, Path(description="Name of the tensor, which may hold /.", examples=["layers.0.weight"])]
ChunkIndex = Annotated[
    str,
    Path(
        description="Number of the chunk along each axis, joined by /.",
        examples=["0/0"],
        pattern="^(0|[1-9][0-9]{0,9})(/(0|[1-9][0-9]{0,9})){0,7}$",
    ),
]
FILE_HEADERS = {"Content-Disposition"}
REFUSED = (PreconditionFailed, TooLarge, InvalidRequest, UnknownTensor, Busy)
DOCUMENT: Responses = {
    200: {
        "description": "Metadata as Zarr v3 has it.",
        "content": {"application/json": {"schema": {"type": "object"}}},
        "headers": described_headers(RESPONSE_HEADERS),
    }
}
# No client takes a chunk for a file of its own.
CHUNK_BYTES: Responses = {
    status: {**answer, "headers": {name: said for name, said in answer["headers"].items() if name not in FILE_HEADERS}}
    for status, answer in (FILE | PART).items()
}
DOCUMENTED: dict[str, Any] = {
    "openapi_extra": {"parameters": CONDITIONS},
    "responses": DOCUMENT | NOT_MODIFIED | refusals(*REFUSED),
}
DOCUMENTED_CHUNK: dict[str, Any] = {
    "openapi_extra": {"parameters": [*CONDITIONS, *RANGES]},
    "responses": CHUNK_BYTES | NOT_MODIFIED | refusals(*REFUSED, RangeNotSatisfiable),
}


@router.get("/zarr/{description}/zarr.json", summary="Zarr group of all tensors", **DOCUMENTED)
async def get_zarr_group(request: Request, description: Description, answering: Answering) -> Response:
    """Zarr v3 metadata of the root, with that of all arrays: nothing can be listed over HTTP."""
    return await _metadata(request, description, ROOT, answering)


@router.get("/zarr/{description}/{tensor:path}/zarr.json", summary="Zarr array of a tensor", **DOCUMENTED)
async def get_zarr_array(
    request: Request, description: Description, tensor: ArrayName, answering: Answering
) -> Response:
    """Zarr v3 metadata of one tensor; or of a group, where names hold / and this is a beginning of some."""
    return await _metadata(request, description, tensor, answering)


@router.get("/zarr/{description}/{tensor:path}/c/{index:path}", summary="Zarr chunk of a tensor", **DOCUMENTED_CHUNK)
async def get_zarr_chunk(
    request: Request, description: Description, tensor: ArrayName, index: ChunkIndex, answering: Answering
) -> Response:
    """Values of one chunk: little-endian, row-major, of the full shape of a chunk, with zeros beyond the tensor."""
    return await _chunk(request, description, tensor, index, answering)


@router.get("/zarr/{description}/{tensor:path}/c", summary="Zarr chunk of a scalar", **DOCUMENTED_CHUNK)
async def get_zarr_scalar(
    request: Request, description: ScalarDescription, tensor: ArrayName, answering: Answering
) -> Response:
    """Value of a tensor without axes, whose only chunk has no number."""
    return await _chunk(request, description, tensor, "", answering)


@router.get("/zarr/{key:path}", include_in_schema=False)
async def get_other_zarr_key(request: Request, key: str) -> Response:
    """Say that a store has no such key.

    Clients take 404 for a chunk of fill values, so only what cannot be a chunk gets it.
    """
    _check_there_is_no_query(request)
    if CHUNKS in key.split("/")[1:]:
        raise refused("key", f"must be the name of a tensor before /{CHUNKS}/", key)
    raise HTTPException(HTTPStatus.NOT_FOUND)


def _check_there_is_no_query(request: Request) -> None:
    if query := query_text(request):
        raise refused("query", "must be empty: the description is the part of the path after /zarr/", query)


async def _store(request: Request, description: str, name: str, answering: Answers) -> Store:
    """Return the store of a description; what holds no = is no description, but above all stores."""
    _check_there_is_no_query(request)
    if "=" not in description:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    return await store_of(decoded(description, request), name, answering)


async def _metadata(request: Request, description: str, tensor: str, answering: Answers) -> Response:
    name = _name(tensor, request)
    store = await _store(request, description, name, answering)
    if name not in store.hierarchy.groups:
        store.array(name)
    subject = store.subject(f"{path_of_name(name)}/{METADATA}" if name else METADATA)
    is_large = store.is_large and name in store.hierarchy.groups
    return await answering.document(subject, partial(store.hierarchy.metadata, name), is_large=is_large)


async def _chunk(request: Request, description: str, tensor: str, index: str, answering: Answers) -> Response:
    name, key = _name(tensor, request), index.strip("/")
    store = await _store(request, description, name, answering)
    if name not in store.hierarchy.arrays:
        raise refused("key", f"must begin with the name of a tensor before /{CHUNKS}/", name)
    body = store.hierarchy.arrays[name].chunk(key)
    subject = store.subject(f"{path_of_name(name)}/{CHUNKS}" + (f"/{key}" if key else ""))
    return await answering.values(subject, CHUNK, body, is_large=False)


def _name(tensor: str, request: Request) -> str:
    """Return a name without what a base URL with a trailing slash puts before it."""
    return decoded(tensor, request).strip("/")
