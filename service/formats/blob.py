"""A body of known length that can be read from any byte on: header bytes, then undrawn blocks."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Self

import numpy as np

from service.formats.pieces import Buffer, Piece
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

    @property
    def size(self) -> int:
        return self.stop - self.start

    def write(self, room: memoryview, offset: int) -> None:
        """Write the bytes to room[offset : offset + size]."""
        if isinstance(self.part, bytes):
            room[offset : offset + self.size] = self.part[self.start : self.stop]
            return
        kind = DTYPES[self.part.tensor.dtype]
        first, end = self.start // kind.size, -(-self.stop // kind.size)
        if (end - first) * kind.size == self.size and offset % kind.size == 0:
            self.part.fill(np.frombuffer(room, kind.numpy, end - first, offset), first)
        else:  # an element is cut, or would not be aligned
            drawn = self.part.read(first, end).view(np.uint8).data
            room[offset : offset + self.size] = drawn[self.start - first * kind.size :][: self.size]

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
            if group and grouped + segment.size > GROUP_BYTES:
                yield _piece(group)
                group, grouped = [], 0
            group.append(segment)
            grouped += segment.size
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
    size = sum(segment.size for segment in group)
    return Piece(partial(_write, tuple(group)), size, sum(segment.elements for segment in group))


def _write(group: tuple[_Segment, ...], room: memoryview) -> Buffer:
    offset = 0
    for segment in group:
        segment.write(room, offset)
        offset += segment.size
    return room
