"""The paths of a model: a list of tensors, and the rules that say how they start."""

from collections.abc import Callable
from functools import partial
from inspect import getdoc

from fastapi import APIRouter
from fastapi.responses import Response

from service.documents.model import Model, ModelPlan, SeededModel, model_plan
from service.documents.model_weights import ModelWeights, SliceDocument, model_as_json
from service.documents.plan import Paths
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
from service.files.body.pieces import Body
from service.files.json_text import JsonText
from service.files.npy import plan_as_npy
from service.files.npz.write import Npz, plan_as_npz
from service.files.safetensors.write import plan_as_safetensors
from service.web.api import answers, tensors
from service.web.api.answers import Answering, Answers, Format
from service.web.api.documented import (
    CONDITIONS,
    FILE,
    NOT_MODIFIED,
    PART,
    RANGES,
    binary_body,
    json_body,
    json_response,
    refusals,
)
from service.web.api.documented_models import (
    HEADER,
    HEADER_PARAMETERS,
    MODEL_EXAMPLE,
    MODEL_PARAMETER,
    SLICE,
)
from service.web.api.inputs import OwnTensorName
from service.web.api.planned_models import ModelBody, ModelHeader, ModelQuery, ModelTensorQuery, PlannedModel
from service.web.http.conditional import PreconditionFailed, RangeNotSatisfiable
from service.web.http.routing import Route, operation_id

router = APIRouter(
    route_class=Route, default_response_class=Response, generate_unique_id_function=operation_id, tags=["model"]
)

PATHS = Paths(
    network={"plan": "/model/plan"}
    | {suffix: f"/model/weights.{suffix}" for suffix in ("npy", "npz", "safetensors", "json")},
    tensor=tensors.PATHS.tensor,
)
REFUSED_GET = (PreconditionFailed, TooLarge, InvalidRequest)
REFUSED_HEADER = (SlowBody, TooLarge, InvalidRequest, Busy)
REFUSED_POST = (MalformedBody, UnsupportedContentType, *REFUSED_HEADER)
REFUSED_TENSOR = (*REFUSED_GET, UnknownTensor, Busy)

IN_QUERY = {"parameters": [MODEL_PARAMETER, *CONDITIONS]}
IN_QUERY_WITH_RANGES = {"parameters": [MODEL_PARAMETER, *CONDITIONS, *RANGES]}
SLICED = {"parameters": [MODEL_PARAMETER, SLICE, *CONDITIONS]}
SLICED_WITH_RANGES = {"parameters": [MODEL_PARAMETER, SLICE, *CONDITIONS, *RANGES]}
IN_BODY = json_body(Model, MODEL_EXAMPLE)
PLANNED = json_response(ModelPlan, "The plan.")
WITH_VALUES = json_response(ModelWeights, "The plan with values.")


async def _answer_plan(planned: PlannedModel, answering: Answers) -> Response:
    subject = planned.subject(PATHS.network["plan"])
    return await answering.document(subject, partial(model_plan, planned.model, PATHS), is_large=planned.is_large)


async def _answer_file(
    planned: PlannedModel, answering: Answers, format_: Format, write: Callable[[SeededModel], Body]
) -> Response:
    body = await answering.made(partial(write, planned.model), is_large=planned.is_large)
    return await answering.values(planned.subject(answering.path), format_, body, is_large=planned.is_large)


def _as_npy(model: SeededModel) -> Blob:
    return plan_as_npy(model.plan)


def _as_npz(model: SeededModel) -> Npz:
    return plan_as_npz(model.plan)


def _as_safetensors(model: SeededModel) -> Blob:
    return plan_as_safetensors(model.plan, model.metadata)


def _as_json(model: SeededModel) -> JsonText:
    return model_as_json(model, PATHS)


@router.get(
    "/model/plan",
    summary="Plan of a model",
    openapi_extra=IN_QUERY,
    responses=PLANNED | NOT_MODIFIED | refusals(*REFUSED_GET, Busy),
)
async def get_model_plan(model: ModelQuery, answering: Answering) -> Response:
    """Rules of a model and what each takes, and for each tensor shape, fans, scheme, std, size and link."""
    return await _answer_plan(model, answering)


@router.post(
    "/model/plan",
    summary="Plan of a model, described by a JSON body",
    description=getdoc(get_model_plan),
    openapi_extra=IN_BODY,
    responses=PLANNED | refusals(*REFUSED_POST),
)
async def post_model_plan(model: ModelBody, answering: Answering) -> Response:
    """Answer as `get_model_plan`."""
    return await _answer_plan(model, answering)


@router.post(
    "/model/header",
    summary="Plan of the model that a safetensors file holds",
    openapi_extra={"parameters": HEADER_PARAMETERS} | binary_body(HEADER),
    responses=PLANNED | refusals(*REFUSED_HEADER),
)
async def post_model_header(model: ModelHeader, answering: Answering) -> Response:
    """Plan of a model whose names, shapes, dtypes and order are those of a safetensors file.

    The body is the beginning of the file, at least to the end of its header; what follows that is ignored.
    """
    return await _answer_plan(model, answering)


@router.get(
    "/model/weights.npy",
    summary="A model as one .npy array",
    openapi_extra=IN_QUERY_WITH_RANGES,
    responses=FILE | PART | NOT_MODIFIED | refusals(*REFUSED_GET, RangeNotSatisfiable, Busy),
)
async def get_model_weights_npy(model: ModelQuery, answering: Answering) -> Response:
    """One 1-D NumPy array of all values, in the list's order, where all tensors have one dtype."""
    return await _answer_file(model, answering, answers.FILE, _as_npy)


@router.post(
    "/model/weights.npy",
    summary="A model as one .npy array, described by a JSON body",
    description=getdoc(get_model_weights_npy),
    openapi_extra=IN_BODY,
    responses=FILE | refusals(*REFUSED_POST),
)
async def post_model_weights_npy(model: ModelBody, answering: Answering) -> Response:
    """Answer as `get_model_weights_npy`."""
    return await get_model_weights_npy(model, answering)


@router.get(
    "/model/weights.npz",
    summary="A model as .npz archive",
    openapi_extra=IN_QUERY,
    responses=FILE | NOT_MODIFIED | refusals(*REFUSED_GET, Busy),
)
async def get_model_weights_npz(model: ModelQuery, answering: Answering) -> Response:
    """NumPy archive with an entry for each tensor. No byte ranges: each entry's CRC needs the whole entry."""
    return await _answer_file(model, answering, answers.FILE, _as_npz)


@router.post(
    "/model/weights.npz",
    summary="A model as .npz archive, described by a JSON body",
    description=getdoc(get_model_weights_npz),
    openapi_extra=IN_BODY,
    responses=FILE | refusals(*REFUSED_POST),
)
async def post_model_weights_npz(model: ModelBody, answering: Answering) -> Response:
    """Answer as `get_model_weights_npz`."""
    return await get_model_weights_npz(model, answering)


@router.get(
    "/model/weights.safetensors",
    summary="A model as safetensors",
    openapi_extra=IN_QUERY_WITH_RANGES,
    responses=FILE | PART | NOT_MODIFIED | refusals(*REFUSED_GET, RangeNotSatisfiable, Busy),
)
async def get_model_weights_safetensors(model: ModelQuery, answering: Answering) -> Response:
    """One safetensors file with every tensor by name, in the list's order. Byte ranges are computed alone."""
    return await _answer_file(model, answering, answers.FILE, _as_safetensors)


@router.post(
    "/model/weights.safetensors",
    summary="A model as safetensors, described by a JSON body",
    description=getdoc(get_model_weights_safetensors),
    openapi_extra=IN_BODY,
    responses=FILE | refusals(*REFUSED_POST),
)
async def post_model_weights_safetensors(model: ModelBody, answering: Answering) -> Response:
    """Answer as `get_model_weights_safetensors`."""
    return await get_model_weights_safetensors(model, answering)


@router.get(
    "/model/weights.json",
    summary="A model as JSON",
    openapi_extra=IN_QUERY,
    responses=WITH_VALUES | NOT_MODIFIED | refusals(*REFUSED_GET, Busy),
)
async def get_model_weights_json(model: ModelQuery, answering: Answering) -> Response:
    """Plan of a model with the values of every tensor: flat, row-major."""
    return await _answer_file(model, answering, answers.JSON, _as_json)


@router.post(
    "/model/weights.json",
    summary="A model as JSON, described by a JSON body",
    description=getdoc(get_model_weights_json),
    openapi_extra=IN_BODY,
    responses=WITH_VALUES | refusals(*REFUSED_POST),
)
async def post_model_weights_json(model: ModelBody, answering: Answering) -> Response:
    """Answer as `get_model_weights_json`."""
    return await get_model_weights_json(model, answering)


@router.get(
    "/model/weights/{name:path}.npy",
    summary="One tensor of a model as .npy",
    openapi_extra=SLICED_WITH_RANGES,
    responses=FILE | PART | NOT_MODIFIED | refusals(*REFUSED_TENSOR, RangeNotSatisfiable),
)
async def get_model_tensor_npy(name: OwnTensorName, asked: ModelTensorQuery, answering: Answering) -> Response:
    """NumPy array of one of a model's tensors, or of a slice of it: what the tensor's own URL gives."""
    return await tensors.answer_npy(asked.planned.tensor(name), asked.slice, answering)


@router.get(
    "/model/weights/{name:path}.bin",
    summary="One tensor of a model as bare bytes",
    openapi_extra=SLICED_WITH_RANGES,
    responses=FILE | PART | NOT_MODIFIED | refusals(*REFUSED_TENSOR, RangeNotSatisfiable),
)
async def get_model_tensor_bin(name: OwnTensorName, asked: ModelTensorQuery, answering: Answering) -> Response:
    """Values of one of a model's tensors, or of a slice of it: what the tensor's own URL gives."""
    return await tensors.answer_bin(asked.planned.tensor(name), asked.slice, answering)


@router.get(
    "/model/weights/{name:path}.json",
    summary="One tensor of a model as JSON",
    openapi_extra=SLICED,
    responses=json_response(SliceDocument, "The slice with its values.") | NOT_MODIFIED | refusals(*REFUSED_TENSOR),
)
async def get_model_tensor_json(name: OwnTensorName, asked: ModelTensorQuery, answering: Answering) -> Response:
    """One of a model's tensors with its values, or a slice of it: what the tensor's own URL gives."""
    return await tensors.answer_json(asked.planned.tensor(name), asked.slice, answering)
