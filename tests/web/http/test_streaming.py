"""Long downloads: they keep the service free for others and end when nobody listens."""

import asyncio
import contextlib
import http.client
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import httpx
import pytest

from harness.running import Service, eventually, running
from service.files.body.pieces import SMALL_BYTES, Buffer, Piece, always, panel_piece
from service.files.raw import box_as_raw
from service.initializers.drawn_panels import DrawnPanels
from service.initializers.matrices import MatrixAxes
from service.initializers.orthogonal import Orthogonal
from service.initializers.schemes import ZEROS
from service.numerics.dtypes import TensorDType
from service.tensors.tensor import UNIT_BYTES, Tensor
from service.web.http.buffers import BufferPool
from service.web.http.limits import Budget, Patience
from service.web.http.pace import SEND_BYTES, Pace
from service.web.http.streaming import Drawing

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


def test_clients_that_read_nothing_keep_no_slot(alone: Service) -> None:
    with contextlib.ExitStack() as held:
        for _ in range(64):
            held.enter_context(alone.open(LARGE))
        assert eventually(lambda: alone.metric("fanin_drawings") == 64)
        assert httpx.get(f"{alone.url}/weights.npy?{MIDDLING}", timeout=30).status_code == 200


def test_without_memory_there_is_503_and_all_that_draws_nothing_still_answers() -> None:
    with running(memory=2**26, wait_seconds=0.5) as service:
        with contextlib.ExitStack() as held:
            allowed = int(service.metric("fanin_memory_allowed_bytes"))
            for _ in range(allowed // SMALL_BYTES + 8):
                held.enter_context(service.open(LARGE))
            assert eventually(lambda: service.metric("fanin_memory_bytes") > allowed - SMALL_BYTES)

            # Some were refused while others' drawing took more for a moment than it kept: others come in their place.
            def is_refused() -> bool:
                held.enter_context(service.open(LARGE))
                with httpx.stream("GET", f"{service.url}/weights.npy?{MIDDLING}", timeout=60) as answer:
                    return answer.status_code == 503

            assert eventually(is_refused)
            refused = httpx.get(f"{service.url}/weights.npy?{MIDDLING}", timeout=60)
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
            assert refused.headers["content-type"] == "application/problem+json"
            assert "FANIN_MEMORY" in refused.json()["detail"]
            for path in ("/livez", "/readyz", f"/plan?{SMALL}", f"/weights.npy?{SMALL}"):
                assert httpx.get(service.url + path, timeout=60).status_code == 200
            head = httpx.head(f"{service.url}/weights.npy?{MIDDLING}", timeout=60)
            assert head.status_code == 200
            again = httpx.get(
                f"{service.url}/weights.npy?{MIDDLING}", headers={"If-None-Match": head.headers["etag"]}, timeout=60
            )
            assert again.status_code == 304
        assert eventually(lambda: httpx.get(f"{service.url}/weights.npy?{MIDDLING}", timeout=60).status_code == 200)
        assert eventually(lambda: service.metric("fanin_memory_bytes") == 0)


def test_a_stalled_client_is_let_go_and_cannot_take_its_part_for_the_whole() -> None:
    with running(stall_seconds=0.3) as service, service.download(LARGE) as answer:
        assert eventually(lambda: service.metric("fanin_drawings") == 0)
        with pytest.raises(http.client.IncompleteRead):
            answer.read()


def drawing_of(workers: ThreadPoolExecutor) -> Drawing:
    patience = Patience(seconds=30, most_waiting=1)
    slots, memory = Budget("pieces", 8, "slots", patience), Budget("bytes", 2**30, "memory_bytes", patience)
    return Drawing(workers, slots, memory, AHEAD, lambda _: None, BufferPool(most_kept=2))


class TwoPanels:
    """A body without bytes, of two panels each of which is drawn only while the other one is."""

    length = 0
    drawing_bytes = 1

    def pieces(self, is_full: Callable[[], bool] = always) -> Iterator[bytes | Piece]:  # noqa: ARG002 - a Body's
        both = Barrier(2, timeout=10)
        yield from (panel_piece(both.wait, 1) for _ in range(2))


def test_all_workers_draw_what_a_body_shares_from_its_beginning_on() -> None:
    async def read(drawing: Drawing) -> list[Buffer]:
        return [buffer async for buffer in drawing.buffers(TwoPanels(), Pace(drawing.memory))]

    with ThreadPoolExecutor(2) as workers:
        assert asyncio.run(read(drawing_of(workers))) == [b"", b""]


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


def test_a_client_that_leaves_stops_the_drawing_of_an_orthogonal_matrix_within_a_panel(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn, has_begun, may_go_on = [], Event(), Event()

    def draw(*_: object) -> None:
        drawn.append(1)
        has_begun.set()
        may_go_on.wait(30)

    monkeypatch.setattr("service.initializers.orthogonal.backend.draw_columns", draw)
    matrix = Orthogonal(ZEROS, 1, "a", MatrixAxes(0, 1), panels=DrawnPanels(2**20))
    body = box_as_raw(Tensor("a", (600, 600), (0, 1), TensorDType.FLOAT32, None, matrix).whole())

    async def leave(drawing: Drawing) -> None:
        async def read() -> None:
            async for _ in drawing.buffers(body, Pace(drawing.memory)):
                pass

        reading = asyncio.ensure_future(read())
        await asyncio.to_thread(has_begun.wait, 30)
        reading.cancel()
        await asyncio.wait([reading])
        may_go_on.set()

    with ThreadPoolExecutor(1) as workers:
        asyncio.run(leave(drawing_of(workers)))

    assert len(drawn) == 1  # of five panels
