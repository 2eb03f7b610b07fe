"""Log records as lines: JSON for programs, text for a person at a terminal."""

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import orjson


class JsonLines(logging.Formatter):
    """Log records as one JSON object on a line each."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as JSON and the end of its line; `extra={"fields": {…}}` adds to it."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return orjson.dumps(line).decode() + "\n"


class TextLines(logging.Formatter):
    """Log records as what a person wants to know of them, and dots while code is compiled."""

    def __init__(self) -> None:
        """Begin a line."""
        super().__init__()
        self._is_in_line = False

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as text and the end of its line; empty where there is nothing to tell."""
        if record.name == "fanin.compiling":
            text = "." if self._is_in_line else "Compiling for this machine, once, for some ten seconds ."
            self._is_in_line = True
            return text
        tell = TEXTS.get(record.getMessage())
        text = tell(getattr(record, "fields", {})) if tell else f"{record.levelname.lower()}: {record.getMessage()}"
        if record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        if not text:
            return ""
        before, self._is_in_line = "\n" if self._is_in_line else "", False
        return f"{before}{text}\n"


def printable(text: str) -> str:
    """Return a text whose control characters are escaped: what a client sends must not steer a terminal."""
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)


def _listening(fields: Mapping[str, Any]) -> str:
    return f"fanin {fields['version']} is at {fields['url']} (host {fields['host']}); Ctrl-C stops it."


def _request(fields: Mapping[str, Any]) -> str:
    target = printable(fields["path"] + ("?" + fields["query"] if fields["query"] else ""))
    end = "" if fields["complete"] else ", broken off"
    return f"{fields['status']} {fields['method']} {target} ({fields['bytes']:,} bytes, {fields['seconds']:.3f} s{end})"


def _started(fields: Mapping[str, Any]) -> str:
    return "" if fields["is_ready"] else "error: this machine's arithmetic does not give the known answers: see /readyz"


def _stopping(fields: Mapping[str, Any]) -> str:
    return f"\rStopping. Running responses have {fields['seconds']} s; Ctrl-C again ends them."


# By the message of the record. Each \r takes the place of the ^C that a terminal shows.
TEXTS: Mapping[str, Callable[[Mapping[str, Any]], str]] = MappingProxyType(
    {
        "listening": _listening,
        "request": _request,
        "started": _started,
        "stopping": _stopping,
        "stopped": lambda _: "\rStopped.",
    }
)
