"""What can go wrong, as facts. Knows no HTTP: `service.web.http.problems` chooses status and wording."""

import json
from dataclasses import dataclass
from typing import Final

LONGEST_VALUE_SHOWN: Final = 80


class ServiceError(Exception):
    """Base of all failures that the service explains to its client."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field of a request that cannot be accepted."""

    field: str  # dotted path, such as layers.1
    message: str  # what is allowed
    value: str = ""  # as it was sent, shortened; empty where nothing was sent


@dataclass(eq=False)
class InvalidRequest(ServiceError):
    """The request is understood but one or more of its fields are not acceptable."""

    errors: tuple[FieldError, ...]


@dataclass(eq=False)
class MalformedBody(ServiceError):
    """The body is not the JSON object that was expected."""

    reason: str


@dataclass(eq=False)
class SlowBody(ServiceError):
    """The body did not come in the time that this service waits."""

    seconds: float
    setting: str  # the setting that holds the limit


@dataclass(eq=False)
class UnsupportedContentType(ServiceError):
    """The body is labelled as something else than JSON."""

    content_type: str


@dataclass(eq=False)
class UnknownTensor(ServiceError):
    """The network has no tensor of this name."""

    name: str
    known: tuple[str, ...]


@dataclass(eq=False)
class TooLarge(ServiceError):
    """More was asked for than a limit of this service allows."""

    what: str  # with its unit, such as "bytes in one response"
    asked: int
    allowed: int
    setting: str  # the setting that holds the limit
    advice: str = ""


class Stopped(ServiceError):
    """Nobody waits for the result of this work any more."""


@dataclass(eq=False)
class OutOfTime(ServiceError):
    """The work took longer than this service allows."""

    what: str  # such as "a diagnosis"
    seconds: float
    setting: str  # the setting that holds the limit


@dataclass(eq=False)
class Busy(ServiceError):
    """As much is under way as the service allows at once."""

    what: str  # such as "responses being drawn"
    allowed: int
    setting: str  # the setting that holds the limit


def shortened(value: object) -> str:
    """Return a value as text that is short enough for an error message."""
    try:
        text = value if isinstance(value, str) else json.dumps(value, default=str)
    except RecursionError:
        text = "a deeply nested value"
    # JSON can hold half of a surrogate pair, which cannot be sent back.
    text = text.encode(errors="backslashreplace").decode()
    return text if len(text) <= LONGEST_VALUE_SHOWN else f"{text[:LONGEST_VALUE_SHOWN]}…"
