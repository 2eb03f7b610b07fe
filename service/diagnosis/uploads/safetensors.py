"""Reads the safetensors files that a client sends, and trusts nothing in them.

https://github.com/huggingface/safetensors#format
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from service.diagnosis.uploads.tensors import BODY, StoredTensor, checked_shape, kind_of, refusal
from service.numerics.dtypes import DTYPES, DType

LENGTH_BYTES: Final = 8
# Far more than the names and shapes of a thousand layers take.
MOST_HEADER_BYTES: Final = 1 << 20
METADATA: Final = "__metadata__"
KEYS: Final = frozenset({"dtype", "shape", "data_offsets"})
CODES: Final[Mapping[str, DType]] = {
    "F32": DType.FLOAT32,
    "F64": DType.FLOAT64,
    "F16": DType.FLOAT16,
    "BF16": DType.BFLOAT16,
}


@dataclass(frozen=True, slots=True)
class Declared:
    """One tensor of the header; its values are bytes [start, stop) after the header."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    start: int
    stop: int


def safetensors_tensors(body: bytes) -> list[StoredTensor]:
    """Return what a safetensors file declares, each byte of it once, or raise InvalidRequest."""
    length = int.from_bytes(body[:LENGTH_BYTES], "little")
    if len(body) < LENGTH_BYTES or length > MOST_HEADER_BYTES:
        message = (
            "must be an .npz archive, or a safetensors file, "
            f"which starts with the length of its header: 8 bytes, little-endian, at most {MOST_HEADER_BYTES}"
        )
        raise refusal(BODY, message, length if len(body) >= LENGTH_BYTES else f"{len(body)} bytes in all")
    first = LENGTH_BYTES + length
    if first > len(body):
        raise refusal(BODY, f"is truncated: it says that its header has {length} bytes, and ends before")
    header = _header(body[LENGTH_BYTES:first])
    metadata = header.pop(METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise refusal(BODY, f"must have an object of texts as {METADATA}")
    declared = [_declared(name, entry) for name, entry in header.items()]
    _check_places(declared, len(body) - first)
    return [_stored(body, first, tensor) for tensor in declared]


def _header(text: bytes) -> dict[str, Any]:
    try:
        header = json.loads(text.decode(), object_pairs_hook=_without_repetition)
    # Not UTF-8, not JSON and a number of thousands of digits are all ValueError.
    except (ValueError, RecursionError):
        header = None
    # The format asks for { as the first byte, though JSON allows space before it.
    if not isinstance(header, dict) or not text.startswith(b"{"):
        raise refusal(BODY, "must be an .npz archive, or a safetensors file, whose header is a JSON object in UTF-8")
    return header


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for key, value in pairs:
        if key in fields:
            raise refusal(BODY, "must not repeat a key in its header", key)
        fields[key] = value
    return fields


def _declared(name: str, entry: object) -> Declared:
    kind_of(name)
    if not isinstance(entry, dict) or entry.keys() != KEYS:
        raise refusal(name, "must have dtype, shape and data_offsets in the header, and nothing else")
    code, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(code, str) or code not in CODES:
        raise refusal(name, f"must have one of the dtypes {', '.join(CODES)}", code)
    if not _are_integers(shape):
        raise refusal(name, "must have a list of integers as its shape", shape)
    sizes = checked_shape(name, shape)
    if not _are_integers(offsets) or len(offsets) != 2 or not 0 <= offsets[0] <= offsets[1]:
        raise refusal(name, "must have two integers as data_offsets, the start and the end of its values", offsets)
    number = DTYPES[CODES[code]]
    needed = prod(sizes) * number.size
    if offsets[1] - offsets[0] != needed:
        raise refusal(
            name, f"must have data_offsets that are {needed} bytes apart, as its shape and dtype say", offsets
        )
    return Declared(name, sizes, number.numpy, *offsets)


def _are_integers(found: object) -> bool:
    # JSON's true is an int to Python.
    return isinstance(found, list) and all(type(item) is int for item in found)


def _check_places(declared: list[Declared], available: int) -> None:
    """Raise InvalidRequest unless the tensors fill the available bytes without an overlap or a hole."""
    end = 0
    for tensor in sorted(declared, key=lambda tensor: tensor.start):
        if tensor.start != end:
            wrong = "overlap another tensor" if tensor.start < end else "leave a hole before it"
            raise refusal(tensor.name, f"must start at {end}: its data_offsets {wrong}", tensor.start)
        end = tensor.stop
        if end > available:
            message = f"must end within the {available} bytes of values that the file holds: is it truncated?"
            raise refusal(tensor.name, message, end)
    if end != available:
        raise refusal(BODY, f"must end after the last tensor: {end} bytes of values", available)


def _stored(body: bytes, first: int, tensor: Declared) -> StoredTensor:
    def read() -> npt.NDArray[Any]:
        return np.frombuffer(body, tensor.dtype, prod(tensor.shape), first + tensor.start).reshape(tensor.shape)

    return StoredTensor(tensor.name, tensor.shape, read)
