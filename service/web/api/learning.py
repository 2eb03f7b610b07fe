"""The paths that answer with how a network learns.

`/learn` answers with one document. `/learn.ndjson` sends a line for each point of the curves as soon as it is
computed, the same objects as in `points`; its last line is {"outcome": …}, without which the stream was cut.
"""

from collections.abc import Callable
from functools import partial
from inspect import getdoc

from fastapi import APIRouter, Request
from fastapi.responses import Response

from service.dense.network import DenseNetwork
from service.describe.learning import LearningRequest, OwnLearningRequest, check_fits
from service.diagnosis.uploads import DeclaredWeights, declared_weights
from service.documents.learning import Learning, last_line, learning_document, point_line
from service.errors import Busy, InvalidRequest, MalformedBody, OutOfTime, SlowBody, TooLarge, UnsupportedContentType
from service.learning.courses import Watching, check_work, learn_network, learn_own, memory_needed
from service.learning.curves import Course, Point
from service.learning.picture import picture
from service.web.api.answers import Answering, Answers, Format, seed_of
from service.web.api.diagnosis import PICTURE_HEADERS
from service.web.api.documented import (
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
from service.web.api.inputs import LearningBody, LearningQuery, OwnLearningQuery, ReceivedBody, body_of
from service.web.api.state import CheckWanted, StateOfApp
from service.web.http.conditional import PreconditionFailed
from service.web.http.routing import Route, operation_id

router = APIRouter(
    route_class=Route, default_response_class=Response, generate_unique_id_function=operation_id, tags=["learning"]
)

# Not exact, and another version may tell it in other words: a client asks each time whether it is still the same.
TOLD = Format("application/json", is_exact=False, cache_control="no-cache")
PICTURE = Format("image/svg+xml", is_exact=False, cache_control="no-cache", headers=PICTURE_HEADERS)
LINES = Format("application/x-ndjson", is_exact=False, cache_control="no-cache")

EXAMPLE = {"layers": "64,100,100,10", "activation": "relu", "seed": 42}
BODY_EXAMPLE = {**EXAMPLE, "layers": [64, 100, 100, 10], "optimizer": "adam", "learning_rate": 0.001}
IN_QUERY = parameters(LearningRequest, CONDITIONS, example=EXAMPLE)
OWN_WEIGHTS = (
    "A safetensors file or an .npz archive with layers.N.weight, N from 0 on, and optional layers.N.bias. It is never "
    "unpickled."
)
AS_LINES = text_response(LINES.media_type, "A LearningPoint in each line, and a line with the outcome.")
REFUSED = (TooLarge, InvalidRequest, Busy, OutOfTime)
REPORTED_OWN: Responses = {200: {"model": Learning, "description": "The training."}}


@router.get(
    "/learn",
    summary="How a network learns",
    openapi_extra=IN_QUERY,
    responses=json_response(Learning, "The training.") | NOT_MODIFIED | refusals(PreconditionFailed, *REFUSED),
)
async def get_learning(asked: LearningQuery, answering: Answering) -> Response:
    """Train the network from its start, and report its learning curves, its layers and what came of it.

    Data, split and order of the batches come from the seed by the published recipe. It repeats to
    rounding, not to the bit, so its ETag is weak.
    """
    return await _answer(asked, answering, TOLD, partial(_as_json, asked))


@router.post(
    "/learn",
    summary="How a network learns, described by a JSON body",
    description=getdoc(get_learning),
    openapi_extra=json_body(LearningRequest, BODY_EXAMPLE),
    responses=json_response(Learning, "The training.")
    | refusals(MalformedBody, SlowBody, UnsupportedContentType, *REFUSED),
)
async def post_learning(asked: LearningBody, answering: Answering) -> Response:
    """Answer as `get_learning`."""
    return await get_learning(asked, answering)


@router.get(
    "/learn.ndjson",
    summary="How a network learns, point by point",
    openapi_extra=IN_QUERY,
    responses=AS_LINES | NOT_MODIFIED | refusals(PreconditionFailed, *REFUSED),
)
async def get_learning_lines(asked: LearningQuery, answering: Answering) -> Response:
    """Train as `/learn` does, and send a line for each point of the curves as soon as it is computed.

    The last line is an object with the outcome; without it the stream was cut. Who stops reading
    stops the training.
    """
    planned = await answering.planned(asked)
    _check(asked, answering)
    answer = answering.prepared(planned.subject(answering.path), LINES)
    if without_body := answering.without_body(answer):
        return without_body
    learn = partial(_learn_in_lines, asked, planned.network)
    return answering.state.diagnosing.lines(answer.headers, _memory(asked, answering), learn)


@router.post(
    "/learn.ndjson",
    summary="How a network learns, point by point, described by a JSON body",
    description=getdoc(get_learning_lines),
    openapi_extra=json_body(LearningRequest, BODY_EXAMPLE),
    responses=AS_LINES | refusals(MalformedBody, SlowBody, UnsupportedContentType, *REFUSED),
)
async def post_learning_lines(asked: LearningBody, answering: Answering) -> Response:
    """Answer as `get_learning_lines`."""
    return await get_learning_lines(asked, answering)


@router.get(
    "/learn.svg",
    summary="How a network learns, as a picture",
    openapi_extra=IN_QUERY,
    responses=text_response(PICTURE.media_type, "The picture.") | NOT_MODIFIED | refusals(PreconditionFailed, *REFUSED),
)
async def get_learning_picture(asked: LearningQuery, answering: Answering) -> Response:
    """Draw the learning curves as one SVG that needs nothing else: loss, accuracy and gradients over the steps.

    Same parameters as the training; its ETag is weak for the same reason.
    """
    return await _answer(asked, answering, PICTURE, picture)


@router.post(
    "/learn/weights",
    summary="How your own weights learn",
    description=getdoc(get_learning),
    openapi_extra=parameters(OwnLearningRequest) | binary_body(OWN_WEIGHTS),
    responses=REPORTED_OWN | refusals(SlowBody, *REFUSED),
)
async def post_learning_of_weights(asked: OwnLearningQuery, request: Request, state: StateOfApp) -> Response:
    """Answer with the training of the weights in the body."""
    settings = state.settings
    body = await body_of(request, settings.upload_bytes, "upload_bytes", state)
    # As long as this refers to the body, its memory is counted.
    declared = await state.drawing.run(partial(declared_weights, body.content, asked.layout))
    check_fits(asked, declared.widths)
    check_work(asked, declared.widths, settings.learning_work)
    needed = memory_needed(asked, declared.widths, settings.diagnosis_bytes)
    told = await state.diagnosing.run(request, needed, partial(_learn_own, asked, declared, body))
    return Response(told, headers={"Cache-Control": "no-store"}, media_type=TOLD.media_type)


async def _answer(
    asked: LearningRequest, answering: Answers, format_: Format, write: Callable[[Course], bytes]
) -> Response:
    planned = await answering.planned(asked)
    _check(asked, answering)
    answer = answering.prepared(planned.subject(answering.path), format_)
    if without_body := answering.without_body(answer):
        return without_body
    learn = partial(_learn, asked, planned.network, write)
    body = await answering.state.diagnosing.run(answering.request, _memory(asked, answering), learn)
    return answering.complete(answer, body)


def _check(asked: LearningRequest, answering: Answers) -> None:
    check_work(asked, asked.layers, answering.state.settings.learning_work)
    _memory(asked, answering)


def _memory(asked: LearningRequest, answering: Answers) -> int:
    return memory_needed(asked, asked.layers, answering.state.settings.diagnosis_bytes)


def _learn(
    asked: LearningRequest, network: DenseNetwork, write: Callable[[Course], bytes], check_wanted: CheckWanted
) -> bytes:
    return write(learn_network(asked, network, Watching(check_wanted)))


def _learn_in_lines(
    asked: LearningRequest, network: DenseNetwork, send: Callable[[bytes], None], check_wanted: CheckWanted
) -> None:
    def show(point: Point) -> None:
        send(point_line(point))

    send(last_line(learn_network(asked, network, Watching(check_wanted, show)).outcome, asked.language))


def _learn_own(
    asked: OwnLearningRequest, declared: DeclaredWeights, _: ReceivedBody, check_wanted: CheckWanted
) -> bytes:
    own = declared.read(check_wanted)
    return _as_json(asked, learn_own(asked, seed_of(asked.seed), own, Watching(check_wanted)))


def _as_json(asked: LearningRequest | OwnLearningRequest, course: Course) -> bytes:
    return learning_document(course, asked.language).model_dump_json().encode()
