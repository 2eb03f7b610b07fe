"""The paths that answer with a diagnosis."""

import asyncio
import json
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from http import HTTPMethod, HTTPStatus
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import Response

from service.diagnosis.experiments import check_memory, diagnose_network, diagnose_own
from service.diagnosis.picture.picture import picture
from service.diagnosis.report import Diagnosis
from service.diagnosis.uploads.network import own_weights
from service.plan import plan_of
from service.spec import Experiment, OwnExperiment
from service.web.answers import JSON, Resource, identify, seed_of
from service.web.openapi import (
    Responses,
    binary_body,
    condition_parameters,
    json_body,
    json_response,
    problem_responses,
    query_parameters,
    text_response,
)
from service.web.requests import body_of, in_body, in_query
from service.web.routes import add_get
from service.web.settings import Settings
from service.web.streaming import Gate

EXAMPLE = Path(__file__).parent / "examples" / "diagnosis.json"
PICTURE_TYPE = "image/svg+xml"
# A picture that is opened by itself is a document: it needs nothing, so it may load and run nothing.
PICTURE_HEADERS = {"Content-Security-Policy": "default-src 'none'", "X-Content-Type-Options": "nosniff"}
REFUSED = (
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.SERVICE_UNAVAILABLE,
)
DESCRIPTION = (
    "Sends a batch through the network, forward and backward, and reports weights, activations and gradients layer by "
    "layer, with what theory expects and a verdict. Repeats to rounding, not to the bit, so its ETag is weak."
)
PICTURE_DESCRIPTION = (
    "The diagnosis as one SVG that needs nothing else, for README files and reports: histograms of the activations, "
    "and over depth their std, that of the gradients, dead and saturated shares and effective rank, with a verdict for "
    "each layer. Same parameters as the diagnosis; its ETag is weak for the same reason."
)


def _as_json(diagnosis: Diagnosis) -> bytes:
    return diagnosis.model_dump_json().encode()


@dataclass(frozen=True, slots=True)
class Form:
    """What a diagnosis is told as."""

    resource: Resource
    media_type: str
    write: Callable[[Diagnosis], bytes]
    headers: Mapping[str, str] = field(default_factory=dict)


# Not exact: their figures rest on matrix products, whose last bits depend on the machine.
REPORT = Form(Resource("/diagnose", is_exact=False), JSON, _as_json)
PICTURE = Form(Resource("/diagnose.svg", is_exact=False), PICTURE_TYPE, picture, PICTURE_HEADERS)


@dataclass(frozen=True, slots=True)
class Clinic:
    """Where diagnoses are made: beside the event loop, a few at once."""

    workers: Executor
    gate: Gate
    uploads: Gate

    async def diagnose(self, work: Callable[[], Diagnosis], write: Callable[[Diagnosis], bytes]) -> bytes:
        """Return a diagnosis as bytes; raise Busy if no place is free."""
        with self.gate.place():
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self.workers, lambda: write(work()))


async def get_diagnosis(request: Request) -> Response:
    """Answer a description in the query."""
    return await _answer(request, in_query(Experiment, request), REPORT)


async def get_picture(request: Request) -> Response:
    """Answer a description in the query with a picture."""
    return await _answer(request, in_query(Experiment, request), PICTURE)


async def post_diagnosis(request: Request) -> Response:
    """Answer a description in a JSON body."""
    return await _answer(request, await in_body(Experiment, request), REPORT)


async def post_own_weights(request: Request) -> Response:
    """Answer weights in the body."""
    experiment = in_query(OwnExperiment, request)
    settings: Settings = request.app.state.settings
    clinic: Clinic = request.app.state.clinic
    seed = seed_of(experiment.seed)
    with clinic.uploads.place():
        body = await body_of(request, settings.upload_bytes, "upload_bytes")

        def work() -> Diagnosis:
            own = own_weights(body, experiment.layout, settings.diagnosis_bytes)
            return diagnose_own(experiment, seed, own, settings.diagnosis_bytes)

        return Response(await clinic.diagnose(work, _as_json), headers={"Cache-Control": "no-store"}, media_type=JSON)


async def _answer(request: Request, experiment: Experiment, form: Form) -> Response:
    settings: Settings = request.app.state.settings
    clinic: Clinic = request.app.state.clinic
    identity = identify(experiment, form.resource)
    plan = plan_of(experiment, identity.seed, settings.limits)
    check_memory(experiment.layers, experiment.samples, settings.diagnosis_bytes)
    if unmodified := identity.not_modified(request):
        return unmodified
    headers = {**identity.headers, **form.headers}
    if request.method == HTTPMethod.HEAD:
        head = Response(headers=headers, media_type=form.media_type)
        del head.headers["content-length"]  # only the diagnosis itself would tell
        return head
    work = partial(diagnose_network, experiment, plan)
    return Response(await clinic.diagnose(work, form.write), headers=headers, media_type=form.media_type)


def add_diagnosis_routes(router: APIRouter) -> None:
    """Add the routes of the diagnosis."""
    found = json_response(Diagnosis, "The diagnosis.")
    # Rounded, since the last digits depend on the machine: /diagnose?layers=4,3&activation=tanh&seed=42&samples=10.
    example = json.loads(EXAMPLE.read_text(encoding="utf-8"))
    found[200]["content"] = {JSON: {"example": example}}
    answered: Responses = {200: found[200]}
    refused_post = (
        HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.UNSUPPORTED_MEDIA_TYPE, *REFUSED,
    )  # fmt: skip
    add_get(
        router, "/diagnose", get_diagnosis, operation_id="getDiagnosis", tags=["diagnosis"],
        summary="Diagnosis of a network", description=DESCRIPTION,
        openapi_extra={"parameters": query_parameters(Experiment) + condition_parameters(ranges=False)},
        responses=found | problem_responses((HTTPStatus.PRECONDITION_FAILED, *REFUSED)),
    )  # fmt: skip
    add_get(
        router, "/diagnose.svg", get_picture, operation_id="getDiagnosisPicture", tags=["diagnosis"],
        summary="Diagnosis of a network as a picture", description=PICTURE_DESCRIPTION,
        openapi_extra={"parameters": query_parameters(Experiment) + condition_parameters(ranges=False)},
        responses=text_response(PICTURE_TYPE, "The picture.")
        | problem_responses((HTTPStatus.PRECONDITION_FAILED, *REFUSED)),
    )  # fmt: skip
    router.add_api_route(
        "/diagnose", post_diagnosis, methods=["POST"], operation_id="postDiagnosis", tags=["diagnosis"],
        summary="Diagnosis of a network, described by a JSON body", description=DESCRIPTION, response_class=Response,
        openapi_extra={"requestBody": json_body(Experiment)},
        responses=answered | problem_responses(refused_post),
    )  # fmt: skip
    _add_own_weights_route(router)


def _add_own_weights_route(router: APIRouter) -> None:
    own: Responses = {200: {"model": Diagnosis, "description": "The diagnosis."}}
    router.add_api_route(
        "/diagnose/weights", post_own_weights, methods=["POST"], operation_id="postOwnWeights", tags=["diagnosis"],
        summary="Diagnosis of your own weights", description=DESCRIPTION, response_class=Response,
        openapi_extra={
            "parameters": query_parameters(OwnExperiment),
            "requestBody": binary_body(
                "A safetensors file or an .npz archive with layers.N.weight, N from 0 on, optional layers.N.bias and "
                "optional inputs of shape (samples, width). It is never unpickled."
            ),
        },
        responses=own | problem_responses((HTTPStatus.REQUEST_TIMEOUT, *REFUSED)),
    )  # fmt: skip
