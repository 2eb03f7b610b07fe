"""Clients that ask all the time, and those that come, misbehave and go."""

import hashlib
import random
import socket
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from threading import Event, Lock, Thread

from harness.running import HOST, Service
from soak.requests import Request, mixed

SECONDS_TO_ANSWER = 60.0  # whoever waits longer has met a hang
RUDE_SHARE = 0.02
REQUESTS_OF_A_CONNECTION = 200  # on average
MOST_SILENT = 20  # connections that each client keeps open and says nothing on
MOST_TRIES = 5
MOST_SHOWN = 10


@dataclass(slots=True)
class Tally:
    """What all clients got."""

    statuses: Counter[int] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    complaints: list[str] = field(default_factory=list)
    digests: dict[str, bytes] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    @property
    def requests(self) -> int:
        """Requests that were answered."""
        return self.statuses.total()

    def answered(self, request: Request, status: int, body: bytes) -> None:
        """Count an answer; complain of a fault, and of bytes that are not those of the last time."""
        digest = hashlib.sha256(body).digest() if request.is_permanent and status == 200 else b""
        with self.lock:
            self.statuses[status] += 1
            if digest and self.digests.setdefault(request.target, digest) != digest:
                self._complain("wrong", request, "other bytes than before")
            if status >= 500 and status != 503:
                self._complain("faults", request, f"{status} {body[:200]!r}")

    def failed(self, kind: str, request: Request, error: Exception) -> None:
        """Count a request that got no answer."""
        with self.lock:
            self._complain(kind, request, repr(error))

    def count(self, kind: str) -> None:
        """Count something that is nobody's fault."""
        with self.lock:
            self.counts[kind] += 1

    def _complain(self, kind: str, request: Request, what: str) -> None:
        self.counts[kind] += 1
        if len(self.complaints) < MOST_SHOWN:
            self.complaints.append(f"{kind}: {request.method} {request.target[:200]}: {what}")


class Client(Thread):
    """One that asks until the end, over connections that it keeps for a while."""

    def __init__(
        self, number: int, choose: Callable[[random.Random], Service], tally: Tally, end: Event, pause: float = 0.0
    ) -> None:
        """Ask nothing yet; later, wait `pause` seconds after each answer."""
        super().__init__(daemon=True)
        self._chance = random.Random(number)
        self._requests = mixed(number)
        self._choose = choose
        self._tally = tally
        self._end = end
        self._pause = pause
        self._connections: dict[int, HTTPConnection] = {}
        self._silent: deque[socket.socket] = deque()

    def run(self) -> None:
        """Ask until the end."""
        while not self._end.wait(self._pause):
            if self._chance.random() < RUDE_SHARE:
                self._be_rude(next(self._requests))
            else:
                self._ask(next(self._requests))
        for connection in self._connections.values():
            connection.close()
        for silent in self._silent:
            silent.close()

    def _ask(self, request: Request) -> None:
        """Ask one replica, and another one if it does not answer, as a proxy does."""
        for _ in range(MOST_TRIES):
            service = self._choose(self._chance)
            try:
                status, body = self._answer(service, request)
            except TimeoutError as error:
                self._tally.failed("hangs", request, error)
                return
            except (OSError, HTTPException) as error:
                # A replica that lives may close a connection that nobody has used for a while; a new one is kept.
                self._tally.count("retries")
                failure = error
            else:
                self._tally.answered(request, status, body)
                return
        self._tally.failed("unanswered", request, failure)

    def _answer(self, service: Service, request: Request) -> tuple[int, bytes]:
        port = service.port
        connection = self._connections.pop(port, None) or HTTPConnection(HOST, port, timeout=SECONDS_TO_ANSWER)
        try:
            connection.request(request.method, request.target, request.body or None, request.headers)
            answer = connection.getresponse()
            status, body = answer.status, answer.read()
        except BaseException:
            connection.close()
            raise
        if self._chance.random() * REQUESTS_OF_A_CONNECTION < 1:
            connection.close()
        else:
            self._connections[port] = connection
        return status, body

    def _be_rude(self, request: Request) -> None:
        """Begin something, and leave it; the service must not mind."""
        head = f"{request.method} {request.target} HTTP/1.1\r\nHost: service\r\n"
        begun = self._chance.choice(
            (
                "",
                head[: self._chance.randrange(len(head))],
                f"{head}\r\n",
                f"{head}Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{{",
                "\x00\x01\x02 no HTTP at all\r\n\r\n",
            )
        )
        with suppress(OSError):
            service = self._choose(self._chance)
            connection = socket.create_connection((HOST, service.port), timeout=SECONDS_TO_ANSWER)
            connection.sendall(begun.encode("latin-1", "replace"))
            self._silent.append(connection)
            self._tally.count("left")
        if len(self._silent) > MOST_SILENT:
            self._silent.popleft().close()
