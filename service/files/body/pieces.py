"""Bodies cut into pieces that worker threads can make independently of each other."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

Buffer = bytes | memoryview


@dataclass(frozen=True, slots=True)
class Piece:
    """Consecutive bytes of a body, still to be made; safe to make in any thread."""

    make: Callable[[memoryview], Buffer]  # given `buffer_bytes` bytes of aligned memory, in which the result may lie
    buffer_bytes: int
    elements: int  # values drawn by making it
    after_all_before: bool = False  # whether all earlier pieces must have been made
    work_bytes: int = 0  # of memory that making it takes beside the buffer, at most


def panel_piece(draw: Callable[[], object], memory: int) -> Piece:
    """Return a piece without bytes, made by drawing what later pieces share, which takes so many bytes of memory."""

    def make(_: memoryview) -> bytes:
        draw()
        return b""

    return Piece(make, 0, 0, work_bytes=memory)


class Body(Protocol):
    """The bytes of one response."""

    @property
    def length(self) -> int | None:
        """Number of bytes, or None where only making them would tell."""

    @property
    def drawing_bytes(self) -> int:
        """Memory that drawing takes beside the pieces, at most."""

    def pieces(self) -> Iterator[bytes | Piece]:
        """Return the body from beginning to end: bytes where they are known, else pieces to be made."""


@runtime_checkable
class Divisible(Protocol):
    """A body any bytes of which can be made without the others."""

    def cut(self, start: int, stop: int) -> Body:
        """Return bytes [start, stop) alone."""
