"""From an HTTP request to a planned model: read and planned by a worker, and kept if it may be asked for again."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated

from fastapi import Depends, Request

from service.describe.fields import refused
from service.describe.model.canonical import from_url
from service.describe.model.model import Entry, Limits, Model, model_in_body, model_of_tensors
from service.describe.model.resolve import resolved
from service.describe.url import parameters
from service.documents.model import SeededModel
from service.errors import MalformedBody, UnknownTensor
from service.files.safetensors.header import tensors_of_header
from service.web.api.answers import Subject, seed_of
from service.web.api.inputs import body_of, check_is_json_alone, query_text
from service.web.api.state import State, StateOfApp
from service.web.api.tensors import SeededTensor

PARAMETER = "model"
# Of memory that a model takes for each of its tensors: what describes it, what draws it, and its lines in a plan.
MODEL_TENSOR_BYTES = 4096
# So few are made at once, since to hand them to another thread would take longer, and in memory that nobody counts.
SMALL_TENSORS = 64


@dataclass(frozen=True, slots=True)
class PlannedModel:
    """A model and its tensors, undrawn."""

    model: SeededModel
    is_permanent: bool  # whether the seed was given, and not drawn

    @property
    def is_large(self) -> bool:
        """Whether so much is to be made of it that a worker should."""
        return len(self.model.resolved.model.entries) > SMALL_TENSORS

    def subject(self, path: str) -> Subject:
        """Return what the answer at a path is of."""
        query = self.model.query
        # Not from the query, since one text is deflated to other bytes by another zlib.
        identity = f"{path} {self.model.fingerprint}"
        return Subject(None if query is None else f"{path}?{query}", identity, self.is_permanent)

    def tensor(self, name: str) -> SeededTensor:
        """Return the tensor of this name as one that stands alone; raise UnknownTensor if there is none."""
        model = self.model
        tensors = {tensor.tensor.name: tensor.tensor for tensor in model.resolved.tensors}
        if name not in tensors:
            raise UnknownTensor(name, tuple(tensors))
        return SeededTensor(tensors[name], model.seed, model.resolved.model.recipe, self.is_permanent)


@dataclass(frozen=True, slots=True)
class ModelTensorRequest:
    """A model, and the part that is asked for of one of its tensors."""

    planned: PlannedModel
    slice: str | None  # as the query has it; None means all


async def _model_in_query(request: Request, state: StateOfApp) -> PlannedModel:
    return await planned_of_query(parameters(query_text(request)), request, state)


async def _model_tensor_in_query(request: Request, state: StateOfApp) -> ModelTensorRequest:
    found = parameters(query_text(request))
    asked_slice = found.pop("slice", None)
    return ModelTensorRequest(await planned_of_query(found, request, state), asked_slice)


async def planned_of_query(found: dict[str, str], request: Request, state: State) -> PlannedModel:
    """Return the model of `model=`, which must be the only parameter."""
    text = found.pop(PARAMETER, None)
    if text is None:
        raise refused(PARAMETER, "is required: a model's JSON, deflated, in base64url, as a plan's links have it")
    if found:
        name, value = next(iter(found.items()))
        raise refused(name, f"is unknown; known are {PARAMETER}", value)
    return await _planned(text, partial(_of_text, text, state.settings.model_limits), request, state)


async def _model_in_body(request: Request, state: StateOfApp) -> PlannedModel:
    check_is_json_alone(request)
    body = await body_of(request, state.settings.model_bytes, "model_bytes", state)
    read = partial(model_in_body, body.content, state.settings.model_limits)
    return await _planned(body.content, read, request, state)


async def _model_in_header(request: Request, state: StateOfApp) -> PlannedModel:
    found, settings = parameters(query_text(request)), state.settings
    body = await body_of(request, settings.header_bytes, "header_bytes", state)
    read = partial(_of_header, found, body.content, settings.header_bytes, settings.model_limits)
    return await _planned(None, read, request, state)


ModelQuery = Annotated[PlannedModel, Depends(_model_in_query)]
ModelTensorQuery = Annotated[ModelTensorRequest, Depends(_model_tensor_in_query)]
ModelBody = Annotated[PlannedModel, Depends(_model_in_body)]
ModelHeader = Annotated[PlannedModel, Depends(_model_in_header)]


async def _planned(said: str | bytes | None, read: Callable[[], Model], request: Request, state: State) -> PlannedModel:
    """Return the plan of a model, made in a worker unless it is kept under what was said; None keeps nothing."""
    planned: PlannedModel | None = state.cache.get((PARAMETER, said))
    if planned is None:
        model = await state.drawing.run_for(request, read)
        tensors = len(model.entries)
        if tensors > SMALL_TENSORS:
            # Held as long as the request is: its answer is drawn from the model.
            request.state.model_memory = await state.memory.take(MODEL_TENSOR_BYTES * tensors)
        planned = await state.drawing.run_for(request, partial(_plan, model))
        if said is not None and planned.is_permanent:
            state.cache.put((PARAMETER, said), planned, MODEL_TENSOR_BYTES * (1 + tensors) + len(said))
    return planned


def _plan(model: Model) -> PlannedModel:
    planned = PlannedModel(SeededModel(resolved(model), seed_of(model.seed)), model.seed is not None)
    planned.subject("")  # makes the canonical JSON and packs it, which takes long where the list is long
    return planned


def _of_text(text: str, limits: Limits) -> Model:
    try:
        return model_in_body(from_url(text), limits)
    except MalformedBody as error:
        raise refused(PARAMETER, f"must hold a JSON object. {error.reason}", text) from None


def _of_header(found: dict[str, str], beginning: bytes, most_bytes: int, limits: Limits) -> Model:
    tensors = tensors_of_header(beginning, most_bytes)
    return model_of_tensors(found, (Entry(tensor.name, tensor.shape, tensor.dtype) for tensor in tensors), limits)
