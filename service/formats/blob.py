"""A body of known length that can be read from any byte on: header bytes, then undrawn blocks."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Self

from service.formats.pieces import Buffer, Piece, block_bytes
from service.numerics.dtypes import DTYPES
from service.tensor import Block

# Small parts are made together up to this size, so that a network of many small tensors
# does not cost a hand-over between threads for each of them.
GROUP_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class _Segment:
    """Bytes [start, stop) of one part."""

    part: bytes | Block
    start: int
    stop: int

    def make(self) -> Buffer:
        if isinstance(self.part, bytes):
            return self.part[self.start : self.stop]
        return block_bytes(self.part, self.start, self.stop)

    @property
    def elements(self) -> int:
        if isinstance(self.part, bytes):
            return 0
        size = DTYPES[self.part.tensor.dtype].size
        return -(-self.stop // size) - self.start // size


@dataclass(frozen=True)
class Blob:
    """Bytes [start, stop) of parts laid end to end."""

    parts: tuple[bytes | Block, ...]
    start: int
    stop: int

    @classmethod
    def of(cls, *parts: bytes | Block) -> Self:
        """Return all the bytes of these parts."""
        return cls(parts, 0, sum(map(_size, parts)))

    @property
    def length(self) -> int:
        """Number of bytes."""
        return self.stop - self.start

    def cut(self, start: int, stop: int) -> "Blob":
        """Return bytes [start, stop) of this blob; the rest is never drawn."""
        return Blob(self.parts, self.start + start, self.start + stop)

    def pieces(self) -> Iterator[bytes | Piece]:
        """Return the bytes from beginning to end, cut where it is cheapest to draw them apart."""
        group: list[_Segment] = []
        grouped = 0
        for segment in self._segments():
            size = segment.stop - segment.start
            if group and grouped + size > GROUP_BYTES:
                yield _piece(group)
                group, grouped = [], 0
            group.append(segment)
            grouped += size
        if group:
            yield _piece(group)

    def _segments(self) -> Iterator[_Segment]:
        offset = 0
        for part in self.parts:
            size = _size(part)
            first, end = max(self.start - offset, 0), min(self.stop - offset, size)
            if first < end:
                if isinstance(part, bytes):
                    yield _Segment(part, first, end)
                else:
                    yield from _segments_of_block(part, first, end)
            offset += size


def _size(part: bytes | Block) -> int:
    return len(part) if isinstance(part, bytes) else part.byte_count


def _segments_of_block(block: Block, start: int, stop: int) -> Iterator[_Segment]:
    size = DTYPES[block.tensor.dtype].size
    for first, end in block.units(start // size, -(-stop // size)):
        yield _Segment(block, max(start, first * size), min(stop, end * size))


def _piece(group: list[_Segment]) -> Piece:
    return Piece(partial(_join, tuple(group)), sum(segment.elements for segment in group))


def _join(group: tuple[_Segment, ...]) -> Buffer:
    if len(group) == 1:
        return group[0].make()
    return b"".join(segment.make() for segment in group)
