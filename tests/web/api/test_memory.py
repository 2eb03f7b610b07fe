"""What one request takes, and what many that read nothing hold."""

import io
import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import numpy as np
import pytest

from harness.running import HOST, Service, eventually, running

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="only Linux tells the memory of a process"
)

MIB = 2**20
WIDE = "layers=" + ",".join(["16777216"] * 1000) + "&activation=relu&seed=1"
MANY_VALUES = "/weights.json?layers=2000,2000&activation=relu&seed=1"


@pytest.fixture
def alone() -> Iterator[Service]:
    with running() as service:
        for path in ("/weights.npy?layers=500,500", "/diagnose?layers=10,10", "/plan?layers=3,2"):
            assert httpx.get(f"{service.url}{path}&activation=relu&seed=1", timeout=60).status_code == 200
        yield service


def zeros(side: int) -> bytes:
    """Return a small archive of a square weight of float64 zeros."""
    file = io.BytesIO()
    np.savez_compressed(file, allow_pickle=True, **{"layers.0.weight": np.zeros((side, side))})
    return file.getvalue()


def test_a_small_archive_of_many_zeros_is_refused_for_its_shape(alone: Service) -> None:
    body = zeros(11_000)  # 968 MB, of which float32 would fit, but not what a diagnosis needs
    assert len(body) < 2 * MIB
    before = alone.memory()
    answer = httpx.post(f"{alone.url}/diagnose/weights?activation=relu", content=body, timeout=60)
    assert (answer.status_code, "FANIN_DIAGNOSIS_BYTES" in answer.json()["detail"]) == (413, True)
    assert alone.memory("VmHWM") - before < 32 * MIB


def test_memory_goes_back_after_a_diagnosis(alone: Service) -> None:
    before = alone.memory()
    answer = httpx.get(f"{alone.url}/diagnose?layers=3000,3000&activation=relu&seed=1&samples=2000", timeout=60)
    assert answer.status_code == 200
    assert alone.memory("VmHWM") - before > 100 * MIB
    assert eventually(lambda: alone.memory() - before < 48 * MIB)


@pytest.mark.parametrize(
    ("path", "version"),
    [(f"/plan?{WIDE}", "1.1"), (MANY_VALUES, "1.1"), (MANY_VALUES, "1.0"), (f"/plan?{WIDE}", "1.0")],
    ids=["plans", "values as JSON", "values as JSON for HTTP/1.0", "plans for HTTP/1.0"],
)
def test_clients_that_read_nothing_hold_a_few_pieces_each(alone: Service, path: str, version: str) -> None:
    before = alone.memory()
    with ExitStack() as held:
        for _ in range(16):
            connection = held.enter_context(socket.create_connection((HOST, alone.port), timeout=60))
            connection.sendall(f"GET {path} HTTP/{version}\r\nHost: a\r\n\r\n".encode())
        assert eventually(lambda: alone.metric("fanin_drawings") == 16)
        assert httpx.get(f"{alone.url}{MANY_VALUES}", timeout=60).status_code == 200  # others are served meanwhile
        assert alone.memory("VmHWM") - before < 16 * 12 * MIB


def test_http_1_0_gets_json_to_the_end_of_the_connection(alone: Service) -> None:
    path = "/weights.json?layers=100,100&activation=relu&seed=1"
    with socket.create_connection((HOST, alone.port), timeout=60) as connection:
        connection.sendall(f"GET {path} HTTP/1.0\r\nConnection: keep-alive\r\n\r\n".encode())
        head, _, body = connection.makefile("rb").read().partition(b"\r\n\r\n")
    assert b"connection: close" in head.lower()
    assert b"transfer-encoding" not in head.lower()
    assert json.loads(body) == httpx.get(alone.url + path, timeout=60).json()


def test_the_plan_of_many_layers_is_the_same_in_one_piece(alone: Service) -> None:
    layers = ",".join(map(str, range(1, 120)))
    plan = httpx.get(f"{alone.url}/plan?layers={layers}&activation=relu&seed=1", timeout=60).json()
    weights = httpx.get(f"{alone.url}/weights.json?layers={layers}&activation=relu&seed=1", timeout=60).json()
    assert [{name: value for name, value in tensor.items() if name != "data"} for tensor in weights["tensors"]] == plan[
        "tensors"
    ]
    assert [tensor["shape"] for tensor in plan["tensors"][:4]] == [[1, 2], [2], [2, 3], [3]]


@pytest.mark.parametrize("layers", ["4,3", ",".join(["2"] * 1000)], ids=["few", "many"])
def test_head_of_a_plan_writes_nothing(layers: str) -> None:
    broken = "import service.documents.plan as plan; plan.tensor_plan = None\n"
    with running("-c", f"{broken}from service.__main__ import main; main()") as service:
        answer = httpx.head(f"{service.url}/plan?layers={layers}&activation=relu&seed=1", timeout=60)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")


WIDEST = 2**31 - 1
PATHS = (
    "/plan", "/weights.npy", "/weights.npz", "/weights.safetensors", "/weights.json", "/diagnose",
    "/weights/layers.0.weight.npy", "/weights/layers.0.weight.bin", "/weights/layers.0.weight.json",
)  # fmt: skip


@pytest.fixture(scope="module")
def wide() -> Iterator[Service]:
    with running(width=WIDEST, response_bytes=2**20) as service:
        yield service


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("layers", [f"{WIDEST},{WIDEST}", f"{WIDEST},{WIDEST},{WIDEST}", f"{WIDEST},1,{WIDEST}"])
def test_the_widest_layers_are_planned_or_refused(wide: Service, layers: str, path: str) -> None:
    for dtype in ("float32", "float64", "bfloat16"):
        for headers in ({}, {"Range": "bytes=-10"}):
            url = f"{wide.url}{path}?layers={layers}&activation=relu&seed=1&dtype={dtype}"
            answer = httpx.get(url, headers=headers, timeout=60)
            assert answer.status_code in (200, 206, 413, 422), answer.text


def test_what_get_refuses_has_no_condition_that_holds(alone: Service) -> None:
    path = f"{alone.url}/weights.json?layers=4000,4000&activation=relu&seed=1"
    for headers in ({"If-None-Match": "*"}, {"If-Match": '"another"'}):
        assert httpx.get(path, headers=headers, timeout=60).status_code == 413
