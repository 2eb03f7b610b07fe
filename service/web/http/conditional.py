"""What a GET or HEAD request with conditions gets: RFC 9110, sections 13 and 14."""

import hashlib
import re
from dataclasses import dataclass
from http import HTTPMethod, HTTPStatus

from starlette.datastructures import Headers

from service.errors import ServiceError

CONDITIONS = frozenset({b"if-match", b"if-none-match", b"if-range", b"range"})
ENTITY_TAG = re.compile(r'(?:W/)?"[^"]*"')
WEAK = re.compile(r'W/(?=")')
SINGLE_RANGE = re.compile(r"bytes=[ \t]*(?:([0-9]+)-([0-9]*)|-([0-9]+))[ \t]*", re.IGNORECASE)
LONGEST_POSITION = 19  # digits; whatever is longer lies past every body


@dataclass(eq=False)
class PreconditionFailed(ServiceError):
    """If-Match names another body than this URL has."""

    etag: str


@dataclass(eq=False)
class RangeNotSatisfiable(ServiceError):
    """The range begins past the end of the body."""

    asked: str
    length: int


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes [start, stop) of a body."""

    start: int
    stop: int

    def content_range(self, length: int) -> str:
        """Return the header Content-Range of this part of a body of `length` bytes."""
        return f"bytes {self.start}-{self.stop - 1}/{length}"


def etag_of(url: str, revision: str, *, is_exact: bool) -> str:
    """Return the entity tag of a permanent URL, whose body may change with `revision` only.

    It is strong where the body is the same bytes everywhere, and weak where it repeats to rounding.
    """
    tag = f'"{hashlib.sha256(f"{url} {revision}".encode()).hexdigest()[:32]}"'
    return tag if is_exact else f"W/{tag}"


def select(method: str, headers: Headers, etag: str, length: int | None) -> tuple[HTTPStatus, Part | None]:
    """Return the status of the answer, and the part that is asked for, if it is not the whole.

    Without an etag there are no conditions, without a length no ranges. Raises PreconditionFailed
    and RangeNotSatisfiable.
    """
    if etag and is_unmodified(method, headers, etag):
        return HTTPStatus.NOT_MODIFIED, None
    part = part_of(method, headers, etag, length) if etag and length is not None else None
    return (HTTPStatus.PARTIAL_CONTENT if part else HTTPStatus.OK), part


def is_unmodified(method: str, headers: Headers, etag: str) -> bool:
    """Return whether the client has this body already; raise PreconditionFailed if it wants another one."""
    if method not in (HTTPMethod.GET, HTTPMethod.HEAD):
        return False
    # A weak tag is no match for If-Match: RFC 9110, section 13.1.1.
    strong = "" if etag.startswith("W/") else etag
    if "if-match" in headers and not _names(headers.getlist("if-match"), strong):
        raise PreconditionFailed(etag)
    # Here weak and strong tags compare alike: RFC 9110, section 13.1.2.
    tags = [WEAK.sub("", field) for field in headers.getlist("if-none-match")]
    return _names(tags, etag.removeprefix("W/"))


def part_of(method: str, headers: Headers, etag: str, length: int) -> Part | None:
    """Return the part of a body that is asked for, or None for the whole; raise RangeNotSatisfiable.

    As RFC 9110 allows, what is not a single range of bytes is ignored.
    """
    asked = SINGLE_RANGE.fullmatch(headers.get("range", ""))
    if method != HTTPMethod.GET or asked is None or headers.get("if-range", etag) != etag:
        return None
    first, last, suffix = asked.groups()
    if suffix is not None:
        start, stop = max(length - _position(suffix), 0), length
    else:
        start, stop = _position(first), min(_position(last) + 1, length) if last else length
        if last and _position(first) > _position(last):
            return None
    if start >= length:
        raise RangeNotSatisfiable(asked.string, length)
    return Part(start, stop)


def _names(fields: list[str], etag: str) -> bool:
    return any(field.strip() == "*" or etag in ENTITY_TAG.findall(field) for field in fields)


def _position(digits: str) -> int:
    return int(digits) if len(digits) <= LONGEST_POSITION else 10**LONGEST_POSITION
