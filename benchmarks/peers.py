"""The least that a service on the same stack can do: a constant, and constant bytes.

python -m benchmarks.peers
"""

import os

import uvicorn
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from service.web.http.bounds import Bounds
from service.web.http.malformed import Notes
from service.web.http.metrics import Metrics
from service.web.http.pace import SEND_BYTES
from service.web.http.protocol import protocol
from service.web.settings import settings_from

app = FastAPI()


@app.get("/")
async def constant() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/readyz")
async def ready() -> dict[str, str]:
    return {"status": "ok"}


async def stream(scope: Scope, _: Receive, send: Send) -> None:
    """Send as many bytes as the query says, the same part again and again."""
    length = int(scope["query_string"])
    headers = [(b"content-length", str(length).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    part = bytes(SEND_BYTES)
    for start in range(0, length, SEND_BYTES):
        await send({"type": "http.response.body", "body": part[: length - start], "more_body": True})
    await send({"type": "http.response.body"})


app.mount("/stream", stream)


if __name__ == "__main__":
    settings = settings_from(os.environ)
    uvicorn.run(
        app, host=settings.host, port=settings.port, loop="uvloop", http=protocol(Bounds(), Notes(Metrics())),
        access_log=False,
    )  # fmt: skip
