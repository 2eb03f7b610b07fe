"""Zarr stores over a real socket, key by key."""

import asyncio
import base64
import json
import zlib
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from math import ceil
from typing import Any
from urllib.parse import quote

import httpx
import numpy as np
import pytest

from harness.running import running
from service.web.app import create_app
from service.web.settings import Settings
from tests.web.in_process import in_process

NETWORK = "layers=300,200,10&activation=relu&seed=42"
KERNEL = "shape=16,3,5,7&axes=OIHW&activation=relu&seed=42"
CHUNK = f"/zarr/{NETWORK}/layers.0.weight/c/0/0"
MODEL = {
    "seed": 7,
    "tensors": [{"name": f"encoder/{name}", "shape": [6, 4]} for name in ("a", "deep/b")]
    + [{"name": "n", "shape": []}],
    "rules": [{"match": "encoder/*", "axes": "OI", "scheme": "he"}, {"match": "n", "scheme": "ones", "dtype": "int64"}],
}


def packed(model: dict[str, Any]) -> str:
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    deflated = deflater.compress(json.dumps(model).encode()) + deflater.flush()
    return base64.urlsafe_b64encode(deflated).decode().rstrip("=")


PACKED = packed(MODEL)

STATUSES = {
    NETWORK: {
        "zarr.json": 200,
        "/zarr.json": 200,
        "///zarr.json": 200,
        "layers.0.weight/zarr.json": 200,
        "/layers.0.weight//zarr.json": 200,
        "layers.0.weight/c/0/0": 200,
        "//layers.0.weight//c//0/0": 200,
        "layers.0.bias/c/0": 200,
        **{f"{folder}.z{kind}": 404 for folder in ("", "layers.0.weight/") for kind in ("group", "array", "attrs")},
        ".zmetadata": 404,
        "": 404,
        "layers.0.weight": 404,
        "layers.0.weight/": 404,
        "layers.0.weight/0.0": 404,
        "layers/zarr.json": 404,
        "layers.9.weight/zarr.json": 404,
        "layers.0.weight/zarr.json/zarr.json": 404,
        "layers.0.weight/c": 422,
        "layers.0.weight/c/": 422,
        "layers.0.weight/c/0": 422,
        "layers.0.weight/c/0/0/0": 422,
        "layers.0.weight/c/1/0": 422,
        "layers.0.weight/c/0/0/": 200,
        "layers.0.weight/c/0.0": 422,
        "layers.9.weight/c/0/0": 422,
        "layers.0.weight%0A/c/0/0": 422,
        "layers.0.weight/c/0/0%0A": 422,
        "zarr.json%0A": 404,
        "c/0/0": 422,
        "/c/0": 422,
        "c": 422,
    },
    f"model={PACKED}": {
        "zarr.json": 200,
        "encoder/zarr.json": 200,
        "encoder/deep/zarr.json": 200,
        "encoder/a/zarr.json": 200,
        "encoder%2Fa/zarr.json": 200,
        "encoder/deep/b/c/0/0": 200,
        "n/c": 200,
        "n/c/0": 422,
        "encoder/c/0/0": 422,
        "enc/zarr.json": 404,
    },
    KERNEL: {
        "zarr.json": 200,
        "conv1.weight/zarr.json": 200,
        "any/name/zarr.json": 200,
        "any/name/c/0/0/0/0": 200,
        "any/name/c/0/0": 422,
        ".zgroup": 404,
        "__hidden/zarr.json": 422,
    },
    "no description": {"zarr.json": 404, ".zgroup": 404, "c/0/0": 422, "w/zarr.json": 404, "w/c/0": 404},
    "layers=3": {"zarr.json": 422, "w/zarr.json": 422, "w/c/0/0": 422},
}
CASES = [(description, key, status) for description, keys in STATUSES.items() for key, status in keys.items()]


@pytest.mark.parametrize(("description", "key", "status"), CASES, ids=[f"{case[0][:8]} {case[1]}" for case in CASES])
def test_a_key_is_there_or_is_none_or_cannot_be(client: httpx.Client, description: str, key: str, status: int) -> None:
    for method in ("GET", "HEAD"):
        answer = client.request(method, f"/zarr/{description}/{key}")
        assert answer.status_code == status, answer.text
    whole = client.get(f"/zarr/{description}/{key}")
    if status == 200:
        assert client.head(f"/zarr/{description}/{key}").headers["content-length"] == str(len(whole.content))
    else:
        assert whole.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("key", ["zarr.json", "layers.0.weight/zarr.json", "layers.0.weight/c/0/0", ".zgroup"])
@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE", "PATCH"])
def test_nothing_can_be_written(client: httpx.Client, method: str, key: str) -> None:
    answer = client.request(method, f"/zarr/{NETWORK}/{key}", content=b"x")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


def test_a_chunk_has_the_values_and_headers_of_every_binary_answer(client: httpx.Client) -> None:
    whole = client.get(CHUNK)
    assert whole.content == client.get(f"/weights/layers.0.weight.bin?{NETWORK}").content
    assert "immutable" in whole.headers["cache-control"]
    assert "content-disposition" not in whole.headers
    etag = whole.headers["etag"]
    assert etag.startswith('"')
    unmodified = client.get(CHUNK, headers={"If-None-Match": etag})
    assert (unmodified.status_code, unmodified.content) == (304, b"")
    assert client.get(CHUNK, headers={"If-Match": '"other"'}).status_code == 412
    part = client.get(CHUNK, headers={"Range": "bytes=1001-2003", "If-Match": etag})
    assert (part.status_code, part.content) == (206, whole.content[1001:2004])
    assert part.headers["content-range"] == f"bytes 1001-2003/{len(whole.content)}"
    assert client.get(CHUNK, headers={"Range": f"bytes={len(whole.content)}-"}).status_code == 416
    for other in ("layers=300,200,10&activation=tanh&seed=42", f"{NETWORK}&bias=none&chunks=300,200"):
        assert client.get(CHUNK.replace(NETWORK, other)).headers["etag"] != etag


@pytest.mark.parametrize(
    "said",
    [
        "seed=42&layers=300,200,10&activation=relu&scheme=auto",
        quote(NETWORK, safe=""),
        NETWORK.replace(",", "%2C").replace("&", "%26"),
    ],
)
def test_a_store_has_one_url_however_it_was_asked_for(client: httpx.Client, said: str) -> None:
    usual, other = (client.get(f"/zarr/{text}/layers.0.weight/c/0/0") for text in (NETWORK, said))
    assert other.headers["etag"] == usual.headers["etag"]
    assert other.headers["content-location"] == usual.headers["content-location"] == CHUNK


@pytest.mark.parametrize(
    ("description", "key", "query"),
    [
        ("layers=10,20&activation=relu&scheme=fixed&std=1e+30&seed=3", "layers.0.weight", "std=1e%2B30"),
        ("layers=10,20&activation=relu&scheme=fixed&std=1e%2B30&seed=3", "layers.0.weight", "std=1e%2B30"),
        ("layers=10,20&activation=relu&names=net.$n&seed=3", "net.0.weight", "names=net.$n"),
        ("shape=7,5&axes=OI&activation=relu&key=a%252Fb%2526+%252525&seed=3", "w", "key=a%2Fb%26%2B%2525"),
    ],
)
def test_each_sign_of_a_query_may_stand_in_a_path(client: httpx.Client, description: str, key: str, query: str) -> None:
    chunk = client.get(f"/zarr/{description}/{key}/c/0/0")
    assert chunk.status_code == 200, chunk.text
    assert client.get(chunk.headers["content-location"]).content == chunk.content
    assert chunk.headers["content-location"].startswith("/zarr/")
    others = "&".join(part for part in description.split("&") if not part.startswith(query.partition("=")[0]))
    path = f"/tensor/{key}" if "key" in query else f"/weights/{key}"
    assert client.get(f"{path}.bin?{others}&{query}").content == chunk.content


def test_tiles_fit_together_and_overhang_with_zeros(client: httpx.Client) -> None:
    query = "layers=100,70&activation=relu&layout=out_in&bias=none&seed=42"
    expected = np.zeros((96, 120), np.float32)
    expected[:70, :100] = np.frombuffer(client.get(f"/weights/layers.0.weight.bin?{query}").content, "<f4").reshape(
        70, 100
    )
    store = f"/zarr/{query}&chunks=32,40/layers.0.weight"
    document = client.get(f"{store}/zarr.json").json()
    assert document["chunk_grid"]["configuration"]["chunk_shape"] == [32, 40]
    assert document["dimension_names"] == ["nodes.1", "nodes.0"]
    for row in range(ceil(70 / 32)):
        for column in range(ceil(100 / 40)):
            tile = np.frombuffer(client.get(f"{store}/c/{row}/{column}").content, "<f4").reshape(32, 40)
            assert np.array_equal(tile, expected[32 * row : 32 * row + 32, 40 * column : 40 * column + 40])


def test_axes_of_the_same_nodes_have_the_same_name(client: httpx.Client) -> None:
    metadata = client.get(f"/zarr/{NETWORK}/zarr.json").json()["consolidated_metadata"]["metadata"]
    assert {name: array["dimension_names"] for name, array in metadata.items()} == {
        "layers.0.weight": ["nodes.0", "nodes.1"], "layers.0.bias": ["nodes.1"],
        "layers.1.weight": ["nodes.1", "nodes.2"], "layers.1.bias": ["nodes.2"],
    }  # fmt: skip
    sizes: dict[str, set[int]] = {}
    for array in metadata.values():
        for name, side in zip(array["dimension_names"], array["shape"], strict=True):
            sizes.setdefault(name, set()).add(side)
    assert all(len(sides) == 1 for sides in sizes.values())
    model = client.get(f"/zarr/model={PACKED}/zarr.json").json()["consolidated_metadata"]["metadata"]
    assert model["encoder/a"]["dimension_names"] == ["encoder/a.0", "encoder/a.1"]
    assert model["n"]["dimension_names"] == []


def test_chunks_of_a_model_are_its_tensors(client: httpx.Client) -> None:
    for name, key in (("encoder/a", "c/0/0"), ("encoder/deep/b", "c/0/0"), ("n", "c")):
        chunk = client.get(f"/zarr/model={PACKED}/{name}/{key}")
        assert chunk.content == client.get(f"/model/weights/{name}.bin?model={PACKED}").content
        assert client.get(chunk.headers["content-location"]).headers["etag"] == chunk.headers["etag"]


def test_more_readers_than_places_wait_and_all_are_answered() -> None:
    url = "/zarr/layers=4096,4096&activation=relu&seed=1/layers.0.weight/c"
    with running(drawings=2, workers=1) as service, httpx.Client(base_url=service.url, timeout=60) as client:
        expected = client.get("/weights/layers.0.weight.bin?layers=4096,4096&activation=relu&seed=1").content

        def chunk(number: int) -> bytes:
            answer = httpx.get(f"{service.url}{url}/{number % 16}/0", timeout=60)
            answer.raise_for_status()
            return answer.content

        with ThreadPoolExecutor(32) as readers:
            chunks = list(readers.map(chunk, range(64)))
    assert b"".join(chunks) == expected * 4


@pytest.mark.parametrize(("waiting", "seconds"), [(0, 5.0), (64, 0.0)])
def test_waiting_is_bounded_in_number_and_in_time(waiting: int, seconds: float) -> None:
    url = "/zarr/layers=16384,16384&activation=relu&bias=none&seed=1&chunks=4096,4096/layers.0.weight/c"
    limits = {"drawings": 1, "workers": 1, "waiting": waiting, "wait_seconds": seconds}
    with running(**limits) as service, ThreadPoolExecutor(16) as readers:
        answers = list(readers.map(lambda n: httpx.get(f"{service.url}{url}/{n // 4}/{n % 4}", timeout=60), range(16)))
    refused = [answer for answer in answers if answer.status_code != 200]
    assert 0 < len(refused) < 16
    assert {(answer.status_code, answer.headers["retry-after"]) for answer in refused} == {(503, "1")}


LAYERS = ",".join(["64"] * 400)
DEEP = {
    "seed": 1,
    "tensors": [{"name": "h.(0-398).w", "shape": [64, 64]}],
    "rules": [{"match": "*", "axes": "OI", "scheme": "he"}],
}


@pytest.mark.parametrize(
    ("description", "name", "plans"),
    [(f"layers={LAYERS}&activation=relu&seed=1", "layers.{}.weight", "answers.dense_network"),
     (f"model={packed(DEEP)}", "h.{}.w", "planned_models.resolved")],
    ids=["network", "model"],
)  # fmt: skip
def test_plans_are_kept_and_chunks_are_not(
    monkeypatch: pytest.MonkeyPatch, description: str, name: str, plans: str
) -> None:
    module, function = plans.split(".")
    plan = getattr(import_module(f"service.web.api.{module}"), function)
    planned = []

    def counted(*said: object) -> object:
        planned.append(said)
        return plan(*said)

    async def read_all() -> None:
        async with in_process(create_app(Settings())) as (client, state):
            await client.get(f"/zarr/{description}/{name.format(0)}/c/0/0")
            kept = state.cache.byte_count
            for number in range(1, 399):
                chunk = await client.get(f"/zarr/{description}/{name.format(number)}/c/0/0")
                assert len(chunk.content) == 64 * 64 * 4
            assert state.cache.byte_count == kept > 0

    monkeypatch.setattr(f"service.web.api.{plans}", counted)
    asyncio.run(read_all())
    assert len(planned) == 1
