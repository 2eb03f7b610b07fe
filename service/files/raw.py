"""Bare values: little-endian, row-major, no header."""

from service.files.body.blob import Blob
from service.tensors.tensor import TensorBox


def box_as_raw(box: TensorBox) -> Blob:
    """Return the values of a box."""
    return Blob.of(box)
