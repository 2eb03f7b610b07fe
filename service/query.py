"""The URL form of a request: one canonical spelling for each, so that a URL names one answer for ever."""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, TypeVar
from urllib.parse import parse_qsl, quote, urlencode

from pydantic import MISSING

from service.errors import FieldError, InvalidRequest
from service.spec import Network, Request, shortened

Asked = TypeVar("Asked", bound=Request)

INTEGER = re.compile(r"0|-?[1-9][0-9]{0,30}")
NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,4})?")
LAYERS_PATTERN = r"^[1-9][0-9]{0,9}(,[1-9][0-9]{0,9})+$"
MOST_PARAMETERS = 100


def _integer(text: str) -> int | str:
    # What is not canonical stays text, and the model says what is allowed instead.
    return int(text) if INTEGER.fullmatch(text) else text


def _number(text: str) -> float | str:
    return float(text) if NUMBER.fullmatch(text) else text


def _integers(text: str) -> list[int | str]:
    return [_integer(part) for part in text.split(",")] if text else []


READERS: Mapping[str, Callable[[str], object]] = MappingProxyType(
    {"layers": _integers, "std": _number, "seed": _integer, "recipe": _integer, "samples": _integer}
)


def parameters(query: str) -> dict[str, str]:
    """Return the parameters of a query string; raise InvalidRequest for repeated or unreadable ones."""
    try:
        pairs = parse_qsl(
            query, keep_blank_values=True, strict_parsing=bool(query), errors="strict", max_num_fields=MOST_PARAMETERS
        )
    except ValueError:
        message = f"must be name=value pairs joined by &, at most {MOST_PARAMETERS}, in percent-encoded UTF-8"
        raise InvalidRequest((FieldError("query", message, shortened(query)),)) from None
    found: dict[str, str] = {}
    repeated = []
    for name, value in pairs:
        if name in found:
            repeated.append(FieldError(shortened(name), "must be given once", shortened(value)))
        found[name] = value
    if repeated:
        raise InvalidRequest(tuple(repeated))
    return found


def request_of(model: type[Asked], found: Mapping[str, str]) -> Asked:
    """Return the request that these parameters describe, or raise InvalidRequest."""
    return model.of({name: READERS[name](text) if name in READERS else text for name, text in found.items()})


@lru_cache(maxsize=256)  # one answer needs it several times
def query_of(network: Network, seed: int) -> str:
    """Return the canonical query string of a network with this seed: what is at its default is left out."""
    return urlencode(_canonical(network.model_copy(update={"seed": seed})), safe=",", quote_via=quote)


def _canonical(network: Network) -> dict[str, Any]:
    given = {}
    for name, field in type(network).model_fields.items():
        value = getattr(network, name)
        if value is not MISSING and value != field.default:
            given[name] = ",".join(map(str, value)) if name == "layers" else value
    return given
