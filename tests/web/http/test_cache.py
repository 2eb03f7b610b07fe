"""Answers from memory: as the first time, to the same request only, and in a bounded number of bytes."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.dense.network import DenseNetwork, Limits, dense_network
from service.describe.network import Network
from service.web.api.state import State
from service.web.app import create_app
from service.web.http.cache import LARGEST_SHARE, LONGEST_KEY, Answer, Cache, keep
from service.web.settings import Settings
from tests.web.in_process import in_process

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


@pytest.mark.parametrize(
    "path", ["/plan", "/weights.npy", "/weights/layers.0.weight.bin", "/diagnose", "/diagnose.svg"]
)
def test_an_answer_that_is_kept_is_the_one_that_was_made(client: httpx.Client, path: str) -> None:
    url = f"{path}?layers=9,8&activation=relu&seed=5"
    first, second = client.get(url), client.get(url)
    assert (second.status_code, second.content, shown(second)) == (200, first.content, shown(first))
    head = client.head(url)
    assert (head.status_code, head.content, shown(head)) == (200, b"", shown(first))


CONDITIONS = {
    206: [{"Range": "bytes=3-9"}, {"Range": "bytes=-4"}, {"Range": "bytes=0-0", "If-None-Match": '"another"'}],
    416: [{"Range": "bytes=99999-"}],
    412: [{"If-Match": '"another"'}],
    200: [{"Range": "bytes=7-3"}, {"Range": "bytes=0-1", "If-Range": '"another"'}],
}


@pytest.mark.parametrize(("status", "headers"), [(status, row) for status, rows in CONDITIONS.items() for row in rows])
def test_conditions_on_a_kept_answer_are_those_on_any(
    client: httpx.Client, status: int, headers: dict[str, str]
) -> None:
    url = "/weights.npy?layers=9,8&activation=relu&seed=6"
    whole = client.get(url)
    # Of the same body, spelt in a way that nobody asks for without conditions.
    anew = client.get(f"{url}&distribution=normal", headers=headers)
    kept = client.get(url, headers=headers)
    assert (anew.status_code, anew.content) == (kept.status_code, kept.content)
    assert kept.status_code == status
    assert shown(anew) == shown(kept)
    if status == 206:
        first, last = kept.headers["content-range"].removeprefix("bytes ").partition("/")[0].split("-")
        assert kept.content == whole.content[int(first) : int(last) + 1]


def inside(work: Callable[[httpx.AsyncClient, State], Awaitable[None]], **settings: int) -> None:
    """Do something with an app of these settings, and its state."""

    async def run() -> None:
        async with in_process(create_app(Settings(**settings))) as (client, state):
            await work(client, state)

    asyncio.run(run())


def test_a_network_whose_tensors_are_read_one_by_one_is_planned_once(monkeypatch: pytest.MonkeyPatch) -> None:
    networks = []

    def counted(network: Network, seed: int, limits: Limits) -> DenseNetwork:
        networks.append(network)
        return dense_network(network, seed, limits)

    layers = [3] * 300
    query = f"layers={','.join(map(str, layers))}&activation=relu&seed=1"

    async def read_all(client: httpx.AsyncClient, _: State) -> None:
        for number in range(299):
            for path in (f"layers.{number}.weight.bin", f"layers.{number}.bias.npy"):
                assert (await client.get(f"/weights/{path}?{query}")).status_code == 200
        assert (await client.get(f"/weights/layers.7.weight.json?{query}&rows=0:2")).status_code == 200
        assert (await client.post("/plan", json={"layers": layers, "activation": "relu", "seed": 1})).status_code == 200

    monkeypatch.setattr("service.web.api.answers.dense_network", counted)
    inside(read_all)
    assert len(networks) == 1


FORGOTTEN = {
    "a drawn seed": ("GET", "/weights.npy?layers=4,3&activation=relu"),
    "a drawn seed of many layers": ("GET", f"/plan?layers={'3,' * 20}3&activation=relu"),
    "a refusal": ("GET", "/weights.npy?layers=4&activation=relu&seed=1"),
    "an unknown tensor": ("GET", "/weights/layers.9.weight.npy?layers=4,3&activation=relu&seed=1"),
    "no path": ("GET", "/weights.onnx"),
    "a probe": ("GET", "/livez"),
    "counts": ("GET", "/metrics"),
    "the body of a POST": ("POST", "/weights.npy"),
}


@pytest.mark.parametrize(("method", "url"), FORGOTTEN.values(), ids=FORGOTTEN)
def test_what_may_be_another_one_the_next_time_is_not_kept(method: str, url: str) -> None:
    async def ask(client: httpx.AsyncClient, state: State) -> None:
        body = {"layers": [4, 3], "activation": "relu", "seed": 1} if method == "POST" else None
        await client.request(method, url, json=body)
        assert state.cache.byte_count == 0

    inside(ask)


def test_a_large_body_is_not_kept_but_its_headers_are() -> None:
    url = "/weights.npy?layers=300,300&activation=relu&seed=1"

    async def ask(client: httpx.AsyncClient, state: State) -> None:
        whole = await client.get(url)
        assert len(whole.content) > 360_000
        assert 0 < state.cache.byte_count < 4096
        again = await client.get(url, headers={"If-None-Match": whole.headers["etag"]})
        assert again.status_code == 304
        assert (await client.get(url)).content == whole.content

    inside(ask)


def test_with_no_bytes_for_it_nothing_is_kept() -> None:
    async def ask(client: httpx.AsyncClient, state: State) -> None:
        for _ in range(2):
            assert (await client.get("/plan?layers=4,3&activation=relu&seed=1")).status_code == 200
        assert state.cache.byte_count == 0

    inside(ask, cache_bytes=0)


@pytest.mark.parametrize(("length", "is_kept"), [(LONGEST_KEY, True), (LONGEST_KEY + 1, False)])
def test_a_long_url_is_not_kept(length: int, is_kept: bool) -> None:  # noqa: FBT001
    cache = Cache(2**20)
    scope = {"method": "GET", "path": "/plan", "query_string": b"a" * (length - len("/plan"))}
    keep(cache, scope, Answer(None, '"tag"', []))
    assert (cache.byte_count > 0) is is_kept


@given(st.lists(st.tuples(st.sampled_from(["put", "get"]), st.integers(0, 9), st.integers(0, 30)), max_size=60))
def test_the_values_used_last_are_kept_in_so_many_bytes(steps: list[tuple[str, int, int]]) -> None:
    most = 12 * LARGEST_SHARE
    cache, recent = Cache(most), dict[int, int]()  # by key, the one used last at the end
    for action, key, size in steps:
        if action == "put" and size <= most // LARGEST_SHARE:
            cache.put(key, size, size)
            recent.pop(key, None)
            recent[key] = size
            while sum(recent.values()) > most:
                del recent[next(iter(recent))]
        elif action == "put":
            cache.put(key, size, size)
        else:
            assert cache.get(key) == recent.get(key)
            if key in recent:
                recent[key] = recent.pop(key)
        assert cache.byte_count == sum(recent.values()) <= most
    assert {key: cache.get(key) for key in range(10)} == {key: recent.get(key) for key in range(10)}
