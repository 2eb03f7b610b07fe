"""Bodies cut into pieces that worker threads can make independently of each other."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from service.numerics.dtypes import DTYPES
from service.tensor import Block

Buffer = bytes | memoryview


@dataclass(frozen=True, slots=True)
class Piece:
    """Consecutive bytes of a body, still to be made; safe to make in any thread."""

    make: Callable[[], Buffer]
    elements: int  # values drawn by making it
    after_all_before: bool = False  # whether all earlier pieces must have been made


class Body(Protocol):
    """The bytes of one response."""

    @property
    def length(self) -> int | None:
        """Number of bytes, or None where only making them would tell."""

    def pieces(self) -> Iterator[bytes | Piece]:
        """Return the body from beginning to end: bytes where they are known, else pieces to be made."""


def block_bytes(block: Block, start: int, stop: int) -> memoryview:
    """Draw bytes [start, stop) of a block's values."""
    size = DTYPES[block.tensor.dtype].size
    first = start // size
    values = block.read(first, -(-stop // size))
    # By way of bytes, since buffers have no type for bfloat16.
    return values.view("u1").data[start - first * size : stop - first * size]
