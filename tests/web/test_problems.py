"""What nobody foresaw: a fault of the service is a problem as well, with all that other answers have."""

import asyncio
import logging

import httpx
import pytest
from fastapi import Request

from service.web.app import create_app
from service.web.settings import Settings


async def fail(_: Request) -> None:
    raise ZeroDivisionError("a secret")


def test_a_fault_is_a_problem_with_id_and_cors_headers_and_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    app = create_app(Settings())
    app.router.add_api_route("/broken", fail)

    async def asked() -> httpx.Response:
        # Raises if the fault gets past the app, where a server would cut the connection.
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as client:
            return await client.get("/broken", headers={"Origin": "https://lab.example", "X-Request-ID": "seven"})

    with caplog.at_level(logging.INFO):
        answer = asyncio.run(asked())
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert answer.headers["x-request-id"] == "seven"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "secret" not in answer.text
    assert "ZeroDivisionError" in caplog.text
    (line,) = [record for record in caplog.records if record.name == "fanin.requests"]
    assert vars(line)["fields"]["status"] == 500
    assert b'fanin_requests_total{method="GET",route="/broken",status="500"} 1.0' in app.state.metrics.exposition()
