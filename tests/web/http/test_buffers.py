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
from service.web.http.buffers import BYTES_OF_EACH_SIZE, LEAST_BYTES, MOST_BYTES, BufferPool

LARGE = LEAST_BYTES + 1
MOST_KEPT = 16


def address(buffer: memoryview) -> int:
    return int(np.frombuffer(buffer, np.uint8).ctypes.data)


def free_buffers(pool: BufferPool) -> int:
    return sum(map(len, pool.free.values()))


sizes = st.integers(0, 2000) | st.integers(LEAST_BYTES - 2, LEAST_BYTES + 2) | st.integers(0, 5 * LEAST_BYTES)


@given(sizes)
def test_a_buffer_is_so_many_bytes_that_can_be_written(size: int) -> None:
    buffer = BufferPool(MOST_KEPT).take(size)
    assert (buffer.nbytes, len(buffer), buffer.format, buffer.itemsize) == (size, size, "B", 1)
    buffer[:] = b"\xa5" * size
    assert bytes(buffer) == b"\xa5" * size


@given(st.lists(sizes, min_size=2, max_size=8))
def test_buffers_that_are_in_use_do_not_overlap(asked: list[int]) -> None:
    pool = BufferPool(MOST_KEPT)
    # Some of these come from memory that was given back.
    for size in asked[::2]:
        pool.take(size)
    taken = [pool.take(size) for size in asked]
    spans = sorted((address(buffer), address(buffer) + len(buffer)) for buffer in taken if len(buffer))
    assert all(before[1] <= after[0] for before, after in pairwise(spans))


@pytest.mark.parametrize("size", [0, 1, 2, 7, LEAST_BYTES - 1, LEAST_BYTES, LEAST_BYTES + 1, 3 * LEAST_BYTES])
def test_buffers_are_aligned_for_every_dtype(size: int) -> None:
    pool = BufferPool(MOST_KEPT)
    for _ in range(20):  # those that are kept alive lie elsewhere
        buffer = pool.take(size)
        for number in DTYPES.values():
            assert address(buffer) % number.numpy.alignment == 0
            assert np.frombuffer(buffer, number.numpy, size // number.size).flags.aligned


@pytest.mark.parametrize("size", [LEAST_BYTES, LARGE, 2 * LEAST_BYTES - 1, 2 * LEAST_BYTES])
def test_memory_is_used_again_once_its_buffer_is_gone(size: int) -> None:
    pool = BufferPool(MOST_KEPT)
    buffer = pool.take(size)
    first_address = address(buffer)
    assert free_buffers(pool) == 0
    del buffer
    assert free_buffers(pool) == 1
    assert address(pool.take(size)) == first_address


REFERENCES: dict[str, Callable[[memoryview], object]] = {
    "the buffer": lambda buffer: buffer,
    "a slice": lambda buffer: buffer[5:9],
    "a slice of a slice": lambda buffer: buffer[5:9][1:2],
    "a slice of nothing": lambda buffer: buffer[3:3],
    "a read-only view": lambda buffer: buffer.toreadonly(),
    "another type of view": lambda buffer: buffer[:8].cast("d"),
    "an array": lambda buffer: np.frombuffer(buffer, np.float32, 4, 8),
    "a part of an array": lambda buffer: np.frombuffer(buffer, np.float32, 4, 8).reshape(2, 2).T[1:],
}


@pytest.mark.parametrize("name", REFERENCES)
def test_memory_is_not_used_again_while_anything_refers_to_it(name: str) -> None:
    pool = BufferPool(MOST_KEPT)
    buffer = pool.take(LARGE)
    first_address = address(buffer)
    held = REFERENCES[name](buffer)
    del buffer
    gc.collect()
    assert free_buffers(pool) == 0
    assert address(pool.take(LARGE)) != first_address
    free_before = free_buffers(pool)
    del held
    assert free_buffers(pool) == free_before + 1


def test_of_many_slices_the_last_one_gives_the_memory_back() -> None:
    pool = BufferPool(MOST_KEPT)
    buffer = pool.take(LARGE)
    parts = [buffer[start : start + 1000] for start in range(0, LARGE, 1000)]
    del buffer
    while parts:
        assert free_buffers(pool) == 0
        parts.pop(len(parts) // 2)
    assert free_buffers(pool) == 1


def test_a_copy_does_not_hold_the_memory() -> None:
    pool = BufferPool(MOST_KEPT)
    buffer = pool.take(LARGE)
    buffer[:] = b"\x01" * LARGE
    copied = bytes(buffer)
    del buffer
    assert free_buffers(pool) == 1
    pool.take(LARGE)[:] = b"\x02" * LARGE
    assert copied == b"\x01" * LARGE


def test_buffers_of_one_size_class_share_memory_and_others_do_not() -> None:
    pool = BufferPool(MOST_KEPT)
    first_address = address(pool.take(LARGE))
    assert address(pool.take(2 * LEAST_BYTES)) == first_address  # up to the next power of two
    assert address(pool.take(LEAST_BYTES)) != first_address
    assert free_buffers(pool) == 2


def test_neither_small_nor_large_buffers_are_kept() -> None:
    pool = BufferPool(MOST_KEPT)
    for size in (0, 1, LEAST_BYTES - 1, MOST_BYTES + 1):
        pool.take(size)
    assert free_buffers(pool) == 0


def test_no_more_buffers_are_kept_than_stated() -> None:
    pool = BufferPool(MOST_KEPT)
    crowd = [pool.take(LARGE) for _ in range(MOST_KEPT + 5)]
    addresses = {address(buffer) for buffer in crowd}
    assert len(addresses) == MOST_KEPT + 5
    crowd.clear()
    assert free_buffers(pool) == MOST_KEPT
    again = [pool.take(LARGE) for _ in range(MOST_KEPT)]
    assert {address(buffer) for buffer in again} < addresses
    assert free_buffers(pool) == 0


def test_what_is_kept_is_so_many_of_each_size() -> None:
    pool = BufferPool(most_kept=3)
    for _ in range(2):
        crowd = [pool.take(size) for size in range(LEAST_BYTES, MOST_BYTES + 1, LEAST_BYTES) for _ in range(4)]
        crowd.clear()
    assert sum(len(storage) for free in pool.free.values() for storage in free) == 3 * BYTES_OF_EACH_SIZE


def test_a_pool_may_keep_nothing() -> None:
    pool = BufferPool(most_kept=0)
    pool.take(LARGE)
    assert free_buffers(pool) == 0


def test_threads_that_take_and_give_back_never_share_memory() -> None:
    pool = BufferPool(MOST_KEPT)
    threads, rounds = 3, 150
    together = Barrier(threads)

    def work(number: int) -> int:
        mark = bytes([number])
        together.wait(timeout=30)
        whole = 0
        for _ in range(rounds):
            first, second = pool.take(LARGE), pool.take(LARGE)
            for buffer in (first, second):
                buffer[::1024] = mark * len(buffer[::1024])
            whole += all(bytes(buffer[::1024]) == mark * len(buffer[::1024]) for buffer in (first, second))
        return whole

    with ThreadPoolExecutor(threads) as executor:
        assert list(executor.map(work, range(1, threads + 1))) == [rounds] * threads
    assert 0 < free_buffers(pool) <= 4 * threads  # each holds two while it takes the next two


def test_one_thread_may_give_back_what_another_took() -> None:
    pool = BufferPool(MOST_KEPT)
    with ThreadPoolExecutor(1) as executor:
        buffer = executor.submit(pool.take, LARGE).result()
        first_address = address(buffer)
        del buffer
        assert executor.submit(lambda: address(pool.take(LARGE))).result() == first_address
