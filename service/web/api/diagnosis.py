"""The paths that answer with a diagnosis."""

import json
from collections.abc import Callable
from functools import partial
from inspect import getdoc
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import Response

from service.dense.network import DenseNetwork
from service.describe.network import DiagnosisRequest, OwnWeightsRequest, ReportName
from service.diagnosis.experiments import diagnose_network, diagnose_own, memory_needed
from service.diagnosis.picture.picture import picture
from service.diagnosis.report import Report
from service.diagnosis.uploads import DeclaredWeights, declared_weights
from service.documents.diagnosis import Diagnosis, diagnosis_document
from service.errors import Busy, InvalidRequest, MalformedBody, OutOfTime, SlowBody, TooLarge, UnsupportedContentType
from service.web.api.answers import Answering, Answers, Format, seed_of
from service.web.api.documented import (
    BODY_EXAMPLE,
    CONDITIONS,
    NOT_MODIFIED,
    Responses,
    binary_body,
    json_body,
    json_response,
    parameters,
    refusals,
    text_response,
)
from service.web.api.inputs import DiagnosisBody, DiagnosisQuery, OwnWeightsQuery, ReceivedBody, body_of
from service.web.api.state import CheckWanted, StateOfApp
from service.web.http.conditional import PreconditionFailed
from service.web.http.routing import Route, operation_id

router = APIRouter(
    route_class=Route, default_response_class=Response, generate_unique_id_function=operation_id, tags=["diagnosis"]
)

# Not exact: their figures rest on matrix products, whose last bits depend on the machine.
REPORT = Format("application/json", is_exact=False)
# A picture that is opened by itself is a document: it needs nothing, so it may load and run nothing.
PICTURE_HEADERS = {"content-security-policy": "default-src 'none'", "x-content-type-options": "nosniff"}
PICTURE = Format("image/svg+xml", is_exact=False, headers=PICTURE_HEADERS)

# Rounded, since the last digits depend on the machine: /diagnose?layers=4,3&activation=tanh&seed=42&samples=10.
EXAMPLE = json.loads((Path(__file__).parents[1] / "examples/diagnosis.json").read_text(encoding="utf-8"))
REPORTED = json_response(Diagnosis, "The diagnosis.")
REPORTED[200]["content"] = {"application/json": {"example": EXAMPLE}}
REPORTED_OWN: Responses = {200: {"model": Diagnosis, "description": "The diagnosis."}}
OWN_WEIGHTS = (
    "A safetensors file or an .npz archive with layers.N.weight, N from 0 on, optional layers.N.bias and optional "
    "inputs of shape (samples, width). It is never unpickled."
)
IN_QUERY = parameters(DiagnosisRequest, CONDITIONS)
REFUSED = (TooLarge, InvalidRequest, Busy, OutOfTime)


@router.get(
    "/diagnose",
    summary="Diagnosis of a network",
    openapi_extra=IN_QUERY,
    responses=REPORTED | NOT_MODIFIED | refusals(PreconditionFailed, *REFUSED),
)
async def get_diagnosis(asked: DiagnosisQuery, answering: Answering) -> Response:
    """Report weights, activations and gradients layer by layer, with what theory expects and a verdict.

    A batch is sent through the network, forward and backward. The report repeats to rounding, not to
    the bit, so its ETag is weak.
    """
    return await _answer(asked, answering, REPORT, partial(_as_json, asked))


@router.post(
    "/diagnose",
    summary="Diagnosis of a network, described by a JSON body",
    description=getdoc(get_diagnosis),
    openapi_extra=json_body(DiagnosisRequest, BODY_EXAMPLE),
    responses=REPORTED | refusals(MalformedBody, SlowBody, UnsupportedContentType, *REFUSED),
)
async def post_diagnosis(asked: DiagnosisBody, answering: Answering) -> Response:
    """Answer as `get_diagnosis`."""
    return await get_diagnosis(asked, answering)


@router.get(
    "/diagnose.svg",
    summary="Diagnosis of a network as a picture",
    openapi_extra=IN_QUERY,
    responses=text_response(PICTURE.media_type, "The picture.") | NOT_MODIFIED | refusals(PreconditionFailed, *REFUSED),
)
async def get_diagnosis_picture(asked: DiagnosisQuery, answering: Answering) -> Response:
    """Draw the diagnosis as one SVG that needs nothing else, for README files and reports.

    It shows histograms of the activations, and over depth their std, that of the gradients, dead and
    saturated shares and effective rank, with a verdict for each layer. Same parameters as the
    diagnosis, of which `report` changes nothing: a picture needs the figures that a summary leaves
    out. Its ETag is weak for the same reason.
    """
    return await _answer(asked.model_copy(update={"report": ReportName.FULL}), answering, PICTURE, picture)


@router.post(
    "/diagnose/weights",
    summary="Diagnosis of your own weights",
    description=getdoc(get_diagnosis),
    openapi_extra=parameters(OwnWeightsRequest) | binary_body(OWN_WEIGHTS),
    responses=REPORTED_OWN | refusals(SlowBody, *REFUSED),
)
async def post_diagnosis_of_weights(asked: OwnWeightsQuery, request: Request, state: StateOfApp) -> Response:
    """Answer with the diagnosis of the weights in the body."""
    settings = state.settings
    body = await body_of(request, settings.upload_bytes, "upload_bytes", state)
    # As long as this refers to the body, its memory is counted.
    declared = await state.drawing.run(partial(declared_weights, body.content, asked.layout))
    needed = memory_needed(asked, declared.widths, declared.samples or asked.samples, settings.diagnosis_bytes)
    report = await state.diagnosing.run(request, needed, partial(_diagnose_own, asked, declared, body))
    return Response(report, headers={"Cache-Control": "no-store"}, media_type=REPORT.media_type)


async def _answer(
    asked: DiagnosisRequest, answering: Answers, format_: Format, write: Callable[[Report], bytes]
) -> Response:
    planned = await answering.planned(asked)
    needed = memory_needed(asked, asked.layers, asked.samples, answering.state.settings.diagnosis_bytes)
    answer = answering.prepared(planned.subject(answering.path), format_)
    if without_body := answering.without_body(answer):
        return without_body
    diagnose = partial(_diagnose, asked, planned.network, write)
    return answering.complete(answer, await answering.state.diagnosing.run(answering.request, needed, diagnose))


def _diagnose(
    asked: DiagnosisRequest, network: DenseNetwork, write: Callable[[Report], bytes], check_wanted: CheckWanted
) -> bytes:
    return write(diagnose_network(asked, network, check_wanted))


def _diagnose_own(
    asked: OwnWeightsRequest, declared: DeclaredWeights, _: ReceivedBody, check_wanted: CheckWanted
) -> bytes:
    own = declared.read(check_wanted)
    return _as_json(asked, diagnose_own(asked, seed_of(asked.seed), own, check_wanted))


def _as_json(asked: DiagnosisRequest | OwnWeightsRequest, report: Report) -> bytes:
    is_summary = asked.report is ReportName.SUMMARY
    return diagnosis_document(report, asked.language, is_summary=is_summary).model_dump_json().encode()
