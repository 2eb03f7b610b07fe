"""The one spelling of a model: canonical JSON (RFC 8785), its fingerprint, and its form in a URL."""

import base64
import hashlib
import re
import zlib
from collections.abc import Sequence
from typing import Any, Final

import orjson

from service.describe.fields import number_text, refused
from service.describe.model.patterns import without_ranges
from service.describe.model.resolve import ResolvedModel
from service.describe.model.rule import Rule
from service.numerics.dtypes import TensorDType

MOST_INFLATED: Final = 2**20
# Of the value of `model=`, so that the whole line fits the 8,190 bytes of clients and proxies.
MOST_IN_URL: Final = 7000
BASE64 = re.compile(r"[A-Za-z0-9_-]*")
RAW_DEFLATE: Final = -zlib.MAX_WBITS


def canonical_json(resolved: ResolvedModel, seed: int) -> bytes:
    """Return the JSON that says all that decides the model's bytes, and nothing else."""
    model = resolved.model
    fields: dict[str, Any] = {"seed": seed, "recipe": model.recipe}
    fields |= {field: value for field, value in model.shared.items() if _fills_a_gap(resolved, field)}
    if model.format is not None:
        fields["format"] = model.format
    fields["rules"] = [_rule(rule) for rule in model.rules]
    dtypes = [_dtype(rule) for rule in model.rules]
    fields["tensors"] = [_tensor(resolved, place, dtypes) for place in range(len(model.entries))]
    return orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)


def fingerprint(canonical: bytes) -> str:
    """Return the SHA-256 of canonical JSON, in hexadecimal."""
    return hashlib.sha256(canonical).hexdigest()


def in_url(canonical: bytes) -> str | None:
    """Return canonical JSON as `model=` has it; None where that would be too long for a URL."""
    if len(canonical) > MOST_INFLATED:
        return None
    deflater = zlib.compressobj(9, zlib.DEFLATED, RAW_DEFLATE)
    packed = deflater.compress(canonical) + deflater.flush()
    text = base64.urlsafe_b64encode(packed).rstrip(b"=").decode()
    return text if len(text) <= MOST_IN_URL else None


def from_url(text: str) -> bytes:
    """Return the JSON in a `model=`; raise InvalidRequest for what is no deflated text of at most MOST_INFLATED."""
    whole = "must be JSON, as raw deflate without a dictionary, in base64url without padding, and nothing behind it"
    packed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)) if _is_base64(text) else b""
    if not packed or base64.urlsafe_b64encode(packed).rstrip(b"=").decode() != text:
        raise refused("model", whole, text)
    inflater = zlib.decompressobj(RAW_DEFLATE)
    try:
        body = inflater.decompress(packed, MOST_INFLATED + 1)
    except zlib.error:
        raise refused("model", whole, text) from None
    if len(body) > MOST_INFLATED:
        raise refused("model", f"must inflate to at most {MOST_INFLATED} bytes", text)
    if not inflater.eof or inflater.unused_data:
        raise refused("model", whole, text)
    return body


def _is_base64(text: str) -> bool:
    return BASE64.fullmatch(text) is not None and len(text) % 4 != 1


def _fills_a_gap(resolved: ResolvedModel, field: str) -> bool:
    rules = [rule for number, rule in enumerate(resolved.model.rules) if number in resolved.counts]
    return any(field in rule.shared and _has_values(rule) for rule in rules)


def _has_values(rule: Rule) -> bool:
    return rule.tie is None and not (rule.skips and set(rule.said) <= {"rank", "skip", "optional"})


def _rule(rule: Rule) -> dict[str, object]:
    return {"match": rule.match, **{field: _plain(value) for field, value in rule.said.items()}}


def _plain(value: object) -> object:
    """Return a value as JSON's canonical form has it."""
    return orjson.Fragment(number_text(value)) if isinstance(value, float) else value


def _tensor(resolved: ResolvedModel, place: int, dtypes: Sequence[TensorDType | None]) -> dict[str, object]:
    entry = resolved.model.entries[place]
    tensor: dict[str, object] = {"name": without_ranges(entry.name), "shape": entry.shape}
    if entry.dtype is not None and entry.dtype != (dtypes[resolved.takings[place].rule] or resolved.dtypes.get(place)):
        tensor["dtype"] = entry.dtype
    return tensor


def _dtype(rule: Rule) -> TensorDType | None:
    """Return the dtype of a rule's tensors whose entries state none; None where it is that of their target."""
    return None if rule.tie is not None else TensorDType(rule.values.get("dtype", TensorDType.FLOAT32))
