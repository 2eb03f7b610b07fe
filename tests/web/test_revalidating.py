"""304 again, from memory: as the first time, and to the same request only."""

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response

from service.web.revalidating import Unmodified

URL = "/weights.npy?layers=31,17&activation=relu&seed=5"
OTHER = "/weights.npy?layers=31,17&activation=relu&seed=6"
# What differs between two answers to one request.
OWN_HEADERS = {"date", "x-request-id"}


def shown(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name not in OWN_HEADERS}


@pytest.fixture(scope="module")
def etag(client: httpx.Client) -> str:
    return str(client.get(URL).headers["etag"])


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_the_second_304_is_the_first(client: httpx.Client, etag: str, method: str) -> None:
    first, second = (
        client.request(method, URL, headers={"If-None-Match": etag, "Origin": "http://a.example"}) for _ in range(2)
    )
    assert first.status_code == second.status_code == 304
    assert shown(first) == shown(second)
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    assert second.content == b""
    assert second.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("path", ["/weights.npy", "/weights.npz", "/weights.safetensors", "/plan"])
def test_a_304_has_the_headers_of_the_200(client: httpx.Client, path: str) -> None:
    url = f"{path}?layers=31,17&activation=relu&seed=5"
    whole = client.get(url)
    for _ in range(2):
        unmodified = client.get(url, headers={"If-None-Match": whole.headers["etag"]})
        assert unmodified.status_code == 304
        assert shown(unmodified).items() <= shown(whole).items()


def test_a_long_list_of_tags_is_not_kept() -> None:
    scope = {
        "type": "http", "path": "/plan", "query_string": b"", "route": None, "method": "GET",
        "headers": [(b"if-none-match", b'"a"' + b', "b"' * 20_000)],
    }  # fmt: skip
    unmodified = Unmodified()
    unmodified.note(Request(scope), Response(status_code=304))
    assert not unmodified.seen


def test_another_request_is_answered_for_itself(client: httpx.Client, etag: str) -> None:
    for _ in range(2):
        assert client.get(URL, headers={"If-None-Match": etag}).status_code == 304
        assert client.get(URL, headers={"If-None-Match": '"another"'}).status_code == 200
        assert client.get(URL, headers={"If-None-Match": etag, "If-Match": '"another"'}).status_code == 412
        assert client.get(URL, headers=[("If-None-Match", '"a"'), ("If-None-Match", '"b"')]).status_code == 200
        assert client.get(OTHER, headers={"If-None-Match": etag}).status_code == 200
        assert client.get(URL).status_code == 200
        assert client.post(URL, headers={"If-None-Match": etag}).status_code == 422
        assert client.delete(URL, headers={"If-None-Match": etag}).status_code == 405


def test_requests_are_counted_under_their_route(client: httpx.Client, etag: str) -> None:
    def counted() -> float:
        lines = client.get("/metrics").text.splitlines()
        name = 'fanin_requests_total{method="GET",route="/weights.npy",status="304"}'
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))

    before = counted()
    for _ in range(3):
        client.get(URL, headers={"If-None-Match": etag})
    assert counted() == before + 3
