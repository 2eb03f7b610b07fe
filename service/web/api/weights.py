"""The paths that answer with weights: each connects a request to a format."""

from inspect import getdoc

from fastapi import APIRouter
from fastapi.responses import Response

from service.dense.network import DenseNetwork
from service.describe.network import Network
from service.documents.plan import Paths, PlanDocument, plan_as_json
from service.documents.weights import BlockDocument, WeightsDocument, box_as_json, network_as_json
from service.errors import (
    Busy,
    InvalidRequest,
    MalformedBody,
    SlowBody,
    TooLarge,
    UnknownTensor,
    UnsupportedContentType,
)
from service.files.body.blob import Blob
from service.files.json_text import JsonText
from service.files.npy import box_as_npy, plan_as_npy
from service.files.npz.write import Npz, plan_as_npz
from service.files.raw import box_as_raw
from service.files.safetensors.write import plan_as_safetensors
from service.tensors.tensor import TensorBox
from service.web.api import answers, tensors
from service.web.api.answers import Answering
from service.web.api.documented import (
    BODY_EXAMPLE,
    CONDITIONS,
    CUTS,
    FILE,
    NOT_MODIFIED,
    PART,
    RANGES,
    json_body,
    json_response,
    parameters,
    refusals,
)
from service.web.api.inputs import BlockQuery, NetworkBody, NetworkQuery, TensorName
from service.web.http.conditional import PreconditionFailed, RangeNotSatisfiable
from service.web.http.routing import Route, operation_id

router = APIRouter(route_class=Route, default_response_class=Response, generate_unique_id_function=operation_id)

PATHS = Paths(
    network={suffix: f"/weights.{suffix}" for suffix in ("npy", "npz", "safetensors", "json")},
    tensor=tensors.PATHS.tensor,
)
# What most of these paths refuse.
REFUSED_GET = (PreconditionFailed, TooLarge, InvalidRequest)
REFUSED_POST = (MalformedBody, SlowBody, TooLarge, UnsupportedContentType, InvalidRequest)
REFUSED_TENSOR = (*REFUSED_GET, UnknownTensor, Busy)

IN_QUERY = parameters(Network, CONDITIONS)
IN_QUERY_WITH_RANGES = parameters(Network, CONDITIONS, RANGES)
IN_BODY = json_body(Network, BODY_EXAMPLE)


def _plan_as_json(network: DenseNetwork) -> JsonText:
    return plan_as_json(network, PATHS)


def _network_as_json(network: DenseNetwork) -> JsonText:
    return network_as_json(network, PATHS)


def _network_as_npy(network: DenseNetwork) -> Blob:
    return plan_as_npy(network.plan)


def _network_as_npz(network: DenseNetwork) -> Npz:
    return plan_as_npz(network.plan)


def _network_as_safetensors(network: DenseNetwork) -> Blob:
    return plan_as_safetensors(network.plan, network.metadata)


def _box_as_npy(_: DenseNetwork, box: TensorBox) -> Blob:
    return box_as_npy(box)


def _box_as_raw(_: DenseNetwork, box: TensorBox) -> Blob:
    return box_as_raw(box)


def _box_as_json(network: DenseNetwork, box: TensorBox) -> JsonText:
    return box_as_json(network, box, PATHS)


@router.get(
    "/plan",
    tags=["plan"],
    summary="Plan of a network",
    openapi_extra=IN_QUERY,
    responses=json_response(PlanDocument, "The plan.") | NOT_MODIFIED | refusals(*REFUSED_GET, Busy),
)
async def get_plan(network: NetworkQuery, answering: Answering) -> Response:
    """Every tensor's name, shape, scheme, std, size and links, computed without drawing a number."""
    return await answering.plan(network, _plan_as_json)


@router.post(
    "/plan",
    tags=["plan"],
    summary="Plan of a network, described by a JSON body",
    description=getdoc(get_plan),
    openapi_extra=IN_BODY,
    responses=json_response(PlanDocument, "The plan.") | refusals(*REFUSED_POST, Busy),
)
async def post_plan(network: NetworkBody, answering: Answering) -> Response:
    """Answer as `get_plan`."""
    return await get_plan(network, answering)


@router.get(
    "/weights.json",
    tags=["network"],
    summary="Weights as JSON",
    openapi_extra=IN_QUERY,
    responses=json_response(WeightsDocument, "The plan with values.") | NOT_MODIFIED | refusals(*REFUSED_GET, Busy),
)
async def get_weights_json(network: NetworkQuery, answering: Answering) -> Response:
    """Plan with the values of every tensor: flat, row-major."""
    return await answering.network(answers.JSON, network, _network_as_json)


@router.post(
    "/weights.json",
    tags=["network"],
    summary="Weights as JSON, described by a JSON body",
    description=getdoc(get_weights_json),
    openapi_extra=IN_BODY,
    responses=json_response(WeightsDocument, "The plan with values.") | refusals(*REFUSED_POST, Busy),
)
async def post_weights_json(network: NetworkBody, answering: Answering) -> Response:
    """Answer as `get_weights_json`."""
    return await get_weights_json(network, answering)


@router.get(
    "/weights.npy",
    tags=["network"],
    summary="Weights as one .npy array",
    openapi_extra=IN_QUERY_WITH_RANGES,
    responses=FILE | PART | NOT_MODIFIED | refusals(*REFUSED_GET, RangeNotSatisfiable, Busy),
)
async def get_weights_npy(network: NetworkQuery, answering: Answering) -> Response:
    """One 1-D NumPy array of all values, in plan order. Byte ranges are computed alone."""
    return await answering.network(answers.FILE, network, _network_as_npy)


@router.post(
    "/weights.npy",
    tags=["network"],
    summary="Weights as one .npy array, described by a JSON body",
    description=getdoc(get_weights_npy),
    openapi_extra=IN_BODY,
    responses=FILE | refusals(*REFUSED_POST, Busy),
)
async def post_weights_npy(network: NetworkBody, answering: Answering) -> Response:
    """Answer as `get_weights_npy`."""
    return await get_weights_npy(network, answering)


@router.get(
    "/weights.npz",
    tags=["network"],
    summary="Weights as .npz archive",
    openapi_extra=IN_QUERY,
    responses=FILE | NOT_MODIFIED | refusals(*REFUSED_GET, Busy),
)
async def get_weights_npz(network: NetworkQuery, answering: Answering) -> Response:
    """NumPy archive with an entry for each tensor. No byte ranges: each entry's CRC needs the whole entry."""
    return await answering.network(answers.FILE, network, _network_as_npz)


@router.post(
    "/weights.npz",
    tags=["network"],
    summary="Weights as .npz archive, described by a JSON body",
    description=getdoc(get_weights_npz),
    openapi_extra=IN_BODY,
    responses=FILE | refusals(*REFUSED_POST, Busy),
)
async def post_weights_npz(network: NetworkBody, answering: Answering) -> Response:
    """Answer as `get_weights_npz`."""
    return await get_weights_npz(network, answering)


@router.get(
    "/weights.safetensors",
    tags=["network"],
    summary="Weights as safetensors",
    openapi_extra=IN_QUERY_WITH_RANGES,
    responses=FILE | PART | NOT_MODIFIED | refusals(*REFUSED_GET, RangeNotSatisfiable, Busy),
)
async def get_weights_safetensors(network: NetworkQuery, answering: Answering) -> Response:
    """One safetensors file with every tensor by name. Byte ranges are computed alone."""
    return await answering.network(answers.FILE, network, _network_as_safetensors)


@router.post(
    "/weights.safetensors",
    tags=["network"],
    summary="Weights as safetensors, described by a JSON body",
    description=getdoc(get_weights_safetensors),
    openapi_extra=IN_BODY,
    responses=FILE | refusals(*REFUSED_POST, Busy),
)
async def post_weights_safetensors(network: NetworkBody, answering: Answering) -> Response:
    """Answer as `get_weights_safetensors`."""
    return await get_weights_safetensors(network, answering)


@router.get(
    "/weights/{tensor}.npy",
    tags=["tensor"],
    summary="One tensor as .npy",
    openapi_extra=parameters(Network, CUTS, CONDITIONS, RANGES),
    responses=FILE | PART | NOT_MODIFIED | refusals(*REFUSED_TENSOR, RangeNotSatisfiable),
)
async def get_tensor_npy(tensor: TensorName, block: BlockQuery, answering: Answering) -> Response:
    """NumPy array of a tensor, or of a block of its rows and columns."""
    return await answering.block(answers.FILE, tensor, block, _box_as_npy)


@router.get(
    "/weights/{tensor}.json",
    tags=["tensor"],
    summary="One tensor as JSON",
    openapi_extra=parameters(Network, CUTS, CONDITIONS),
    responses=json_response(BlockDocument, "The block with its values.") | NOT_MODIFIED | refusals(*REFUSED_TENSOR),
)
async def get_tensor_json(tensor: TensorName, block: BlockQuery, answering: Answering) -> Response:
    """Values of a tensor, or of a block of its rows and columns: flat, row-major."""
    return await answering.block(answers.JSON, tensor, block, _box_as_json)


@router.get(
    "/weights/{tensor}.bin",
    tags=["tensor"],
    summary="One tensor as bare bytes",
    openapi_extra=parameters(Network, CUTS, CONDITIONS, RANGES),
    responses=FILE | PART | NOT_MODIFIED | refusals(*REFUSED_TENSOR, RangeNotSatisfiable),
)
async def get_tensor_bin(tensor: TensorName, block: BlockQuery, answering: Answering) -> Response:
    """Values of a tensor, or of a block of its rows and columns: little-endian, row-major, no header."""
    return await answering.block(answers.FILE, tensor, block, _box_as_raw)
