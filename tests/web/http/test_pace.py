"""A client gets little at once until it has shown that it takes it, and while memory is short."""

import asyncio
import contextlib
import socket
import time
from itertools import count

import pytest

from harness.running import HOST, eventually, running
from service.files.body.pieces import SMALL_BYTES, Piece
from service.files.raw import box_as_raw
from service.initializers.constant import Constant
from service.initializers.schemes import ZEROS
from service.numerics.dtypes import TensorDType
from service.tensors.tensor import UNIT_BYTES, Tensor
from service.web.http.limits import Budget, Patience
from service.web.http.pace import (
    COUNTED_BYTES,
    LARGE_BUFFER_BYTES,
    MOST_SECONDS,
    SHOWN_BYTES,
    SMALL_BUFFER_BYTES,
    Pace,
)

LARGE = "/weights/layers.0.weight.bin?layers=40000,40000&activation=relu&seed=1&bias=none"
MEMORY = 2**26
CLIENTS = 40


@pytest.fixture
def pace() -> Pace:
    return Pace(Budget("bytes", MEMORY, "memory", Patience(seconds=1, most_waiting=1)))


async def take(_: object) -> None:
    """Take at once what is sent."""


@pytest.mark.parametrize("path", [LARGE, f"{LARGE}&layout=out_in"], ids=["in_out", "out_in"])
def test_a_client_that_reads_nothing_keeps_one_small_piece(path: str) -> None:
    with running(stall_seconds=60) as service, contextlib.ExitStack() as held:
        for _ in range(CLIENTS):
            held.enter_context(service.open(path))
        assert eventually(lambda: service.metric("fanin_memory_bytes") == CLIENTS * SMALL_BYTES)
        assert not eventually(lambda: service.metric("fanin_memory_bytes") > CLIENTS * SMALL_BYTES, seconds=0.5)


@pytest.mark.parametrize("suffix", ["npz", "json"])
def test_of_an_archive_or_of_json_it_keeps_one_small_piece_too(suffix: str) -> None:
    path = f"/weights.{suffix}?layers=40000,40000&activation=relu&seed=1&bias=none"
    with running(stall_seconds=60, json_elements=2**31) as service, contextlib.ExitStack() as held:
        for _ in range(CLIENTS):
            held.enter_context(service.open(path))

        def has_come_to_rest() -> bool:
            # To make a piece of text takes more than the piece, while it is made.
            before = service.metric("fanin_memory_bytes")
            time.sleep(0.5)
            return before == service.metric("fanin_memory_bytes") > CLIENTS * SMALL_BYTES / 2

        assert eventually(has_come_to_rest)
        assert service.metric("fanin_memory_bytes") <= CLIENTS * SMALL_BYTES


def test_large_pieces_are_for_a_client_that_has_shown_that_it_takes_them(pace: Pace) -> None:
    body = box_as_raw(Tensor("a", (4096, 1024), (0, 1), TensorDType.FLOAT32, None, Constant(ZEROS, 0.0)).whole())

    async def sizes() -> list[int]:
        taken = []
        for piece in body.pieces(pace.is_full):
            assert isinstance(piece, Piece)
            taken.append(piece.buffer_bytes)
            await pace.deliver(piece.make(memoryview(bytearray(piece.buffer_bytes))), take)
        return taken

    small, large = SHOWN_BYTES // SMALL_BYTES, (body.length - SHOWN_BYTES) // (2 * UNIT_BYTES)
    assert asyncio.run(sizes()) == [SMALL_BYTES] * small + [2 * UNIT_BYTES] * large


def test_a_client_that_is_slow_once_must_show_it_again(pace: Pace, monkeypatch: pytest.MonkeyPatch) -> None:
    asyncio.run(pace.deliver(bytes(SHOWN_BYTES), take))
    assert pace.is_full()
    clock = count(step=MOST_SECONDS)
    monkeypatch.setattr("service.web.http.pace.monotonic", lambda: next(clock))
    asyncio.run(pace.deliver(bytes(SMALL_BYTES), take))
    assert not pace.is_full()


def test_while_less_than_half_of_the_memory_is_free_all_get_little(pace: Pace) -> None:
    asyncio.run(pace.deliver(bytes(SHOWN_BYTES), take))
    share = pace.memory.take_now(MEMORY // 2 + 1)
    assert share is not None
    assert not pace.is_full()
    share.give_back()
    assert pace.is_full()


def test_the_sockets_buffer_is_large_and_counted_while_a_client_keeps_up_until_the_last_piece(pace: Pace) -> None:
    asked: list[int] = []
    pace.resize = asked.append
    asyncio.run(pace.deliver(bytes(SHOWN_BYTES), take))
    assert (asked, pace.memory.taken) == ([], 0)
    for _ in range(2):
        asyncio.run(pace.deliver(bytes(SMALL_BYTES), take))
        assert (asked, pace.memory.taken) == ([LARGE_BUFFER_BYTES], COUNTED_BYTES)
    asyncio.run(pace.deliver(bytes(SMALL_BYTES), take, is_last=True))
    assert (asked, pace.memory.taken) == ([LARGE_BUFFER_BYTES, SMALL_BUFFER_BYTES], 0)


def test_where_the_memory_of_a_large_buffer_would_be_over_half_of_all_the_buffer_stays_small(pace: Pace) -> None:
    asked: list[int] = []
    pace.resize = asked.append
    asyncio.run(pace.deliver(bytes(SHOWN_BYTES), take))
    with pace.memory.take_now(MEMORY // 2 - COUNTED_BYTES + 1) or pytest.fail("no memory"):
        assert pace.is_full()
        asyncio.run(pace.deliver(bytes(SMALL_BYTES), take))
    assert asked == []


def test_a_body_that_waits_in_the_system_for_its_client_is_counted_until_little_of_it_does() -> None:
    length = 2**25
    with running(stall_seconds=60) as service, socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**14)
        client.connect((HOST, service.port))
        client.sendall(f"GET {LARGE} HTTP/1.1\r\nHost: a\r\nRange: bytes=0-{length - 1}\r\n\r\n".encode())
        left = length - LARGE_BUFFER_BYTES
        while left > 0:
            left -= len(client.recv(min(left, 2**20)))
        assert not eventually(lambda: service.metric("fanin_memory_bytes") < LARGE_BUFFER_BYTES // 2, seconds=0.5)
        left = LARGE_BUFFER_BYTES
        while left > 0:
            left -= len(client.recv(left))
        assert eventually(lambda: service.metric("fanin_memory_bytes") == 0)
