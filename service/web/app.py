"""The app: settings, middleware, routes and failures put together."""

import logging
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import cache

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from service import __version__
from service.numerics.known_answers import arithmetic_is_exact
from service.numerics.sampler import TWIN
from service.web import openapi, problems
from service.web.diagnosis import Clinic, add_diagnosis_routes
from service.web.metrics import Metrics
from service.web.observing import Observing
from service.web.operations import add_operations_routes
from service.web.pages import add_pages_routes, static_files
from service.web.revalidating import Revalidating, Unmodified
from service.web.routes import PlainRoute, add_heads, add_weights_routes
from service.web.settings import Settings
from service.web.streaming import Drawing, Gate

log = logging.getLogger("fanin")

RESPONSE_HEADERS = (
    "Accept-Ranges",
    "Content-Disposition",
    "Content-Length",
    "Content-Location",
    "Content-Range",
    "ETag",
    "Retry-After",
    "X-Request-ID",
)


def create_app(settings: Settings) -> FastAPI:
    """Return the service with these settings."""
    gate = Gate("responses being drawn", settings.drawings, "drawings")
    metrics = Metrics(drawings=lambda: gate.under_way)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with (
            ThreadPoolExecutor(settings.workers, "draw") as workers,
            ThreadPoolExecutor(settings.diagnoses, "diagnose") as diagnosticians,
        ):
            app.state.drawing = Drawing(workers, gate, settings.pieces_ahead, metrics.count_elements)
            app.state.clinic = Clinic(
                diagnosticians,
                Gate("diagnoses", settings.diagnoses, "diagnoses"),
                Gate("uploads", settings.uploads, "uploads"),
            )
            app.state.is_ready = arithmetic_is_exact()
            log.info(
                "started", extra={"fields": {"version": __version__, "twin": TWIN, "is_ready": app.state.is_ready}}
            )
            yield
        log.info("stopped")

    app = FastAPI(title="fanin", lifespan=lifespan, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.settings = settings
    app.state.metrics = metrics
    app.router.route_class = PlainRoute
    # Routes are searched in this order.
    add_weights_routes(app.router)
    add_diagnosis_routes(app.router)
    add_operations_routes(app.router)
    add_pages_routes(app.router)
    add_heads(app.router)
    app.mount("/static", static_files(), name="static")
    app.openapi = cache(lambda: openapi.document(app))  # type: ignore[method-assign]
    app.state.unmodified = Unmodified()
    app.add_middleware(Revalidating, unmodified=app.state.unmodified)
    problems.install(app)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=settings.cors_origins,
        allow_methods=("GET", "HEAD", "POST"),
        allow_headers=("*",),
        expose_headers=RESPONSE_HEADERS,
    )
    app.add_middleware(Observing, metrics=metrics)
    return app
