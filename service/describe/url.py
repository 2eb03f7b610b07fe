"""The URL form of a request: one canonical spelling for each, so that a URL names one answer for ever."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, TypeVar
from urllib.parse import parse_qsl, quote, unquote, urlencode

from pydantic import MISSING

from service.describe.fields import Spelling, from_text, to_text
from service.describe.network import Network, Request
from service.errors import FieldError, InvalidRequest, shortened

Asked = TypeVar("Asked", bound=Request)

LAYERS_PATTERN = r"^[1-9][0-9]{0,9}(,[1-9][0-9]{0,9})+$"
MOST_PARAMETERS = 100


def _reader(spelling: Spelling) -> Callable[[str], object]:
    return partial(from_text, spelling=spelling)


# Part of every permanent URL: it may grow, but what is there keeps its order.
CANONICAL_ORDER = (
    "layers", "activation", "output_activation", "scheme", "distribution", "dtype", "layout", "bias", "std", "seed",
    "recipe", "samples", "input", "normalization", "shape", "axes", "groups", "transposed_stride", "parts",
    "part_sizes", "gain", "value", "fan_in", "fan_out", "key", "copy_key", "cut", "cut_std",
    "fan", "slope", "alpha", "part_values",
    "jacobian", "loss", "report", "language", "names",
    "data", "optimizer", "learning_rate", "steps", "batch", "weight_decay", "clip",
)  # fmt: skip
NUMBERS = ("gain", "cut", "slope", "alpha", "learning_rate", "weight_decay", "clip")
READERS: Mapping[str, Callable[[str], object]] = MappingProxyType(
    {
        "layers": _reader(Spelling.INTEGERS),
        "std": _reader(Spelling.NUMBER),
        "seed": _reader(Spelling.INTEGER),
        "recipe": _reader(Spelling.INTEGER),
        "samples": _reader(Spelling.INTEGER),
        "jacobian": _reader(Spelling.INTEGER),
        "steps": _reader(Spelling.INTEGER),
        "batch": _reader(Spelling.INTEGER),
        **{name: _reader(Spelling.NUMBER) for name in NUMBERS},
    }
)


def parameters(query: str) -> dict[str, str]:
    """Return the parameters of a query string; raise InvalidRequest for repeated or unreadable ones."""
    try:
        pairs = parse_qsl(
            query, keep_blank_values=True, strict_parsing=bool(query), errors="strict", max_num_fields=MOST_PARAMETERS
        )
    except ValueError:
        raise _unreadable("query", query) from None
    return _without_repeats(pairs)


def parameters_in_path(description: str) -> dict[str, str]:
    """Return the parameters of a query that stands in a path; raise InvalidRequest for repeated or unreadable ones.

    Here + is a plus sign, and no space: so clients of paths read it.
    """
    pairs = [part.partition("=") for part in description.split("&", MOST_PARAMETERS)]
    if len(pairs) > MOST_PARAMETERS or not all(name and sign for name, sign, _ in pairs):
        raise _unreadable("description", description)
    try:
        return _without_repeats([(name, unquote(value, errors="strict")) for name, _, value in pairs])
    except UnicodeDecodeError:
        raise _unreadable("description", description) from None


def in_path(query: str) -> str:
    """Return a canonical query string as one part of a path."""
    return quote(query.replace("%2B", "+"), safe="=&,:+$")


def _unreadable(field: str, text: str) -> InvalidRequest:
    message = f"must be name=value pairs joined by &, at most {MOST_PARAMETERS}, in percent-encoded UTF-8"
    return InvalidRequest((FieldError(field, message, shortened(text)),))


def _without_repeats(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    texts: dict[str, str] = {}
    repeated = []
    for name, value in pairs:
        if name in texts:
            repeated.append(FieldError(shortened(name), "must be given once", shortened(value)))
        texts[name] = value
    if repeated:
        raise InvalidRequest(tuple(repeated))
    return texts


def request_of(model: type[Asked], texts: Mapping[str, str]) -> Asked:
    """Return the request that these parameters describe, or raise InvalidRequest."""
    return model.of({name: READERS[name](text) if name in READERS else text for name, text in texts.items()})


def query_of(network: Network, seed: int) -> str:
    """Return the canonical query string of a network with this seed: what is at its default is left out."""
    return urlencode(_canonical(network.model_copy(update={"seed": seed})), safe=",$", quote_via=quote)


def _canonical(network: Network) -> dict[str, Any]:
    fields = type(network).model_fields
    values = {name: getattr(network, name) for name in CANONICAL_ORDER if name in fields}
    return {
        name: to_text(value) if name in {"layers", *NUMBERS} else value
        for name, value in values.items()
        if value is not MISSING and value != fields[name].default
    }
