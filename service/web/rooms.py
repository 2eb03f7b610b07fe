"""Memory that pieces are made in, used again when nothing refers to it any more."""

import weakref
from collections import deque
from dataclasses import dataclass, field

import numpy as np

# Less than this is not worth keeping; pieces of a large tensor are larger.
LEAST_BYTES = 2**18
# So many of each power of two are kept for the next pieces; what a crowd of clients took beyond them goes back to
# the system.
KEPT_ROOMS = 16


@dataclass(frozen=True, slots=True)
class Rooms:
    """Hands out memory to any thread.

    Fresh memory is fresh pages from the operating system, which take a third as long as drawing into them.
    """

    free: dict[int, deque[bytearray]] = field(default_factory=dict)

    def take(self, size: int) -> memoryview:
        """Return so many bytes, aligned for every dtype, with arbitrary content.

        They are taken back when the last reference to the memoryview and its slices is gone: a
        socket's queue may hold them for long.
        """
        if size < LEAST_BYTES:
            return memoryview(bytearray(size))
        power = (size - 1).bit_length()
        free = self.free.setdefault(power, deque(maxlen=KEPT_ROOMS))
        try:
            storage = free.pop()
        except IndexError:
            storage = bytearray(2**power)
        room = np.frombuffer(storage, np.uint8, size)
        # An append beyond maxlen drops another one.
        weakref.finalize(room, free.append, storage).atexit = False
        return room.data
