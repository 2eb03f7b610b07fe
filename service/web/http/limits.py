"""How much may be under way at once: memory and slots, taken before work begins and given back after it."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from service.errors import Busy, TooLarge


@dataclass(frozen=True, slots=True)
class Patience:
    """How long, and how many, may wait for what is taken at the moment."""

    seconds: float
    most_waiting: int


class Share:
    """What has been taken of a budget. It goes back when nothing refers to it any more, or is given back before."""

    __slots__ = ("_amount", "_give_back")

    def __init__(self, amount: int, give_back: Callable[[int], None]) -> None:
        """Hold `amount`."""
        self._amount = amount
        self._give_back = give_back

    def give_back(self) -> None:
        """Give back what is still held; any thread may."""
        self.keep(0)

    def keep(self, amount: int) -> None:
        """Give back all but so much; any thread may."""
        before, self._amount = self._amount, min(amount, self._amount)
        if before > self._amount:
            self._give_back(before - self._amount)

    def __del__(self) -> None:
        """Give back what is still held."""
        self.give_back()

    def __enter__(self) -> Self:
        """Hold the share for the length of a block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Give back what is still held."""
        self.give_back()


class Budget:
    """So much of one thing, of which work takes what it needs before it begins; what does not fit waits.

    Those who wait are served in their order, but a large one does not stop smaller ones behind it that fit.
    All but giving back is for the event loop's thread.
    """

    def __init__(self, what: str, most: int, setting: str, patience: Patience) -> None:
        """Have `most`, the value of `setting`; `what` names it, such as "diagnoses"."""
        self._what = what
        self._setting = setting
        self._patience = patience
        self._returned: deque[int] = deque()  # filled by any thread
        self._waiting: dict[asyncio.Future[Share], int] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self.most = most
        self._free = most

    @property
    def taken(self) -> int:
        """How much is in use."""
        return self.most - self._free - sum(tuple(self._returned))

    def check(self, amount: int, advice: str = "") -> None:
        """Raise TooLarge if so much could never be taken."""
        if amount > self.most:
            raise TooLarge(self._what, amount, self.most, self._setting, advice)

    def take_now(self, amount: int = 1, leaving: int = 0) -> Share | None:
        """Take so much; return None if that would leave less than `leaving`, or if others wait."""
        self._settle()
        if self._waiting or amount > self._free - leaving:
            return None
        return self._share(amount)

    async def take(self, amount: int = 1, *, begun: bool = False) -> Share:
        """Take so much, and wait for it if need be; raise TooLarge if it never fits, Busy if that takes too long.

        What has begun cannot be refused any more: it waits as long as it must.
        """
        self.check(amount)
        self._settle()
        if amount <= self._free:
            return self._share(amount)
        if not begun and len(self._waiting) >= self._patience.most_waiting:
            raise self._busy()
        return await self._wait(amount, None if begun else self._patience.seconds)

    async def _wait(self, amount: int, seconds: float | None) -> Share:
        self._loop = asyncio.get_running_loop()
        future: asyncio.Future[Share] = self._loop.create_future()
        self._waiting[future] = amount
        self._settle()  # what another thread has given back before it could see that somebody waits
        try:
            async with asyncio.timeout(seconds):
                return await future
        except BaseException as error:
            if future.done() and not future.cancelled():  # served in the same moment
                future.result().give_back()
            if isinstance(error, TimeoutError):
                raise self._busy() from None
            raise
        finally:
            self._waiting.pop(future, None)

    def _busy(self) -> Busy:
        return Busy(self._what, self.most, self._setting)

    def _share(self, amount: int) -> Share:
        self._free -= amount
        return Share(amount, self._give_back)

    def _give_back(self, amount: int) -> None:
        self._returned.append(amount)
        if self._waiting and self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._settle)

    def _settle(self) -> None:
        """Count what has come back, and serve those who wait."""
        while self._returned:
            self._free += self._returned.popleft()
        if not self._waiting:
            return
        for future, amount in list(self._waiting.items()):
            if amount <= self._free and not future.done():
                del self._waiting[future]
                future.set_result(self._share(amount))
