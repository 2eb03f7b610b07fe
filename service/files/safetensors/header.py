"""The header of a safetensors file that a client sends, of which nothing is trusted.

https://github.com/huggingface/safetensors#format
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Final

from service.errors import FieldError, InvalidRequest, TooLarge, shortened
from service.files.safetensors.layout import CODES, LENGTH_BYTES, METADATA
from service.files.stored import BODY, checked_shape, refusal
from service.numerics.dtypes import DTYPES, TensorDType

KEYS: Final = frozenset({"dtype", "shape", "data_offsets"})
DTYPES_BY_CODE: Final = {code: TensorDType(dtype) for dtype, code in CODES.items()}
FLOATS: Final = tuple(code for code, dtype in DTYPES_BY_CODE.items() if DTYPES[dtype].is_float)
KIND: Final = "must be the beginning of a safetensors file"


@dataclass(frozen=True, slots=True)
class Declared:
    """One tensor of the header; its values are bytes [start, stop) after the header."""

    name: str
    shape: tuple[int, ...]
    dtype: TensorDType
    start: int
    stop: int


def tensors_of_header(beginning: bytes, most_bytes: int) -> list[Declared]:
    """Return what the first bytes of a safetensors file declare, in the order of the values.

    What follows the header is ignored. Raise TooLarge beyond `most_bytes`, InvalidRequest for a header that is cut off
    or cannot be true.
    """
    length = int.from_bytes(beginning[:LENGTH_BYTES], "little")
    if len(beginning) < LENGTH_BYTES:
        raise refusal(BODY, f"{KIND}: 8 bytes, the length of its header, and the header", f"{len(beginning)} bytes")
    if length > most_bytes:
        raise TooLarge("bytes of header", length, most_bytes, "header_bytes")
    end = LENGTH_BYTES + length
    if end > len(beginning):
        message = f"must hold the whole header, which ends at byte {end}: send at least the first {end} bytes"
        raise refusal(BODY, message, f"{len(beginning)} bytes")
    header = parsed(beginning[LENGTH_BYTES:end], KIND)
    _check_types(header)
    tensors = [declared(name, entry, tuple(DTYPES_BY_CODE)) for name, entry in header.items()]
    tensors.sort(key=lambda tensor: (tensor.start, tensor.stop))
    check_places(tensors)
    return tensors


def parsed(text: bytes, kind: str) -> dict[str, Any]:
    """Return the entries of a header, its metadata left out; `kind` says what it should have been."""
    try:
        header = json.loads(text.decode(), object_pairs_hook=_without_repetition)
    # Not UTF-8, not JSON and a number of thousands of digits are all ValueError.
    except (ValueError, RecursionError):
        header = None
    # The format asks for { as the first byte, though JSON allows space before it.
    if not isinstance(header, dict) or not text.startswith(b"{"):
        raise refusal(BODY, f"{kind}, whose header is a JSON object in UTF-8")
    metadata = header.pop(METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise refusal(BODY, f"must have an object of texts as {METADATA}")
    return header


def declared(name: str, entry: object, codes: Sequence[str]) -> Declared:
    """Return one entry of a header, whose dtype must be one of these codes; raise InvalidRequest."""
    if not isinstance(entry, dict) or entry.keys() != KEYS:
        raise refusal(name, "must have dtype, shape and data_offsets in the header, and nothing else")
    code, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(code, str) or code not in codes:
        raise refusal(name, f"must have one of the dtypes {', '.join(codes)}", code)
    if not _are_integers(shape):
        raise refusal(name, "must have a list of integers as its shape", shape)
    sizes = checked_shape(name, shape)
    if not _are_integers(offsets) or len(offsets) != 2 or not 0 <= offsets[0] <= offsets[1]:
        raise refusal(name, "must have two integers as data_offsets, the start and the end of its values", offsets)
    dtype = DTYPES_BY_CODE[code]
    needed = prod(sizes) * DTYPES[dtype].size
    if offsets[1] - offsets[0] != needed:
        raise refusal(
            name, f"must have data_offsets that are {needed} bytes apart, as its shape and dtype say", offsets
        )
    return Declared(name, sizes, dtype, *offsets)


def check_places(tensors: Iterable[Declared], available: int | None = None) -> None:
    """Raise InvalidRequest where tensors overlap, leave a hole, or do not fill the bytes that are available."""
    end = 0
    for tensor in sorted(tensors, key=lambda tensor: tensor.start):
        if tensor.start != end:
            wrong = "overlap another tensor" if tensor.start < end else "leave a hole before it"
            raise refusal(tensor.name, f"must start at {end}: its data_offsets {wrong}", tensor.start)
        end = tensor.stop
        if available is not None and end > available:
            message = f"must end within the {available} bytes of values that the file holds: is it truncated?"
            raise refusal(tensor.name, message, end)
    if available is not None and end != available:
        raise refusal(BODY, f"must end after the last tensor: {end} bytes of values", available)


def _check_types(header: dict[str, Any]) -> None:
    """Name all tensors of types that this service does not make, not just the first."""
    errors = [
        FieldError(shortened(name), f"must have one of the dtypes {', '.join(DTYPES_BY_CODE)}", shortened(code))
        for name, entry in header.items()
        if isinstance(entry, dict) and isinstance(code := entry.get("dtype"), str) and code not in DTYPES_BY_CODE
    ]
    if errors:
        raise InvalidRequest(tuple(errors[:20]))


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for key, value in pairs:
        if key in fields:
            raise refusal(BODY, "must not repeat a key in its header", key)
        fields[key] = value
    return fields


def _are_integers(values: object) -> bool:
    # JSON's true is an int to Python.
    return isinstance(values, list) and all(type(value) is int for value in values)
