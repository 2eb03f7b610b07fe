"""Reads the safetensors files that a client sends, and trusts nothing in them."""

from functools import partial
from typing import Final

from service.files.safetensors.header import FLOATS, Declared, check_places, declared, parsed
from service.files.safetensors.layout import LENGTH_BYTES
from service.files.stored import BODY, StoredTensor, pieces_of, refusal
from service.numerics.dtypes import DTYPES

# Far more than the names and shapes of a thousand layers take.
MOST_HEADER_BYTES: Final = 1 << 20
KIND: Final = "must be an .npz archive, or a safetensors file"


def safetensors_tensors(body: bytes) -> list[StoredTensor]:
    """Return what a safetensors file declares, each byte of it once, or raise InvalidRequest."""
    length = int.from_bytes(body[:LENGTH_BYTES], "little")
    if len(body) < LENGTH_BYTES or length > MOST_HEADER_BYTES:
        message = (
            f"{KIND}, which starts with the length of its header: 8 bytes, little-endian, at most {MOST_HEADER_BYTES}"
        )
        raise refusal(BODY, message, length if len(body) >= LENGTH_BYTES else f"{len(body)} bytes in all")
    first = LENGTH_BYTES + length
    if first > len(body):
        raise refusal(BODY, f"is truncated: it says that its header has {length} bytes, and ends before")
    header = parsed(body[LENGTH_BYTES:first], KIND)
    tensors = [declared(name, entry, FLOATS) for name, entry in header.items()]
    check_places(tensors, len(body) - first)
    return [_stored(body, first, tensor) for tensor in tensors]


def _stored(body: bytes, first: int, tensor: Declared) -> StoredTensor:
    values = memoryview(body)[first + tensor.start : first + tensor.stop]
    return StoredTensor(tensor.name, tensor.shape, DTYPES[tensor.dtype].numpy, partial(pieces_of, values))
