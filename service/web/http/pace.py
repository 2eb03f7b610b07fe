"""How much is drawn for a client at once: little until it has shown that it takes it, and little while memory is short.

A client that takes nothing keeps what the sockets' buffers do not hold of one small piece.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from time import monotonic

from starlette.types import Send

from service.files.body.pieces import Body, Buffer, Divisible, Piece
from service.web.http.limits import Budget

# Ten thousand of them fit in three quarters of 2 GB.
SMALL_BYTES = 2**17
# More than the sockets' buffers take for a client that reads nothing.
SHOWN_BYTES = 2**20
# In which a client that keeps up takes a piece, which is of 4 MiB at most.
MOST_SECONDS = 1.0
# What is handed to the socket at once. No worker can take up its next piece while a part is being written.
SEND_BYTES = 2**19


@dataclass(slots=True)
class Pace:
    """How fast one client takes its body."""

    memory: Budget
    taken: int = 0  # bytes since it was last slow
    held: Buffer = b""

    @property
    def is_full(self) -> bool:
        """Whether the client gets pieces as large as is cheapest, some of them drawn ahead."""
        return self.taken >= SHOWN_BYTES and 2 * self.memory.taken <= self.memory.most

    def pieces(self, body: Body) -> Iterator[bytes | Piece]:
        """Return a body from beginning to end, in small pieces until the client gets large ones, and then again.

        What must be made from its beginning on, or is drawn together, has the same pieces for every client.
        """
        length = body.length
        if length is None or not isinstance(body, Divisible) or body.drawing_bytes:
            yield from body.pieces()
            return
        start = 0
        while start < length:
            is_full = self.is_full
            stop = length if is_full else min(start + SMALL_BYTES, length)
            for piece in body.cut(start, stop).pieces():
                start += len(piece) if isinstance(piece, bytes) else piece.buffer_bytes
                yield piece
                if self.is_full is not is_full:
                    break

    async def deliver(self, buffer: Buffer, send: Send) -> None:
        """Send a piece; return when the client has taken it, or has shown that it will soon."""
        began = monotonic()
        for start in range(0, len(buffer), SEND_BYTES):
            await _send_part(buffer[start : start + SEND_BYTES], send)
        # Of a body of unknown length the socket has copies: when the next part is written, they have left.
        self.held = buffer
        if not self.is_full:
            await _send_part(b"", send)  # which waits for what is before it
        self.taken = self.taken + len(buffer) if monotonic() - began < MOST_SECONDS else 0


async def _send_part(part: Buffer, send: Send) -> None:
    await send({"type": "http.response.body", "body": part, "more_body": True})
