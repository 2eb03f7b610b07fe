"""What nobody foresaw: a fault of the service is a problem as well, with all that other answers have."""

import asyncio
import logging
from inspect import iscoroutinefunction

import httpx
import pytest
from fastapi import Request

from service.web.app import create_app
from service.web.http.problems import KINDS
from service.web.settings import Settings
from tests.web.in_process import in_process


async def fail(_: Request) -> None:
    raise ZeroDivisionError("a secret")


def test_a_fault_is_a_problem_with_id_and_cors_headers_and_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    app = create_app(Settings())
    app.router.add_api_route("/broken", fail)

    async def asked() -> tuple[httpx.Response, httpx.Response]:
        async with in_process(app) as (client, _):
            headers = {"Origin": "https://lab.example", "X-Request-ID": "seven"}
            return await client.get("/broken", headers=headers), await client.get("/metrics")

    with caplog.at_level(logging.INFO):
        answer, counts = asyncio.run(asked())
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert answer.headers["x-request-id"] == "seven"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "secret" not in answer.text
    assert "ZeroDivisionError" in caplog.text
    line, _ = [record for record in caplog.records if record.name == "fanin.requests"]
    assert vars(line)["fields"]["status"] == 500
    assert 'fanin_requests_total{method="GET",route="/broken",status="500"} 1.0' in counts.text


def test_no_refusal_goes_through_a_thread() -> None:
    handlers = create_app(Settings()).exception_handlers
    assert set(KINDS) <= set(handlers)
    assert [handler for handler in handlers.values() if not iscoroutinefunction(handler)] == []
