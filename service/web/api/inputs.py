"""From an HTTP request to what it asks for: the dependencies of the routes."""

import asyncio
import json
import re
from dataclasses import dataclass
from io import BytesIO
from typing import Annotated, Any
from urllib.parse import unquote_to_bytes

from fastapi import Depends, Path, Request

from service.describe.learning import LearningRequest, OwnLearningRequest
from service.describe.network import DiagnosisRequest, Network, OwnWeightsRequest
from service.describe.tensor import TensorQuery, tensor_in_query
from service.describe.url import Asked, parameters, request_of
from service.errors import (
    FieldError,
    InvalidRequest,
    MalformedBody,
    SlowBody,
    TooLarge,
    UnsupportedContentType,
    shortened,
)
from service.tensors.plan import Plan
from service.tensors.tensor import TensorBox
from service.web.api.state import State, StateOfApp, state_of
from service.web.http.limits import Share

CUT_PATTERN = r"^(0|[1-9][0-9]{0,9}):([1-9][0-9]{0,9})$"
CUTS = ("rows", "columns")

TensorName = Annotated[str, Path(description="Name of the tensor, as in the plan.", examples=["layers.0.weight"])]
OwnTensorName = Annotated[
    str, Path(description="Name of the tensor, which may hold / as it is.", examples=["conv1.weight"])
]

# Of a body so much is as small as the rest of a request; what is more is counted in steps.
UNCOUNTED_BYTES = 2**14
COUNTED_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class BlockRequest:
    """A network, and the part that is asked for of one of its tensors."""

    network: Network
    rows: range | None  # None means all
    columns: range | None

    @property
    def query_end(self) -> str:
        """What follows the network in the canonical query."""
        cuts = zip(CUTS, (self.rows, self.columns), strict=True)
        return "".join(f"&{name}={cut.start}:{cut.stop}" for name, cut in cuts if cut is not None)

    def box(self, plan: Plan, tensor: str) -> TensorBox:
        """Return the box of the tensor of this name; raise UnknownTensor or InvalidRequest."""
        return plan.tensor(tensor).cut(self.rows, self.columns)


@dataclass(frozen=True, slots=True)
class SliceRequest:
    """A tensor that describes itself, and the part of it that is asked for."""

    tensor: TensorQuery
    slice: str | None  # as the query has it; None means all


async def _network_in_query(request: Request) -> Network:
    return request_of(Network, _fields(request, await state_of(request)))


async def _diagnosis_in_query(request: Request) -> DiagnosisRequest:
    return request_of(DiagnosisRequest, _fields(request, await state_of(request)))


async def _learning_in_query(request: Request) -> LearningRequest:
    return request_of(LearningRequest, _fields(request, await state_of(request)))


async def _own_learning_in_query(request: Request) -> OwnLearningRequest:
    return request_of(OwnLearningRequest, parameters(query_text(request)))


async def _own_weights_in_query(request: Request) -> OwnWeightsRequest:
    return request_of(OwnWeightsRequest, parameters(query_text(request)))


async def _block_in_query(request: Request) -> BlockRequest:
    fields = _fields(request, await state_of(request))
    rows, columns = (_range(name, fields.pop(name)) if name in fields else None for name in CUTS)
    return BlockRequest(request_of(Network, fields), rows, columns)


async def _tensor_in_query(request: Request, name: OwnTensorName) -> TensorQuery:
    return tensor_in_query(decoded(name, request), parameters(query_text(request)))


async def _slice_in_query(request: Request, name: OwnTensorName) -> SliceRequest:
    found = parameters(query_text(request))
    asked_slice = found.pop("slice", None)
    return SliceRequest(tensor_in_query(decoded(name, request), found), asked_slice)


def decoded(name: str, request: Request) -> str:
    """Return a name in a path, or raise InvalidRequest."""
    # The server puts this sign where the path is not UTF-8, and two names would become one.
    if "\ufffd" in name:
        try:
            unquote_to_bytes(request.scope["raw_path"]).decode()
        except UnicodeDecodeError:
            raise InvalidRequest((FieldError("name", "must be percent-encoded UTF-8", shortened(name)),)) from None
    return name


async def _network_in_body(request: Request, state: StateOfApp) -> Network:
    return await _in_body(Network, request, state)


async def _diagnosis_in_body(request: Request, state: StateOfApp) -> DiagnosisRequest:
    return await _in_body(DiagnosisRequest, request, state)


async def _learning_in_body(request: Request, state: StateOfApp) -> LearningRequest:
    return await _in_body(LearningRequest, request, state)


NetworkQuery = Annotated[Network, Depends(_network_in_query)]
NetworkBody = Annotated[Network, Depends(_network_in_body)]
BlockQuery = Annotated[BlockRequest, Depends(_block_in_query)]
TensorQueried = Annotated[TensorQuery, Depends(_tensor_in_query)]
SliceQuery = Annotated[SliceRequest, Depends(_slice_in_query)]
DiagnosisQuery = Annotated[DiagnosisRequest, Depends(_diagnosis_in_query)]
DiagnosisBody = Annotated[DiagnosisRequest, Depends(_diagnosis_in_body)]
OwnWeightsQuery = Annotated[OwnWeightsRequest, Depends(_own_weights_in_query)]
LearningQuery = Annotated[LearningRequest, Depends(_learning_in_query)]
LearningBody = Annotated[LearningRequest, Depends(_learning_in_body)]
OwnLearningQuery = Annotated[OwnLearningRequest, Depends(_own_learning_in_query)]


@dataclass(frozen=True, slots=True)
class ReceivedBody:
    """The bytes of a body, and the memory that was taken for them."""

    content: bytes
    memory: tuple[Share, ...]


async def body_of(request: Request, most_bytes: int, setting: str, state: State) -> ReceivedBody:
    """Return the body; raise TooLarge as soon as it is longer than the setting allows, SlowBody if it takes long.

    Memory is taken for what has come, so that a client that sends nothing takes none; Busy if there is none.
    """
    announced = int(request.headers.get("content-length", 0))
    if announced > most_bytes:  # before the body is read, and so before 100 Continue asks for it
        raise TooLarge("bytes of body", announced, most_bytes, setting)
    seconds = state.settings.body_seconds
    content, length, counted = BytesIO(), 0, UNCOUNTED_BYTES
    memory: list[Share] = []
    try:
        async with asyncio.timeout(seconds):
            async for part in request.stream():
                length += len(part)
                if length > most_bytes:
                    raise TooLarge("bytes of body", length, most_bytes, setting)
                while length > counted:
                    # An eighth more, which is allocated ahead of what comes.
                    memory.append(await state.memory.take(COUNTED_BYTES * 9 // 8))
                    counted += COUNTED_BYTES
                content.write(part)
    except TimeoutError:
        raise SlowBody(seconds, "body_seconds") from None
    return ReceivedBody(content.getvalue(), tuple(memory))


def check_is_json_alone(request: Request) -> None:
    """Raise UnsupportedContentType unless the body is labelled as JSON, InvalidRequest if there is a query too."""
    if query := query_text(request):
        message = "must be empty: with POST the description is the body"
        raise InvalidRequest((FieldError("query", message, shortened(query)),))
    content_type = request.headers.get("content-type", "")
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedContentType(shortened(content_type))


async def _in_body(model: type[Asked], request: Request, state: StateOfApp) -> Asked:
    check_is_json_alone(request)
    body = await body_of(request, state.settings.body_bytes, "body_bytes", state)
    return _model(model, _object(body.content), state)


def _model(model: type[Asked], fields: dict[str, Any], state: State) -> Asked:
    layers = fields.get("layers")
    state.settings.limits.check_count(len(layers) if isinstance(layers, list) else 0)
    return model.of(fields)


def _fields(request: Request, state: State) -> dict[str, str]:
    fields = parameters(query_text(request))
    state.settings.limits.check_count(fields.get("layers", "").count(",") + 1)
    return fields


def query_text(request: Request) -> str:
    """Return the query string, still encoded."""
    query: bytes = request.scope["query_string"]
    return query.decode("latin-1")


def _range(name: str, text: str) -> range:
    match = re.fullmatch(CUT_PATTERN, text)
    if match is None or int(match[1]) >= int(match[2]):
        message = "must be a:b with whole numbers 0 <= a < b: from a up to, not including, b"
        raise InvalidRequest((FieldError(name, message, shortened(text)),))
    return range(int(match[1]), int(match[2]))


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body, object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError) as error:
        raise MalformedBody(f"The body cannot be read as JSON: {error}.") from None
    if not isinstance(value, dict):
        raise MalformedBody(f"The body must be a JSON object, not {shortened(value)}.")
    return value


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, value in pairs:
        if name in members:
            raise InvalidRequest((FieldError(shortened(name), "must be given once", shortened(value)),))
        members[name] = value
    return members
