"""Who may ask: those who send a key as a bearer token (RFC 6750), of which a file holds the SHA-256."""

import hashlib
import hmac
import logging
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.web.http.problems import Unauthorized, response_to

# A digest, and a name for the log.
LINE = re.compile(r"(?P<digest>[0-9a-fA-F]{64})(?:[ \t]+(?P<name>\S.*))?")
BEARER = re.compile(r"bearer +([^ ,]+) *", re.IGNORECASE)
SECONDS_BETWEEN_LOOKS = 1.0
MOST_BYTES = 2**20
log = logging.getLogger("fanin")


class BadKeys(ValueError):
    """A file of keys that cannot be used."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key that is known."""

    digest: bytes  # SHA-256 of what clients send
    name: str  # for the log; empty where the file has none


def read_keys(path: Path) -> tuple[Key, ...]:
    """Return the keys in a file; raise BadKeys, which says where the fault is and shows nothing of a key."""
    try:
        if not path.is_file():
            raise BadKeys("is not a file")
        if path.stat().st_size > MOST_BYTES:
            raise BadKeys(f"has more than {MOST_BYTES} bytes")
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise BadKeys(f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise BadKeys("is not text in UTF-8") from None
    keys = []
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        match = LINE.fullmatch(text)
        if match is None:
            raise BadKeys(f"line {number} is not the SHA-256 of a key in hexadecimal, with a name after it or none")
        keys.append(Key(bytes.fromhex(match["digest"]), match["name"] or ""))
    return tuple(keys)


class KeyFile:
    """The keys in a file, read again when it has changed; one that cannot be read any more leaves them as they were."""

    def __init__(self, path: Path) -> None:
        """Read the file; raise BadKeys if it cannot be used."""
        self._path = path
        self._stamp = _stamp(path)
        self._keys = read_keys(path)
        self._next_look = time.monotonic() + SECONDS_BETWEEN_LOOKS

    def find(self, token: bytes) -> Key | None:
        """Return the key that a client has sent, or None, after a time that does not tell how much of it is right."""
        self._look()
        digest = hashlib.sha256(token).digest()
        found = None
        for key in self._keys:
            if hmac.compare_digest(key.digest, digest):
                found = key
        return found

    def _look(self) -> None:
        if time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + SECONDS_BETWEEN_LOOKS
        stamp = _stamp(self._path)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._keys = read_keys(self._path)
        except BadKeys as error:
            log.error("keys not read again", extra={"fields": {"file": str(self._path), "reason": str(error)}})  # noqa: TRY400 - the reason is all there is to say
        else:
            log.info("keys read again", extra={"fields": {"file": str(self._path), "keys": len(self._keys)}})


class Admitting:
    """ASGI middleware: passes on requests to open paths, and those that bring a key, whose answers are theirs alone."""

    def __init__(self, app: ASGIApp, keys: KeyFile, is_open: Callable[[str], bool]) -> None:
        """Wrap `app`."""
        self._app = app
        self._keys = keys
        self._is_open = is_open

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer with 401."""
        if scope["type"] != "http" or self._is_open(scope["path"]):
            await self._app(scope, receive, send)
            return
        token = _token(scope)
        key = self._keys.find(token) if token is not None else None
        if key is None:
            await response_to(Unauthorized(has_key=token is not None))(scope, receive, send)
            return
        scope["key"] = key.name  # for the log

        async def send_privately(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=list(message["headers"]))
                # Else caches on the way would give it to those without a key.
                if "cache-control" in headers:
                    headers["cache-control"] = headers["cache-control"].replace("public", "private")
                message = {**message, "headers": headers.raw}
            await send(message)

        await self._app(scope, receive, send_privately)


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def _token(scope: Scope) -> bytes | None:
    """Return what a client sends as its key; None if it sends none, or more than one."""
    sent = Headers(scope=scope).getlist("authorization")
    match = BEARER.fullmatch(sent[0]) if len(sent) == 1 else None
    return match[1].encode("latin-1") if match else None
