import gc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from threading import Barrier

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.numerics.dtypes import DTYPES
from service.web.rooms import KEPT_ROOMS, LEAST_BYTES, Rooms

LARGE = LEAST_BYTES + 1


def address(room: memoryview) -> int:
    return int(np.frombuffer(room, np.uint8).ctypes.data)


def kept(rooms: Rooms) -> int:
    return sum(map(len, rooms.free.values()))


sizes = st.integers(0, 2000) | st.integers(LEAST_BYTES - 2, LEAST_BYTES + 2) | st.integers(0, 5 * LEAST_BYTES)


@given(sizes)
def test_a_room_is_so_many_bytes_that_can_be_written(size: int) -> None:
    room = Rooms().take(size)
    assert (room.nbytes, len(room), room.format, room.itemsize) == (size, size, "B", 1)
    room[:] = b"\xa5" * size
    assert bytes(room) == b"\xa5" * size


@given(st.lists(sizes, min_size=2, max_size=8))
def test_rooms_that_are_in_use_do_not_overlap(asked: list[int]) -> None:
    rooms = Rooms()
    # Some of these come from memory that was given back.
    for size in asked[::2]:
        rooms.take(size)
    taken = [rooms.take(size) for size in asked]
    spans = sorted((address(room), address(room) + len(room)) for room in taken if len(room))
    assert all(before[1] <= after[0] for before, after in pairwise(spans))


@pytest.mark.parametrize("size", [0, 1, 2, 7, LEAST_BYTES - 1, LEAST_BYTES, LEAST_BYTES + 1, 3 * LEAST_BYTES])
def test_rooms_are_aligned_for_every_dtype(size: int) -> None:
    rooms = Rooms()
    for _ in range(20):  # those that are kept alive lie at other places
        room = rooms.take(size)
        for number in DTYPES.values():
            assert address(room) % number.numpy.alignment == 0
            assert np.frombuffer(room, number.numpy, size // number.size).flags.aligned


@pytest.mark.parametrize("size", [LEAST_BYTES, LARGE, 2 * LEAST_BYTES - 1, 2 * LEAST_BYTES])
def test_memory_is_used_again_once_its_room_is_gone(size: int) -> None:
    rooms = Rooms()
    room = rooms.take(size)
    place = address(room)
    assert kept(rooms) == 0
    del room
    assert kept(rooms) == 1
    assert address(rooms.take(size)) == place


REFERENCES: dict[str, Callable[[memoryview], object]] = {
    "the room": lambda room: room,
    "a slice": lambda room: room[5:9],
    "a slice of a slice": lambda room: room[5:9][1:2],
    "a slice of nothing": lambda room: room[3:3],
    "a read-only view": lambda room: room.toreadonly(),
    "another type of view": lambda room: room[:8].cast("d"),
    "an array": lambda room: np.frombuffer(room, np.float32, 4, 8),
    "a part of an array": lambda room: np.frombuffer(room, np.float32, 4, 8).reshape(2, 2).T[1:],
}


@pytest.mark.parametrize("name", REFERENCES)
def test_memory_is_not_used_again_while_anything_refers_to_it(name: str) -> None:
    rooms = Rooms()
    room = rooms.take(LARGE)
    place = address(room)
    held = REFERENCES[name](room)
    del room
    gc.collect()
    assert kept(rooms) == 0
    assert address(rooms.take(LARGE)) != place
    kept_before = kept(rooms)
    del held
    assert kept(rooms) == kept_before + 1


def test_of_many_slices_the_last_one_gives_the_memory_back() -> None:
    rooms = Rooms()
    room = rooms.take(LARGE)
    parts = [room[start : start + 1000] for start in range(0, LARGE, 1000)]
    del room
    while parts:
        assert kept(rooms) == 0
        parts.pop(len(parts) // 2)
    assert kept(rooms) == 1


def test_a_copy_does_not_hold_the_memory() -> None:
    rooms = Rooms()
    room = rooms.take(LARGE)
    room[:] = b"\x01" * LARGE
    copied = bytes(room)
    del room
    assert kept(rooms) == 1
    rooms.take(LARGE)[:] = b"\x02" * LARGE
    assert copied == b"\x01" * LARGE


def test_rooms_of_one_size_class_share_memory_and_others_do_not() -> None:
    rooms = Rooms()
    place = address(rooms.take(LARGE))
    assert address(rooms.take(2 * LEAST_BYTES)) == place  # up to the next power of two
    assert address(rooms.take(LEAST_BYTES)) != place
    assert kept(rooms) == 2


def test_small_rooms_are_not_kept() -> None:
    rooms = Rooms()
    for size in (0, 1, LEAST_BYTES - 1):
        rooms.take(size)
    assert kept(rooms) == 0


def test_no_more_rooms_are_kept_than_stated() -> None:
    rooms = Rooms()
    crowd = [rooms.take(LARGE) for _ in range(KEPT_ROOMS + 5)]
    places = {address(room) for room in crowd}
    assert len(places) == KEPT_ROOMS + 5
    crowd.clear()
    assert kept(rooms) == KEPT_ROOMS
    again = [rooms.take(LARGE) for _ in range(KEPT_ROOMS)]
    assert {address(room) for room in again} < places
    assert kept(rooms) == 0


def test_threads_that_take_and_give_back_never_share_memory() -> None:
    rooms = Rooms()
    threads, rounds = 4, 150
    together = Barrier(threads)

    def work(number: int) -> int:
        mark = bytes([number])
        together.wait(timeout=30)
        whole = 0
        for _ in range(rounds):
            first, second = rooms.take(LARGE), rooms.take(LARGE)
            for room in (first, second):
                room[::1024] = mark * len(room[::1024])
            whole += all(bytes(room[::1024]) == mark * len(room[::1024]) for room in (first, second))
        return whole

    with ThreadPoolExecutor(threads) as pool:
        assert list(pool.map(work, range(1, threads + 1))) == [rounds] * threads
    assert 0 < kept(rooms) <= min(KEPT_ROOMS, 2 * threads)


def test_one_thread_may_give_back_what_another_took() -> None:
    rooms = Rooms()
    with ThreadPoolExecutor(1) as pool:
        room = pool.submit(rooms.take, LARGE).result()
        place = address(room)
        del room
        assert pool.submit(lambda: address(rooms.take(LARGE))).result() == place
