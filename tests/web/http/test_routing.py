from typing import Annotated

import pytest
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from service.web.http.routing import Route, operation_id


def not_a_coroutine(request: Request) -> str:
    return request.method


async def takes_a_parameter(gain: float) -> float:
    return gain


async def with_a_thread(_: Annotated[str, Depends(not_a_coroutine)]) -> Response:
    return Response()


async def with_a_parameter(_: Annotated[float, Depends(takes_a_parameter)]) -> Response:
    return Response()


@pytest.mark.parametrize("endpoint", [with_a_thread, with_a_parameter, takes_a_parameter, not_a_coroutine])
def test_what_would_need_a_thread_or_a_lax_reading_of_the_query_is_refused_at_once(endpoint: object) -> None:
    with pytest.raises(TypeError):
        APIRouter(route_class=Route).add_api_route("/path", endpoint, response_model=None)  # type: ignore[arg-type]


def test_an_operation_is_named_like_its_function() -> None:
    router = APIRouter(route_class=Route)

    @router.get("/path")
    async def get_plan_of_network() -> Response:
        return Response()

    (route,) = router.routes
    assert isinstance(route, Route)
    assert operation_id(route) == "getPlanOfNetwork"
