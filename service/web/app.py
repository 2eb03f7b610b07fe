"""The app: settings, middleware, routes and failures put together."""

import asyncio
import logging
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from service import __version__
from service.initializers.orthogonal import KEPT
from service.numerics.recipe.backend import BACKEND, origins_of_code
from service.numerics.recipe.known_answers import arithmetic_is_exact
from service.web.api import diagnosis, documented, learning, models, operations, pages, tensors, weights, zarr
from service.web.api.state import Diagnosing, State
from service.web.http import problems
from service.web.http.buffers import BufferPool
from service.web.http.cache import Cache, Caching
from service.web.http.keys import Admitting, KeyFile
from service.web.http.limits import Budget, Patience
from service.web.http.metrics import Metrics
from service.web.http.observing import Observing
from service.web.http.streaming import Drawing
from service.web.settings import Settings

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


def create_app(settings: Settings, metrics: Metrics | None = None) -> FastAPI:
    """Return the service with these settings, which counts in `metrics`."""
    patience = Patience(settings.wait_seconds, settings.waiting)
    memory = Budget("bytes of memory", settings.working_bytes, "memory", patience)
    metrics = metrics or Metrics()
    metrics.show("fanin_memory_allowed_bytes", "Memory that may be taken.", lambda: memory.most)
    metrics.show("fanin_memory_bytes", "Memory taken by what is drawn, diagnosed and taken in.", lambda: memory.taken)
    cache = Cache(settings.cache_bytes)
    KEPT.most_bytes = settings.matrix_bytes

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, State | asyncio.Task[pages.StaticFile]]]:
        with (
            ThreadPoolExecutor(settings.workers, "draw") as drawers,
            ThreadPoolExecutor(settings.diagnoses, "diagnose") as diagnosticians,
        ):
            # What else the first who asks would make, and hold the event loop with.
            document = asyncio.create_task(run_in_threadpool(lambda: pages.document_file(app.openapi())))
            compressing = asyncio.create_task(run_in_threadpool(pages.compress_all))
            is_ready = arithmetic_is_exact()
            facts = {"version": __version__, "backend": BACKEND, "is_ready": is_ready, **origins_of_code()}
            log.info("started", extra={"fields": facts})
            pieces = Budget("pieces being drawn", settings.drawings, "drawings", patience)
            pool = BufferPool(settings.buffers_kept)
            drawing = Drawing(drawers, pieces, memory, settings.pieces_ahead, metrics.count_elements, pool)
            diagnoses = Budget("diagnoses", settings.diagnoses, "diagnoses", patience)
            diagnosing = Diagnosing(diagnosticians, diagnoses, memory, settings.diagnosis_seconds)
            metrics.show("fanin_drawings", "Responses being drawn or sent.", lambda: drawing.running)
            state = State(settings, cache, metrics, memory, drawing, diagnosing, is_ready)
            yield {"app_state": state, "document": document}
            await asyncio.gather(document, compressing)
        log.info("stopped")

    app = FastAPI(title="fanin", lifespan=lifespan, openapi_url=None, redirect_slashes=False)
    # Not include_router(), behind which FastAPI matches each route twice, for 170 µs a request.
    for paths in (weights, tensors, models, zarr, diagnosis, learning, operations, pages):
        app.router.routes.extend(paths.router.routes)
    app.mount("/static", pages.static_files(), name="static")
    needs_key = settings.api_keys_file is not None
    app.openapi = lambda: documented.document(app, needs_key=needs_key)  # type: ignore[method-assign]
    # The last middleware added is the outermost.
    app.add_middleware(Caching, cache=cache)
    problems.install(app)
    if settings.api_keys_file:
        app.add_middleware(Admitting, keys=KeyFile(settings.api_keys_file), is_open=documented.is_open)
    app.add_middleware(
        problems.CrossOrigin,
        allow_origins=settings.cors_origins,
        allow_methods=("GET", "HEAD", "POST"),
        allow_headers=("*",),
        expose_headers=RESPONSE_HEADERS,
    )
    app.add_middleware(Observing, metrics=metrics)
    return app
