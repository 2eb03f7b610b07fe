"""The paths of one tensor that describes itself."""

from dataclasses import dataclass
from functools import partial
from typing import Self

from fastapi import APIRouter
from fastapi.responses import Response

from service.describe.slices import slice_in_query, slice_text
from service.describe.tensor import TensorDescription, TensorQuery, path_of_name, query_of_tensor
from service.documents.model import TensorPlanDocument, tensor_plan
from service.documents.model_weights import SliceDocument, slice_as_json
from service.documents.plan import Paths
from service.errors import Busy, InvalidRequest, TooLarge
from service.files.npy import box_as_npy
from service.files.raw import box_as_raw
from service.tensors.build import build
from service.tensors.tensor import TensorBox
from service.web.api import answers
from service.web.api.answers import Answering, Answers, Subject, seed_of
from service.web.api.documented import (
    CONDITIONS,
    FILE,
    NOT_MODIFIED,
    PART,
    RANGES,
    json_response,
    refusals,
)
from service.web.api.documented_models import SLICE, TENSOR_PARAMETERS
from service.web.api.inputs import SliceQuery, TensorQueried
from service.web.http.conditional import PreconditionFailed, RangeNotSatisfiable
from service.web.http.routing import Route, operation_id

router = APIRouter(
    route_class=Route, default_response_class=Response, generate_unique_id_function=operation_id, tags=["tensor"]
)

# Where each tensor of any plan is by itself, by format.
PATHS = Paths(
    network={},
    tensor={suffix: f"/tensor/{{tensor}}.{suffix}" for suffix in ("npy", "bin", "json")}
    | {"plan": "/tensor/{tensor}/plan"},
)
REFUSED = (PreconditionFailed, TooLarge, InvalidRequest)
DESCRIBED = {"parameters": [*TENSOR_PARAMETERS, *CONDITIONS]}
SLICED = {"parameters": [*TENSOR_PARAMETERS, SLICE, *CONDITIONS]}
SLICED_WITH_RANGES = {"parameters": [*TENSOR_PARAMETERS, SLICE, *CONDITIONS, *RANGES]}


@dataclass(frozen=True, slots=True)
class SeededTensor:
    """A tensor that describes itself, undrawn."""

    tensor: TensorDescription
    seed: int
    recipe: int
    is_permanent: bool  # whether the seed was given, and not drawn

    @classmethod
    def of(cls, asked: TensorQuery) -> Self:
        """Return the tensor with the seed that was asked for, or with one that is drawn."""
        return cls(asked.tensor, seed_of(asked.seed), asked.recipe, asked.seed is not None)

    def subject(self, suffix: str, query_end: str = "") -> Subject:
        """Return what the answer in a format is of; `query_end` follows the description in the query."""
        path = PATHS.tensor[suffix].format(tensor=path_of_name(self.tensor.name))
        query = query_of_tensor(self.tensor, self.seed)
        return Subject.at(f"{path}?{query}{query_end}", is_permanent=self.is_permanent)


async def answer_npy(seeded: SeededTensor, asked_slice: str | None, answering: Answers) -> Response:
    """Answer with a slice of a tensor as a NumPy array."""
    box, query_end = _box(seeded, asked_slice)
    return await answering.values(seeded.subject("npy", query_end), answers.FILE, box_as_npy(box), is_large=False)


async def answer_bin(seeded: SeededTensor, asked_slice: str | None, answering: Answers) -> Response:
    """Answer with a slice of a tensor as bare bytes."""
    box, query_end = _box(seeded, asked_slice)
    return await answering.values(seeded.subject("bin", query_end), answers.FILE, box_as_raw(box), is_large=False)


async def answer_json(seeded: SeededTensor, asked_slice: str | None, answering: Answers) -> Response:
    """Answer with a slice of a tensor as JSON."""
    box, query_end = _box(seeded, asked_slice)
    body = slice_as_json(seeded.tensor, seeded.seed, seeded.recipe, box, PATHS)
    return await answering.values(seeded.subject("json", query_end), answers.JSON, body, is_large=False)


def _box(seeded: SeededTensor, asked_slice: str | None) -> tuple[TensorBox, str]:
    """Return the part of a tensor that is asked for, and what the canonical query ends with."""
    tensor = build(seeded.tensor, seeded.seed)
    if asked_slice is None:
        return tensor.whole(), ""
    ranges = slice_in_query(asked_slice, tensor.shape)
    text = slice_text(ranges, tensor.shape)
    return tensor.part(ranges), f"&slice={text}" if text else ""


@router.get(
    "/tensor/{name:path}.npy",
    summary="A tensor that describes itself as .npy",
    openapi_extra=SLICED_WITH_RANGES,
    responses=FILE | PART | NOT_MODIFIED | refusals(*REFUSED, RangeNotSatisfiable, Busy),
)
async def get_single_tensor_npy(asked: SliceQuery, answering: Answering) -> Response:
    """NumPy array of a tensor of any shape, or of a slice of it. Byte ranges are computed alone."""
    return await answer_npy(SeededTensor.of(asked.tensor), asked.slice, answering)


@router.get(
    "/tensor/{name:path}.bin",
    summary="A tensor that describes itself as bare bytes",
    openapi_extra=SLICED_WITH_RANGES,
    responses=FILE | PART | NOT_MODIFIED | refusals(*REFUSED, RangeNotSatisfiable, Busy),
)
async def get_single_tensor_bin(asked: SliceQuery, answering: Answering) -> Response:
    """Values of a tensor of any shape, or of a slice of it: little-endian, row-major, no header."""
    return await answer_bin(SeededTensor.of(asked.tensor), asked.slice, answering)


@router.get(
    "/tensor/{name:path}.json",
    summary="A tensor that describes itself as JSON",
    openapi_extra=SLICED,
    responses=json_response(SliceDocument, "The slice with its values.") | NOT_MODIFIED | refusals(*REFUSED, Busy),
)
async def get_single_tensor_json(asked: SliceQuery, answering: Answering) -> Response:
    """Plan of a tensor of any shape, and the values of it or of a slice of it: flat, row-major."""
    return await answer_json(SeededTensor.of(asked.tensor), asked.slice, answering)


@router.get(
    "/tensor/{name:path}/plan",
    summary="Plan of a tensor that describes itself",
    openapi_extra=DESCRIBED,
    responses=json_response(TensorPlanDocument, "The plan.")
    | NOT_MODIFIED
    | refusals(PreconditionFailed, InvalidRequest),
)
async def get_single_tensor_plan(asked: TensorQueried, answering: Answering) -> Response:
    """Shape, fans, scheme, std and size of a tensor, and why. Nothing is drawn."""
    seeded = SeededTensor.of(asked)
    write = partial(tensor_plan, seeded.tensor, seeded.seed, seeded.recipe, PATHS)
    return await answering.document(seeded.subject("plan"), write, is_large=False)
