"""Log lines written by a thread of their own: whoever logs never waits for whoever reads."""

import logging
import os
import threading
import time
from queue import SimpleQueue

# Records that wait; a line has some 400 bytes.
MOST_WAITING = 10_000
# Lines of so long go out together, so that the thread takes the interpreter's lock seldom.
SECONDS_TOGETHER = 0.02


class LogWriter(logging.Handler):
    """Writes what its formatter returns, ends of lines included; drops lines, and counts them, when nobody reads."""

    def __init__(self, descriptor: int) -> None:
        """Begin to write."""
        super().__init__()
        self.lost = 0
        self._descriptor = descriptor
        self._records: SimpleQueue[logging.LogRecord | None] = SimpleQueue()
        # A daemon: nothing waits at the end for a write that blocks.
        self._thread = threading.Thread(target=self._write_all, name="log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Queue the record, or count it as lost."""
        if self._records.qsize() >= MOST_WAITING:
            self.lost += 1
        else:
            self._records.put(record)

    def close(self) -> None:
        """Write what waits, as far as it is taken within a second."""
        self._records.put(None)
        self._thread.join(1)
        super().close()

    def _write_all(self) -> None:
        is_open = True
        while is_open:
            records = [self._records.get()]
            time.sleep(SECONDS_TOGETHER)
            records += [self._records.get() for _ in range(self._records.qsize())]
            is_open = None not in records
            self._write(b"".join(self._line(record) for record in records if record is not None))

    def _line(self, record: logging.LogRecord) -> bytes:
        try:
            return self.format(record).encode()
        except Exception:  # noqa: BLE001 - one bad record must not end the log
            self.handleError(record)
            return b""

    def _write(self, lines: bytes) -> None:
        rest = memoryview(lines)
        while rest:
            try:
                rest = rest[os.write(self._descriptor, rest) :]
            except OSError:  # nobody will read it any more
                self.lost += lines.count(b"\n")
                return
