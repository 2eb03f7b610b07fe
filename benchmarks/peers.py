"""The least that a service on the same stack can do: a constant, and constant bytes.

python -m benchmarks.peers
"""

import uvicorn
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from service.web.protocol import BoundedHttpProtocol
from service.web.settings import Settings
from service.web.streaming import SEND_BYTES

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
    settings = Settings()
    uvicorn.run(
        app, host=settings.host, port=settings.port, loop="uvloop", http=BoundedHttpProtocol, access_log=False,
        log_level="error",
    )  # fmt: skip
