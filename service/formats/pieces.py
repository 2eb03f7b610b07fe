"""Bodies cut into pieces that worker threads can make independently of each other."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

Buffer = bytes | memoryview


@dataclass(frozen=True, slots=True)
class Piece:
    """Consecutive bytes of a body, still to be made; safe to make in any thread."""

    make: Callable[[memoryview], Buffer]  # given `room` bytes of aligned memory, in which the result may lie
    room: int
    elements: int  # values drawn by making it
    after_all_before: bool = False  # whether all earlier pieces must have been made


class Body(Protocol):
    """The bytes of one response."""

    @property
    def length(self) -> int | None:
        """Number of bytes, or None where only making them would tell."""

    def pieces(self) -> Iterator[bytes | Piece]:
        """Return the body from beginning to end: bytes where they are known, else pieces to be made."""
