"""How much is drawn for a client at once: little until it has shown that it takes it, and little while memory is short.

A client that takes nothing keeps what the sockets' buffers do not hold of one small piece.
"""

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from starlette.types import Send

from service.files.body.pieces import Buffer
from service.web.http.limits import Budget, Share

RESIZE_BUFFER = "fanin.resize_buffer"  # the extension of the ASGI scope that asks for a socket's buffer of a size
# More than the sockets' buffers take for a client that reads nothing.
SHOWN_BYTES = 2**20
# In which a client that keeps up takes a piece, which is of 4 MiB at most.
MOST_SECONDS = 1.0
# What is handed to the socket at once. No worker can take up its next piece while a part is being written.
SEND_BYTES = 2**20
# What the socket's buffer is asked to hold: Linux would let it grow to 4 MB for each client that has stopped reading.
SMALL_BUFFER_BYTES = 2**17
# For a client that keeps up. It holds a part whole, so that the loop's thread need not get a core for each bit of it.
LARGE_BUFFER_BYTES = 2**20
# Linux doubles what it is asked for, which is for what it keeps of its own beside the bytes.
COUNTED_BYTES = 2 * LARGE_BUFFER_BYTES


@dataclass(slots=True)
class Pace:
    """How fast one client takes its body."""

    memory: Budget
    resize: Callable[[int], None] | None = None  # asks for another size of the socket's buffer
    taken: int = 0  # bytes since it was last slow
    held: Buffer = b""
    large: Share | None = None  # memory of the socket's buffer while it is large

    def is_full(self) -> bool:
        """Whether the client gets pieces as large as is cheapest, some of them drawn ahead."""
        return self.taken >= SHOWN_BYTES and 2 * self.memory.taken <= self.memory.most

    async def deliver(self, buffer: Buffer, send: Send, *, is_last: bool = False) -> None:
        """Send a piece; return when the client has taken it, or has shown that it will soon."""
        began = monotonic()
        is_full = self.is_full() and not is_last
        self._resize(is_full=is_full)
        for start in range(0, len(buffer), SEND_BYTES):
            await _send_part(buffer[start : start + SEND_BYTES], send)
        # Of a body of unknown length the socket has copies: when the next part is written, they have left.
        self.held = buffer
        if not is_full:
            await _send_part(b"", send)  # which waits for what is before it
            self.large = None
        self.taken = self.taken + len(buffer) if monotonic() - began < MOST_SECONDS else 0

    def _resize(self, *, is_full: bool) -> None:
        """Make the socket's buffer large or small; it takes nothing more until what it has fits in a small one."""
        if self.resize is None:
            return
        if is_full and self.large is None:
            self.large = self.memory.take_now(COUNTED_BYTES, leaving=self.memory.most // 2)
            if self.large is not None:
                self.resize(LARGE_BUFFER_BYTES)
        elif not is_full and self.large is not None:
            self.resize(SMALL_BUFFER_BYTES)


async def _send_part(part: Buffer, send: Send) -> None:
    await send({"type": "http.response.body", "body": part, "more_body": True})
