"""A pool of buffers, which pieces of bodies are made in."""

import weakref
from collections import deque
from dataclasses import dataclass, field

import numpy as np

from service.files.body.pieces import Buffer
from service.web.http.limits import Share

# Less than this is not worth keeping; pieces of a large tensor are larger. More is not asked for often.
LEAST_BYTES = 2**18
MOST_BYTES = 2**22
# One buffer of each power of two.
BYTES_OF_EACH_SIZE = 2 * MOST_BYTES - LEAST_BYTES


def footprint(size: int) -> int:
    """Return the bytes of memory that a buffer of so many bytes takes."""
    return 2 ** (size - 1).bit_length() if LEAST_BYTES <= size <= MOST_BYTES else size


def counted(buffer: Buffer, share: Share) -> Buffer:
    """Return the buffer, with which the share of memory goes back once nothing refers to it any more."""
    if not buffer:
        return buffer
    array = np.frombuffer(buffer, np.uint8)
    weakref.finalize(array, share.give_back).atexit = False
    return array.data


@dataclass(frozen=True, slots=True)
class BufferPool:
    """Hands out memory to any thread, and takes it back when nothing refers to it any more.

    Fresh memory is fresh pages from the operating system, which take a third as long as drawing into them. So many of
    each power of two are kept for the next pieces; what a crowd of clients took beyond them goes back to the system.
    """

    most_kept: int
    free: dict[int, deque[bytearray]] = field(default_factory=dict)  # by their size, a power of two

    def take(self, size: int) -> memoryview:
        """Return so many bytes, aligned for every dtype, with arbitrary content.

        They are taken back when the last reference to the memoryview and its slices is gone: a
        socket's queue may hold them for long.
        """
        if not LEAST_BYTES <= size <= MOST_BYTES:
            return memoryview(bytearray(size))
        whole = footprint(size)
        free = self.free.setdefault(whole, deque(maxlen=self.most_kept))
        try:
            storage = free.pop()
        except IndexError:
            storage = bytearray(whole)
        buffer = np.frombuffer(storage, np.uint8, size)
        # An append beyond maxlen drops another one.
        weakref.finalize(buffer, free.append, storage).atexit = False
        return buffer.data
