"""The routes of an API whose queries are read strictly, and what they say of themselves."""

import re
from collections.abc import Callable, Coroutine
from inspect import iscoroutinefunction
from typing import Any

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.responses import Response
from fastapi.routing import APIRoute
from starlette import routing
from starlette.routing import Match
from starlette.types import Receive, Scope, Send

FILE_METHODS = frozenset({"GET", "HEAD"})  # of mounted files, which no route names


class Route(APIRoute):
    """A route for APIRouter(route_class=Route), whose GET answers HEAD as well, which no document mentions.

    Its function, and each dependency, is a coroutine that takes the request, names in the path, and
    dependencies. FastAPI's own way to call it, which serves all other kinds of parameters, would parse
    the query too, and cost 65 µs more: about as much as a small answer.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        """Take what APIRoute takes."""
        super().__init__(path, endpoint, **options)
        # Starlette's pattern would pass over a line break at the end of a path, and stop at one within.
        self.path_regex = re.compile(self.path_regex.pattern.removesuffix("$") + r"\Z", re.DOTALL)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers a request; raise TypeError if the function takes what only FastAPI could give it."""
        _check(self.dependant)

        async def handle(request: Request) -> Response:
            response: Response = await _called(self.dependant, request)
            return response

        return handle

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Return whether this route answers a request."""
        match, child_scope = super().matches(scope)
        is_head = match is Match.PARTIAL and scope["method"] == "HEAD" and "GET" in (self.methods or ())
        return (Match.FULL if is_head else match), child_scope

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, whose method has been found right if it is HEAD."""
        try:
            await (self.app if scope["method"] == "HEAD" else super().handle)(scope, receive, send)
        finally:
            if (kept := scope.get("state", {}).pop("kept", None)) is not None:
                kept.let_go()


def operation_id(route: APIRoute) -> str:
    """Return the name of the route's function in camel case: get_weights_npz is getWeightsNpz."""
    first, *others = route.name.split("_")
    return first + "".join(map(str.title, others))


def allowed_methods(request: Request) -> list[str]:
    """Return the methods of all routes at the request's path, of which routing itself names only the first's."""
    methods: set[str] = set()
    for route in request.app.routes:
        if isinstance(route, routing.Route) and route.matches(request.scope)[0] is not Match.NONE:
            methods |= route.methods or set()
    if "GET" in methods:
        methods.add("HEAD")
    return sorted(methods or FILE_METHODS)


def _check(dependant: Dependant) -> None:
    parameters = dependant.query_params + dependant.header_params + dependant.cookie_params + dependant.body_params
    if parameters or not iscoroutinefunction(dependant.call):
        names = ", ".join(parameter.name for parameter in parameters)
        raise TypeError(f"{dependant.call} must be a coroutine that takes dependencies only, not {names}")
    for dependency in dependant.dependencies:
        _check(dependency)


async def _called(dependant: Dependant, request: Request) -> Any:
    values = {parameter.name: request.path_params[parameter.name] for parameter in dependant.path_params}
    if dependant.request_param_name:
        values[dependant.request_param_name] = request
    for dependency in dependant.dependencies:
        if dependency.name:
            values[dependency.name] = await _called(dependency, request)
    if dependant.call is None:
        raise TypeError("a dependency that is not there")
    return await dependant.call(**values)
