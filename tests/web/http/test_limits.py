"""Budgets: what fits is taken at once, what does not waits, and what nobody refers to goes back."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from service.errors import Busy, TooLarge
from service.web.http.limits import Budget, Patience, Share

PATIENT = Patience(seconds=30, most_waiting=8)
IMPATIENT = Patience(seconds=0, most_waiting=8)


def budget(most: int = 10, patience: Patience = PATIENT) -> Budget:
    return Budget("bytes of memory", most, "memory", patience)


def in_loop(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    return lambda: asyncio.run(asyncio.wait_for(test(), 20))


async def waiting(amount: int, of: Budget, *, begun: bool = False) -> asyncio.Task[Share]:
    """Return a task that has come to wait, if it has to."""
    task = asyncio.create_task(of.take(amount, begun=begun))
    await asyncio.sleep(0)
    return task


@in_loop
async def test_what_is_taken_is_missing_until_it_is_given_back() -> None:
    memory = budget()
    with await memory.take(7):
        assert memory.taken == 7
        assert memory.take_now(4) is None
    assert memory.taken == 0
    assert memory.take_now(10) is not None


@in_loop
async def test_what_nobody_refers_to_goes_back() -> None:
    memory = budget()
    await memory.take(7)
    assert memory.taken == 0


@in_loop
async def test_giving_back_twice_counts_once() -> None:
    memory = budget()
    share = await memory.take(7)
    share.give_back()
    share.give_back()
    assert memory.taken == 0


@in_loop
async def test_what_could_never_fit_is_too_large_with_the_setting() -> None:
    with pytest.raises(TooLarge) as refused:
        await budget().take(11)
    assert (refused.value.asked, refused.value.allowed, refused.value.setting) == (11, 10, "memory")


@in_loop
async def test_what_waits_too_long_is_refused_with_the_setting() -> None:
    memory = budget(patience=IMPATIENT)
    with await memory.take(7):
        with pytest.raises(Busy) as refused:
            await memory.take(4)
        assert (refused.value.what, refused.value.allowed, refused.value.setting) == ("bytes of memory", 10, "memory")
    with await memory.take(10):
        pass


@in_loop
async def test_only_so_many_wait_but_what_has_begun_always_may() -> None:
    memory = budget(patience=Patience(30, 1))
    share = await memory.take(10)
    first = await waiting(10, memory)
    with pytest.raises(Busy):
        await memory.take(1)
    begun = await waiting(10, memory, begun=True)
    share.give_back()
    (await first).give_back()
    (await begun).give_back()


@in_loop
async def test_those_who_wait_come_in_their_order_and_a_large_one_stops_no_small_one() -> None:
    memory = budget()
    share = await memory.take(8)
    large, small, later = [await waiting(amount, memory) for amount in (10, 2, 2)]
    assert (large.done(), small.done(), later.done()) == (False, True, False)
    (await small).give_back()
    small_share = await later
    share.give_back()
    await asyncio.sleep(0)
    assert not large.done()
    small_share.give_back()
    (await large).give_back()


@in_loop
async def test_what_is_taken_on_the_side_leaves_as_much_as_is_said() -> None:
    memory = budget()
    assert memory.take_now(6, leaving=5) is None
    with memory.take_now(5, leaving=5) or await memory.take(10):
        assert memory.taken == 5


@in_loop
async def test_nothing_is_taken_ahead_of_those_who_wait() -> None:
    memory = budget()
    with await memory.take(8):
        large = await waiting(10, memory)
        assert memory.take_now(1) is None
    (await large).give_back()


@in_loop
async def test_who_stops_waiting_takes_nothing() -> None:
    memory = budget()
    with await memory.take(8):
        (await waiting(10, memory)).cancel()
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert memory.taken == 0


@in_loop
async def test_who_is_stopped_when_served_gives_it_back() -> None:
    memory = budget()
    share = await memory.take(8)
    large = await waiting(10, memory)
    share.give_back()
    await asyncio.sleep(0)
    large.cancel()
    with pytest.raises(asyncio.CancelledError):
        await large
    del large
    assert memory.take_now(10) is not None


@in_loop
async def test_any_thread_may_give_back() -> None:
    memory = budget()
    share = await memory.take(10)
    next_one = await waiting(10, memory)
    threading.Thread(target=share.give_back).start()
    (await next_one).give_back()
