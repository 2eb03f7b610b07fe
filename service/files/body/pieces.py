"""Bodies cut into pieces that worker threads can make independently of each other."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

Buffer = bytes | memoryview

# What is held for a client that takes nothing: ten thousand of them fit in three quarters of 2 GB.
SMALL_BYTES = 2**17


@dataclass(frozen=True, slots=True)
class Piece:
    """Consecutive bytes of a body, still to be made; safe to make in any thread."""

    make: Callable[[memoryview], Buffer]  # given `buffer_bytes` bytes of aligned memory, in which the result may lie
    buffer_bytes: int
    elements: int  # values drawn by making it
    after_all_before: bool = False  # whether all earlier pieces must have been made
    work_bytes: int = 0  # of memory that making it takes beside the buffer, at most
    is_shared: bool = False  # whether it has no bytes, and makes what later pieces share


def panel_piece(draw: Callable[[], object], memory: int) -> Piece:
    """Return a piece without bytes, made by drawing what later pieces share, which takes so many bytes of memory."""

    def make(_: memoryview) -> bytes:
        draw()
        return b""

    return Piece(make, 0, 0, work_bytes=memory, is_shared=True)


def always() -> bool:
    """Tell that a client is to get pieces as large as is cheapest."""
    return True


class Body(Protocol):
    """The bytes of one response."""

    @property
    def length(self) -> int | None:
        """Number of bytes, or None where only making them would tell."""

    @property
    def drawing_bytes(self) -> int:
        """Memory that drawing takes beside the pieces, at most."""

    def pieces(self, is_full: Callable[[], bool] = always) -> Iterator[bytes | Piece]:
        """Return the body from beginning to end: bytes where they are known, else pieces to be made.

        They are as large as is cheapest, and of about SMALL_BYTES while `is_full` says no, which is asked before each.
        What is drawn together has the same pieces for every client.
        """
