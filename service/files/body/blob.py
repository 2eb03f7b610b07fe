"""A body of known length that can be read from any byte on: header bytes, then undrawn values."""

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import accumulate
from typing import Self

import numpy as np

from service.files.body.pieces import SMALL_BYTES, Buffer, Piece, always, panel_piece
from service.numerics.dtypes import DTYPES
from service.tensors.padded import PaddedBox
from service.tensors.tensor import TensorBox

Part = bytes | TensorBox | PaddedBox

# Small parts are made together up to this size, so that a network of many small tensors
# does not cost a hand-over between threads for each of them.
GROUP_BYTES = 2**20
# And of so many parts, so that a piece of tiny tensors is put together in a moment.
GROUP_SEGMENTS = 256


@dataclass(frozen=True, slots=True)
class _Segment:
    """Bytes [start, stop) of one part."""

    part: Part
    start: int
    stop: int
    panels: tuple[Callable[[], object], ...] = ()  # to be called before this segment and those behind it are written
    memory: int = 0  # bytes that writing takes beside the buffer, or each of the panels

    @property
    def size(self) -> int:
        return self.stop - self.start

    def write(self, buffer: memoryview, offset: int) -> None:
        """Write the bytes to buffer[offset : offset + size]."""
        if isinstance(self.part, bytes):
            buffer[offset : offset + self.size] = self.part[self.start : self.stop]
            return
        kind = DTYPES[self.part.tensor.dtype]
        first, end = self.start // kind.size, -(-self.stop // kind.size)
        if (end - first) * kind.size == self.size and offset % kind.size == 0:
            self.part.fill(np.frombuffer(buffer, kind.numpy, end - first, offset), first)
        else:  # an element is cut, or would not be aligned
            drawn = self.part.read(first, end).view(np.uint8).data
            buffer[offset : offset + self.size] = drawn[self.start - first * kind.size :][: self.size]

    @property
    def elements(self) -> int:
        if isinstance(self.part, bytes):
            return 0
        size = DTYPES[self.part.tensor.dtype].size
        return -(-self.stop // size) - self.start // size


@dataclass(frozen=True)
class Blob:
    """Bytes [start, stop) of parts laid end to end."""

    parts: tuple[Part, ...]
    ends: tuple[int, ...]  # bytes up to the end of each part
    start: int
    stop: int

    @classmethod
    def of(cls, *parts: Part) -> Self:
        """Return all the bytes of these parts."""
        ends = tuple(accumulate(map(_size, parts)))
        return cls(parts, ends, 0, ends[-1] if ends else 0)

    @property
    def length(self) -> int:
        """Number of bytes."""
        return self.stop - self.start

    @cached_property
    def drawing_bytes(self) -> int:
        """Memory that drawing takes beside the pieces, at most."""
        return max((part.drawing_bytes for part, _, _ in self._touched() if not isinstance(part, bytes)), default=0)

    def cut(self, start: int, stop: int) -> "Blob":
        """Return bytes [start, stop) of this blob; the rest is never drawn."""
        return Blob(self.parts, self.ends, self.start + start, self.start + stop)

    def pieces(self, is_full: Callable[[], bool] = always) -> Iterator[bytes | Piece]:
        """Return the bytes from beginning to end, cut where it is cheapest to draw them apart."""
        if self.drawing_bytes:
            yield from self._pieces()
            return
        done = 0
        while done < self.length:
            has_all = is_full()
            rest = self.cut(done, self.length if has_all else min(done + SMALL_BYTES, self.length))
            for piece in rest._pieces():  # noqa: SLF001 - of another Blob
                done += len(piece) if isinstance(piece, bytes) else piece.buffer_bytes
                yield piece
                if is_full() is not has_all:
                    break

    def _pieces(self) -> Iterator[bytes | Piece]:
        group: list[_Segment] = []
        grouped = 0
        for segment in self._segments():
            is_full = grouped + segment.size > GROUP_BYTES or len(group) == GROUP_SEGMENTS
            if group and (segment.panels or is_full):
                yield _piece(group)
                group, grouped = [], 0
            yield from (panel_piece(panel, segment.memory) for panel in segment.panels)
            group.append(segment)
            grouped += segment.size
        if group:
            yield _piece(group)

    @property
    def elements(self) -> int:
        """Number of values of which it has something."""
        return sum(segment.elements for segment in self._segments())

    def write(self, buffer: memoryview, offset: int) -> None:
        """Write the bytes to buffer[offset : offset + length]; only for what is not drawn together."""
        _write(tuple(self._segments()), buffer, offset)

    def _segments(self) -> Iterator[_Segment]:
        for part, first, end in self._touched():
            if isinstance(part, bytes):
                yield _Segment(part, first, end)
            else:
                yield from _segments_of_box(part, first, end)

    def _touched(self) -> Iterator[tuple[Part, int, int]]:
        """Return the parts that this blob has something of, and which bytes of them."""
        if self.start == self.stop:
            return
        number = bisect_right(self.ends, self.start)
        offset = self.ends[number - 1] if number else 0
        while offset < self.stop:
            end = self.ends[number]
            yield self.parts[number], max(self.start, offset) - offset, min(self.stop, end) - offset
            number, offset = number + 1, end


def _size(part: Part) -> int:
    return len(part) if isinstance(part, bytes) else part.byte_count


def _segments_of_box(box: TensorBox | PaddedBox, start: int, stop: int) -> Iterator[_Segment]:
    size = DTYPES[box.tensor.dtype].size
    for first, end, panels, memory in box.units(start // size, -(-stop // size)):
        yield _Segment(box, max(start, first * size), min(stop, end * size), panels, memory)


def _piece(group: list[_Segment]) -> Piece:
    size = sum(segment.size for segment in group)
    elements = sum(segment.elements for segment in group)
    memory = max(segment.memory for segment in group)
    return Piece(
        partial(_written, tuple(group)), size, elements, after_all_before=bool(group[0].panels), work_bytes=memory
    )


def _written(group: tuple[_Segment, ...], buffer: memoryview) -> Buffer:
    _write(group, buffer, 0)
    return buffer


def _write(group: tuple[_Segment, ...], buffer: memoryview, offset: int) -> None:
    for segment in group:
        segment.write(buffer, offset)
        offset += segment.size
