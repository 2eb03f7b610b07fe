"""Failures as RFC 9457 problem documents: one table from error to status and wording."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType
from typing import Annotated, Any

from fastapi import FastAPI, Request
from fastapi.responses import Response
from pydantic import MISSING, Field
from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.documents.base import Document
from service.errors import (
    Busy,
    FieldError,
    InvalidRequest,
    MalformedBody,
    OutOfTime,
    ServiceError,
    SlowBody,
    TooLarge,
    UnknownTensor,
    UnsupportedContentType,
    shortened,
)
from service.web.http.conditional import PreconditionFailed, RangeNotSatisfiable
from service.web.http.routing import allowed_methods

MEDIA_TYPE = "application/problem+json"
log = logging.getLogger("fanin")

RETRY_SECONDS = 1
MOST_NAMES_SHOWN = 20


class NotReady(ServiceError):
    """This machine's arithmetic does not give the recipe's known answers."""


@dataclass(eq=False)
class Unauthorized(ServiceError):
    """The request brings no key, or one that is not known."""

    has_key: bool


class FieldProblem(Document):
    """One field of the request that cannot be accepted."""

    pointer: Annotated[str, Field(examples=["#/layers/1"])]
    """JSON pointer to the field, also where it came as a query parameter."""
    field: Annotated[str, Field(examples=["layers.1"])]
    """Name of the field."""
    value: Annotated[str | MISSING, Field(examples=["0"])] = MISSING
    """The value that was sent, shortened; left out where none was."""
    message: Annotated[str, Field(examples=["must be greater than or equal to 1"])]
    """What is allowed."""


class Problem(Document):
    """What went wrong with a request: RFC 9457."""

    type: Annotated[str, Field(examples=["urn:fanin:problem:invalid-request"])]
    """Kind of problem; README lists all."""
    title: Annotated[str, Field(examples=["The request is not acceptable"])]
    """The kind in words."""
    status: Annotated[int, Field(ge=400, le=599, json_schema_extra={"format": "int32", "examples": [422]})]
    """HTTP status code."""
    detail: Annotated[str, Field(examples=["layers.1 must be greater than or equal to 1, not 0"])]
    """What happened this time, and what is allowed."""
    errors: Annotated[list[FieldProblem] | MISSING, Field()] = MISSING
    """Each field that is at fault, where fields are."""


@dataclass(frozen=True, slots=True)
class Kind:
    """How one class of errors is told to the client."""

    status: HTTPStatus
    slug: str
    title: str
    detail: Callable[[Any], str] = str
    headers: Callable[[Any], dict[str, str]] = lambda _: {}


def _invalid(error: InvalidRequest) -> str:
    return "; ".join(_sentence(field) for field in error.errors)


def _sentence(field: FieldError) -> str:
    return f"{field.field} {field.message}" + (f", not {field.value}" if field.value else "")


def _unknown_tensor(error: UnknownTensor) -> str:
    shown, rest = error.known[:MOST_NAMES_SHOWN], len(error.known[MOST_NAMES_SHOWN:])
    more = f" and {rest} more" if rest else ""
    return f"There is no tensor {shortened(error.name)}; this network has {', '.join(shown)}{more}."


def _too_large(error: TooLarge) -> str:
    limit = f"{error.asked} {error.what} are more than the {error.allowed} allowed"
    return f"{limit} (setting FANIN_{error.setting.upper()}). {error.advice}".strip()


def _busy(error: Busy) -> str:
    return f"{error.allowed} {error.what} are all there may be at once (setting FANIN_{error.setting.upper()})."


def _unauthorized(error: Unauthorized) -> str:
    if error.has_key:
        return "The key that was sent is not known here."
    return "This service wants a key, once, as the header Authorization: Bearer KEY."


def _challenge(error: Unauthorized) -> dict[str, str]:
    # RFC 6750, section 3.1: a request without a key is told of no error.
    return {"WWW-Authenticate": 'Bearer realm="fanin"' + (', error="invalid_token"' if error.has_key else "")}


KINDS: Mapping[type[ServiceError], Kind] = MappingProxyType(
    {
        MalformedBody: Kind(
            HTTPStatus.BAD_REQUEST, "malformed-body", "The body is not a JSON object", lambda error: error.reason
        ),
        Unauthorized: Kind(HTTPStatus.UNAUTHORIZED, "unauthorized", "A key is needed", _unauthorized, _challenge),
        UnknownTensor: Kind(HTTPStatus.NOT_FOUND, "unknown-tensor", "There is no such tensor", _unknown_tensor),
        SlowBody: Kind(
            HTTPStatus.REQUEST_TIMEOUT,
            "slow-body",
            "The body took too long to come",
            lambda error: f"It must come within {error.seconds:g} seconds (setting FANIN_{error.setting.upper()}).",
            lambda _: {"Connection": "close"},
        ),
        PreconditionFailed: Kind(
            HTTPStatus.PRECONDITION_FAILED,
            "precondition-failed",
            "The body is another one than If-Match names",
            lambda error: f"This URL has ETag {error.etag}.",
            lambda error: {"ETag": error.etag},
        ),
        TooLarge: Kind(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too-large", "Too much was asked for", _too_large),
        UnsupportedContentType: Kind(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "unsupported-content-type",
            "The body is not labelled as JSON",
            lambda error: f"Content-Type must be application/json, not {error.content_type or 'missing'}.",
            lambda _: {"Accept-Post": "application/json"},
        ),
        RangeNotSatisfiable: Kind(
            HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
            "range-not-satisfiable",
            "The range begins past the end",
            lambda error: f"The body has {error.length} bytes; {shortened(error.asked)} begins past them.",
            lambda error: {"Content-Range": f"bytes */{error.length}"},
        ),
        InvalidRequest: Kind(
            HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-request", "The request is not acceptable", _invalid
        ),
        Busy: Kind(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "busy",
            "The service is busy",
            _busy,
            lambda _: {"Retry-After": str(RETRY_SECONDS)},
        ),
        OutOfTime: Kind(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "out-of-time",
            "The work took too long",
            lambda error: f"{error.what} may take {error.seconds:g} seconds (setting FANIN_{error.setting.upper()}).",
            lambda _: {"Retry-After": str(RETRY_SECONDS)},
        ),
        NotReady: Kind(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "not-ready",
            "The service is not ready",
            lambda _: "This machine's arithmetic does not give the known answers of the recipe.",
        ),
    }
)


NOT_FOUND = Kind(HTTPStatus.NOT_FOUND, "not-found", "There is no such path")
METHOD_NOT_ALLOWED = Kind(HTTPStatus.METHOD_NOT_ALLOWED, "method-not-allowed", "The path has no such method")
REFUSED_PREFLIGHT = Kind(HTTPStatus.BAD_REQUEST, "refused-preflight", "A page may not send this request")
INTERNAL_ERROR = Kind(HTTPStatus.INTERNAL_SERVER_ERROR, "internal-error", "The service failed")


def install(app: FastAPI) -> None:
    """Make every failure of the app a problem document."""
    for error, kind in KINDS.items():
        app.add_exception_handler(error, _handler(kind))
    app.add_exception_handler(HTTPStatus.NOT_FOUND, _not_found)
    app.add_exception_handler(HTTPStatus.METHOD_NOT_ALLOWED, _method_not_allowed)
    app.add_middleware(FaultsToProblems)


def response_to(error: ServiceError) -> Response:
    """Return the problem document for an error that is found before the app's own handlers are reached."""
    return _answer(KINDS[type(error)], error)


class FaultsToProblems:
    """ASGI middleware: what nobody foresaw becomes a problem too, within reach of the middleware around it."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap `app`."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; answer with 500 if it fails before its answer has begun."""
        has_begun = False

        async def noting(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._app(scope, receive, noting)
        except ClientDisconnect:
            pass  # there is nobody to answer
        except Exception:
            log.exception("fault")
            if has_begun:
                raise
            answer = _response(INTERNAL_ERROR, "This is a fault of the service: its log has the details.")
            await answer(scope, receive, send)


class CrossOrigin(CORSMiddleware):
    """Starlette's CORS, whose refusals are problems."""

    def preflight_response(self, request_headers: Headers) -> Response:
        """Return what a browser asks before it sends a page's request."""
        answer = super().preflight_response(request_headers)
        if answer.status_code < HTTPStatus.BAD_REQUEST:
            return answer
        own = (b"content-type", b"content-length")
        headers = {name.decode(): value.decode("latin-1") for name, value in answer.raw_headers if name not in own}
        return _response(REFUSED_PREFLIGHT, f"{bytes(answer.body).decode()}.", headers)


def _handler(kind: Kind) -> Callable[[Request, Exception], Awaitable[Response]]:
    # All of these are coroutines: Starlette runs plain functions in a thread, which costs more than what they do.
    async def handle(_: Request, error: Exception) -> Response:
        return _answer(kind, error)

    return handle


def _answer(kind: Kind, error: Exception) -> Response:
    fields = error.errors if isinstance(error, InvalidRequest) else ()
    return _response(kind, kind.detail(error), kind.headers(error), fields)


async def _not_found(request: Request, _: Exception) -> Response:
    return _response(NOT_FOUND, f"{request.url.path} is not a path of this service; /docs lists them.")


async def _method_not_allowed(request: Request, _: Exception) -> Response:
    allowed = ", ".join(allowed_methods(request))
    detail = f"{request.url.path} takes {allowed}, not {request.method}."
    return _response(METHOD_NOT_ALLOWED, detail, {"Allow": allowed})


def _response(
    kind: Kind, detail: str, headers: Mapping[str, str] | None = None, fields: tuple[FieldError, ...] = ()
) -> Response:
    problem = Problem(
        type=f"urn:fanin:problem:{kind.slug}",
        title=kind.title,
        status=kind.status,
        detail=detail,
        errors=[_field_problem(field) for field in fields] if fields else MISSING,
    )
    headers = {"Cache-Control": "no-store", **(headers or {})}
    return Response(problem.model_dump_json(), kind.status, headers, media_type=MEDIA_TYPE)


def _field_problem(error: FieldError) -> FieldProblem:
    steps = (step.replace("~", "~0").replace("/", "~1") for step in error.field.split("."))
    return FieldProblem(
        pointer="#/" + "/".join(steps), field=error.field, value=error.value or MISSING, message=error.message
    )
