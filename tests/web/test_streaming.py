"""Long downloads: they keep the service free for others and end when nobody listens."""

import http.client
import socket
from collections.abc import Iterator

import httpx
import pytest

from service.tensor import UNIT_BYTES
from service.web.streaming import SEND_BYTES
from tests.running import Service, eventually, running

LARGE = "/weights/layers.0.weight.bin?layers=40000,40000&activation=relu&seed=1&bias=none"
SMALL = "layers=4,3&activation=relu&seed=1"  # made at once
MIDDLING = "layers=200,200&activation=relu&seed=1"  # made by a worker
AHEAD = 3
UNIT = UNIT_BYTES // 4  # values in a piece of a tensor in layout in_out
KERNEL_BYTES = 16 * 2**20  # more than socket buffers hold


def read(connection: socket.socket, count: int) -> int:
    got = 0
    while got < count:
        part = connection.recv(2**16)
        if not part:
            break
        got += len(part)
    return got


@pytest.fixture
def alone() -> Iterator[Service]:
    with running(drawings=1, workers=2, pieces_ahead=AHEAD, stall_seconds=60) as service:
        yield service


def test_a_client_that_goes_away_stops_the_work(alone: Service) -> None:
    with alone.open(LARGE) as connection:
        got = read(connection, 20 * 2**20)
    assert eventually(lambda: alone.metric("fanin_drawings") == 0)
    drawn = alone.metric("fanin_elements_drawn_total")
    most = (got + KERNEL_BYTES + SEND_BYTES) / 4 + (AHEAD + 1) * UNIT
    assert drawn <= most
    (line,) = [line for line in alone.log_lines() if line.get("path", "").endswith(".bin")]
    assert not line["complete"]
    assert line["bytes"] <= got + KERNEL_BYTES + SEND_BYTES


def test_a_client_that_does_not_read_is_not_drawn_for(alone: Service) -> None:
    with alone.open(LARGE):
        most = (KERNEL_BYTES + SEND_BYTES) / 4 + (AHEAD + 1) * UNIT
        assert eventually(lambda: alone.metric("fanin_elements_drawn_total") > 0)
        previous = -1.0
        while (drawn := alone.metric("fanin_elements_drawn_total")) != previous:
            previous = drawn
            assert drawn <= most
            assert not eventually(lambda: alone.metric("fanin_elements_drawn_total") > most, seconds=0.5)


def test_beyond_the_places_there_is_503_and_all_that_draws_nothing_still_answers(alone: Service) -> None:
    with alone.open(LARGE):
        assert eventually(lambda: alone.metric("fanin_drawings") == 1)
        refused = httpx.get(f"{alone.url}/weights.npy?{MIDDLING}")
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert refused.headers["content-type"] == "application/problem+json"
        assert "FANIN_DRAWINGS" in refused.json()["detail"]
        for path in ("/livez", "/readyz", f"/plan?{SMALL}", f"/weights.npy?{SMALL}"):
            assert httpx.get(alone.url + path).status_code == 200
        head = httpx.head(f"{alone.url}/weights.npy?{MIDDLING}")
        assert head.status_code == 200
        again = httpx.get(f"{alone.url}/weights.npy?{MIDDLING}", headers={"If-None-Match": head.headers["etag"]})
        assert again.status_code == 304
    assert eventually(lambda: httpx.get(f"{alone.url}/weights.npy?{MIDDLING}").status_code == 200)


def test_a_stalled_client_is_let_go_and_cannot_take_its_part_for_the_whole() -> None:
    with running(stall_seconds=0.3) as service, service.download(LARGE) as answer:
        assert eventually(lambda: service.metric("fanin_drawings") == 0)
        with pytest.raises(http.client.IncompleteRead):
            answer.read()


@pytest.mark.parametrize("layout", ["in_out", "out_in"])
def test_a_body_of_many_pieces_is_that_of_its_ranges(client: httpx.Client, layout: str) -> None:
    url = f"/weights/layers.0.weight.bin?layers=3001,1999&activation=tanh&seed=8&layout={layout}"
    whole = client.get(url).content
    assert len(whole) == 4 * 3001 * 1999
    third = len(whole) // 3 + 1
    parts = [
        client.get(url, headers={"Range": f"bytes={start}-{start + third - 1}"}).content
        for start in range(0, len(whole), third)
    ]
    assert b"".join(parts) == whole
