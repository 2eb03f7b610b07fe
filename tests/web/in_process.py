"""The app without a server, for what only its inside shows: how often something is done, and what is held."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from service.web.api.state import State


@asynccontextmanager
async def in_process(app: FastAPI) -> AsyncIterator[tuple[httpx.AsyncClient, State]]:
    """Start the app, and give a client of it and its state. What gets past the app is raised."""
    async with app.router.lifespan_context(app) as lifespan_state:

        async def with_state(scope: Scope, receive: Receive, send: Send) -> None:
            await app({**scope, "state": dict(lifespan_state or {})}, receive, send)

        transport = httpx.ASGITransport(with_state)
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            yield client, (lifespan_state or {})["app_state"]
