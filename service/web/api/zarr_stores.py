"""From the description in a path to a Zarr store, undrawn, and kept for all who read its chunks."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from pydantic import MISSING

from service.dense.network import DenseNetwork
from service.describe.fields import refused
from service.describe.network import Layout, Network
from service.describe.tensor import QUERY_FIELDS, query_of_tensor, tensor_in_query
from service.describe.url import in_path, parameters_in_path, request_of
from service.documents.model import SeededModel
from service.errors import FieldError, InvalidRequest, UnknownTensor, shortened
from service.files.zarr.array import Array, asked_chunks, usual_chunks
from service.files.zarr.hierarchy import Hierarchy, check_name
from service.tensors.build import build
from service.tensors.tensor import Tensor
from service.web.api.answers import TENSOR_BYTES, Answers, Subject
from service.web.api.planned_models import MODEL_TENSOR_BYTES, PARAMETER, planned_of_query

LAYERS = "layers"
CHUNK_SHAPE = "chunks"  # a parameter of the description, and no part of a key
PREFIX = "/zarr/"
ARRAY_BYTES = 1024  # of memory that an array takes beside its tensor, about
SEED_REQUIRED = "is required here: chunks come one by one, and must all be of the same network"
ANY_NAME = "tensor"  # for what is the same under each
# So few are made at once, since to hand them to another thread would take longer.
SMALL_LAYERS = 32


@dataclass(frozen=True, slots=True)
class Store:
    """All tensors that one description stands for."""

    hierarchy: Hierarchy
    url: str | None  # permanent; None where it would be too long
    identity: str  # decides what is at each key
    is_large: bool  # whether so much is to be made of it that a worker should

    def array(self, name: str) -> Array:
        """Return the array of this name; raise UnknownTensor if there is none."""
        if name not in self.hierarchy.arrays:
            raise UnknownTensor(name, tuple(self.hierarchy.arrays))
        return self.hierarchy.arrays[name]

    def subject(self, key: str) -> Subject:
        """Return what the answer at a key, percent-encoded, is of."""
        return Subject(None if self.url is None else f"{self.url}/{key}", f"{self.identity}/{key}", is_permanent=True)


async def store_of(description: str, name: str, answers: Answers) -> Store:
    """Return the store of a description; that of a single tensor has it under the name that is asked for, whichever."""
    store: Store | None = answers.state.cache.get((PREFIX, description))
    if store is not None:
        return store
    said = parameters_in_path(description)
    _check_is_known(said)
    chunks = said.pop(CHUNK_SHAPE, None)
    if PARAMETER in said:
        store, tensor_bytes = await _of_model(said, chunks, answers), MODEL_TENSOR_BYTES
    elif LAYERS in said:
        store, tensor_bytes = await _of_network(said, chunks, answers), TENSOR_BYTES
    else:
        return _of_tensor(said, chunks, name)
    byte_count = (tensor_bytes + ARRAY_BYTES) * (1 + len(store.hierarchy.arrays)) + len(description)
    answers.state.cache.put((PREFIX, description), store, byte_count)
    return store


def _check_is_known(said: Mapping[str, str]) -> None:
    """Raise InvalidRequest for what no description of this kind has."""
    fields = (PARAMETER,) if PARAMETER in said else Network.model_fields if LAYERS in said else QUERY_FIELDS
    known = (*fields, CHUNK_SHAPE)
    errors = tuple(
        FieldError(shortened(name), f"is unknown; known are {', '.join(known)}", shortened(value))
        for name, value in said.items()
        if name not in known
    )
    if errors:
        raise InvalidRequest(errors)


async def _of_network(said: dict[str, str], chunks: str | None, answers: Answers) -> Store:
    answers.state.settings.limits.check_count(said[LAYERS].count(",") + 1)
    network = request_of(Network, said)
    if network.seed is MISSING:
        raise refused("seed", SEED_REQUIRED)
    dense = (await answers.planned(network)).network
    is_large = len(dense.layers) > SMALL_LAYERS
    hierarchy = await answers.made(partial(_of_layers, dense, chunks), is_large=is_large)
    url = f"{PREFIX}{in_path(dense.query)}{_chunks_said(chunks)}"
    return Store(hierarchy, url, url, is_large)


def _of_layers(dense: DenseNetwork, chunks: str | None) -> Hierarchy:
    return Hierarchy(
        {
            tensor.name: _array(tensor, chunks, names)
            for number, layer in enumerate(dense.layers)
            for tensor, names in zip(layer.tensors, _node_names(dense, number), strict=False)
        }
    )


def _node_names(dense: DenseNetwork, layer: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names of the axes of a layer's weight and bias: axes of the same nodes have the same name."""
    inputs, outputs = f"nodes.{layer}", f"nodes.{layer + 1}"
    weight = (inputs, outputs) if dense.description.layout is Layout.IN_OUT else (outputs, inputs)
    return weight, (outputs,)


async def _of_model(said: dict[str, str], chunks: str | None, answers: Answers) -> Store:
    planned = await planned_of_query(said, answers.request, answers.state)
    if not planned.is_permanent:
        raise refused("seed", SEED_REQUIRED)
    model, end = planned.model, _chunks_said(chunks)
    hierarchy = await answers.made(partial(_of_tensors, model, chunks), is_large=planned.is_large)
    url = None if model.query is None else f"{PREFIX}{in_path(model.query)}{end}"
    return Store(hierarchy, url, f"{PREFIX}{model.fingerprint}{end}", planned.is_large)


def _of_tensors(model: SeededModel, chunks: str | None) -> Hierarchy:
    return Hierarchy({tensor.name: _own_array(tensor, chunks) for tensor in model.plan.tensors})


def _of_tensor(said: Mapping[str, str], chunks: str | None, name: str) -> Store:
    asked = tensor_in_query(name or ANY_NAME, said)
    if asked.seed is None:
        raise refused("seed", SEED_REQUIRED)
    tensor = build(asked.tensor, asked.seed)
    url = f"{PREFIX}{in_path(query_of_tensor(asked.tensor, asked.seed))}{_chunks_said(chunks)}"
    array = _own_array(tensor, chunks)
    return Store(Hierarchy({name: array} if name else {}), url, url, is_large=False)


def _own_array(tensor: Tensor, chunks: str | None) -> Array:
    """Return the array of a tensor whose axes are its own: no others have their names."""
    names = tuple(f"{tensor.name}.{axis}" for axis in range(len(tensor.shape)))
    return _array(tensor, chunks, names)


def _array(tensor: Tensor, chunks: str | None, dimension_names: tuple[str, ...]) -> Array:
    check_name(tensor.name)
    chunk_shape = usual_chunks(tensor) if chunks is None else asked_chunks(chunks, tensor)
    return Array(tensor, chunk_shape, dimension_names)


def _chunks_said(chunks: str | None) -> str:
    return "" if chunks is None else f"&{CHUNK_SHAPE}={chunks}"
