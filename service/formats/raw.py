"""Bare values: little-endian, row-major, no header."""

from service.formats.blob import Blob
from service.tensor import Block


def block_as_raw(block: Block) -> Blob:
    """Return the block's values."""
    return Blob.of(block)
