"""The paths that answer with weights: each connects a request to a format."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from fastapi.routing import APIRoute

from service.formats.json_text import block_as_json, network_as_json
from service.formats.npy import block_as_npy, network_as_npy
from service.formats.npz import network_as_npz
from service.formats.pieces import Body
from service.formats.plan_document import BlockDocument, PlanDocument, WeightsDocument, plan_document
from service.formats.raw import block_as_raw
from service.formats.safetensors import network_as_safetensors
from service.plan import Plan
from service.spec import Network
from service.tensor import Block
from service.web.answers import BodyOf, Resource, answer
from service.web.openapi import (
    Responses,
    binary_response,
    condition_parameters,
    cut_parameters,
    json_body,
    json_response,
    problem_responses,
    query_parameters,
)
from service.web.requests import Cuts, block_in_query, in_body, in_query

REFUSED = (
    HTTPStatus.PRECONDITION_FAILED,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
)
REFUSED_RANGE = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
REFUSED_POST = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    *REFUSED[1:],
)

TENSOR_NAME = {
    "name": "tensor",
    "in": "path",
    "required": True,
    "description": "Name of the tensor, as in the plan.",
    "schema": {"type": "string", "examples": ["layers.0.weight"]},
}


@dataclass(frozen=True, slots=True)
class NetworkRoute:
    """A path that answers for a whole network."""

    operation: str  # end of the operation ids
    tag: str
    summary: str
    description: str
    resource: Resource
    body: BodyOf
    responses: Responses
    has_ranges: bool = False
    is_drawn: bool = True  # whether an answer takes one of the places for drawing


@dataclass(frozen=True, slots=True)
class TensorRoute:
    """A path that answers for one tensor; `suffix` is the format's file name extension."""

    suffix: str
    summary: str
    description: str
    body: Callable[[Plan, Block], Body]
    responses: Responses
    is_download: bool = True


def _plan_as_json(plan: Plan) -> Callable[[], bytes]:
    return lambda: plan_document(plan, plan.tensors).model_dump_json().encode()


NETWORK_ROUTES = (
    NetworkRoute(
        "Plan", "plan", "Plan of a network",
        "Every tensor's name, shape, scheme, std, size and links, computed without drawing a number.",
        Resource("/plan"), _plan_as_json,
        json_response(PlanDocument, "The plan."), is_drawn=False,
    ),
    NetworkRoute(
        "WeightsJson", "network", "Weights as JSON",
        "The plan with the values of every tensor: flat, row-major.",
        Resource("/weights.json"), network_as_json,
        json_response(WeightsDocument, "The plan with values."),
    ),
    NetworkRoute(
        "WeightsNpy", "network", "Weights as one .npy array",
        "One 1-D NumPy array of all values, in plan order. Byte ranges are computed alone.",
        Resource("/weights.npy", "weights.npy"), network_as_npy,
        binary_response(ranges=True), has_ranges=True,
    ),
    NetworkRoute(
        "WeightsNpz", "network", "Weights as .npz archive",
        "NumPy archive with an entry for each tensor. No byte ranges: each entry's CRC needs the whole entry.",
        Resource("/weights.npz", "weights.npz"), network_as_npz,
        binary_response(ranges=False),
    ),
    NetworkRoute(
        "WeightsSafetensors", "network", "Weights as safetensors",
        "One safetensors file with every tensor by name. Byte ranges are computed alone.",
        Resource("/weights.safetensors", "weights.safetensors"), network_as_safetensors,
        binary_response(ranges=True), has_ranges=True,
    ),
)  # fmt: skip

TENSOR_ROUTES = (
    TensorRoute(
        "npy", "One tensor as .npy", "NumPy array of a tensor, or of a block of its rows and columns.",
        lambda _, block: block_as_npy(block), binary_response(ranges=True),
    ),
    TensorRoute(
        "json", "One tensor as JSON", "Values of a tensor, or of a block of its rows and columns: flat, row-major.",
        block_as_json, json_response(BlockDocument, "The block with its values."), is_download=False,
    ),
    TensorRoute(
        "bin", "One tensor as bare bytes",
        "Values of a tensor, or of a block of its rows and columns: little-endian, row-major, no header.",
        lambda _, block: block_as_raw(block), binary_response(ranges=True),
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _BlockBody:
    """From a plan to the body of a block."""

    body: Callable[[Plan, Block], Body]
    tensor: str
    cuts: Cuts

    def __call__(self, plan: Plan) -> Body:
        return self.body(plan, plan.tensor(self.tensor).cut(*self.cuts))


def add_weights_routes(router: APIRouter) -> None:
    """Add the routes of both tables."""
    for network_route in NETWORK_ROUTES:
        _add_network_route(router, network_route)
    for tensor_route in TENSOR_ROUTES:
        _add_tensor_route(router, tensor_route)


def _add_network_route(router: APIRouter, route: NetworkRoute) -> None:
    async def get(request: Request) -> Response:
        return await answer(request, in_query(Network, request), route.resource, route.body)

    async def post(request: Request) -> Response:
        return await answer(request, await in_body(Network, request), route.resource, route.body)

    path, operation, tags = route.resource.path, route.operation, [route.tag]
    drawn = (HTTPStatus.SERVICE_UNAVAILABLE,) * route.is_drawn
    refused = (*REFUSED, *drawn, *(REFUSED_RANGE,) * route.has_ranges)
    succeeded: Responses = {200: route.responses[200]}
    add_get(
        router, path, get, operation_id=f"get{operation}", tags=tags,
        summary=route.summary, description=route.description,
        openapi_extra={
            "parameters": query_parameters(Network) + condition_parameters(ranges=route.has_ranges)
        },
        responses=route.responses | problem_responses(refused),
    )  # fmt: skip
    router.add_api_route(
        path, post, methods=["POST"], operation_id=f"post{operation}", tags=[*tags], response_class=Response,
        summary=f"{route.summary}, described by a JSON body", description=route.description,
        openapi_extra={"requestBody": json_body(Network)},
        responses=succeeded | problem_responses((*REFUSED_POST, *drawn)),
    )  # fmt: skip


def _add_tensor_route(router: APIRouter, route: TensorRoute) -> None:
    async def get(request: Request) -> Response:
        tensor = request.path_params["tensor"]
        network, cuts = block_in_query(request)
        resource = Resource(
            path=f"/weights/{tensor}.{route.suffix}",
            filename=f"{tensor}.{route.suffix}" if route.is_download else "",
            query_end=cuts.query_end,
        )
        return await answer(request, network, resource, _BlockBody(route.body, tensor, cuts))

    refused = (*REFUSED, HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE, *(REFUSED_RANGE,) * route.is_download)
    add_get(
        router, f"/weights/{{tensor}}.{route.suffix}", get, operation_id=f"getTensor{route.suffix.title()}",
        tags=["tensor"], summary=route.summary, description=route.description,
        openapi_extra={"parameters": [
            TENSOR_NAME, *query_parameters(Network), *cut_parameters(),
            *condition_parameters(ranges=route.is_download),
        ]},
        responses=route.responses | problem_responses(refused),
    )  # fmt: skip


class PlainRoute(APIRoute):
    """A route whose endpoint takes the request and returns the response, with nothing read or checked before."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the endpoint itself: FastAPI's own handler would parse the query, for parameters that it has not."""
        handler: Callable[[Request], Coroutine[Any, Any, Response]] = self.endpoint
        return handler


def add_get(router: APIRouter, path: str, endpoint: Callable[..., Any], **documented: Any) -> None:
    """Add a route for GET; see `add_heads`."""
    router.add_api_route(
        path, endpoint, methods=["GET"], response_class=Response, **{"tags": ["operations"], **documented}
    )


def add_heads(router: APIRouter) -> None:
    """Let every route for GET answer HEAD too, without documenting it again."""
    # Behind all others: routes are searched in order, and HEAD is rare.
    for route in [found for found in router.routes if isinstance(found, APIRoute) and found.methods == {"GET"}]:
        router.add_api_route(route.path, route.endpoint, methods=["HEAD"], include_in_schema=False)
