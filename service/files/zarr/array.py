"""One tensor as an array of chunks.

How a tensor is cut never changes: metadata that a client kept must fit the chunks of every version, since a chunk of
another shape and the same size would be wrong without a word.
"""

import re
from dataclasses import dataclass
from math import prod
from typing import Final

from service.describe.fields import refused
from service.files.body.blob import Blob
from service.numerics.dtypes import DTYPES
from service.tensors.padded import PaddedBox
from service.tensors.tensor import Tensor

CHUNK_BYTES: Final = 2**22  # at most, unless a client asks for others
MOST_CHUNK_BYTES: Final = 2**26  # of those
LENGTHS = re.compile(r"[1-9][0-9]{0,9}(,[1-9][0-9]{0,9})*")
NUMBERS = re.compile(r"(0|[1-9][0-9]{0,9})(/(0|[1-9][0-9]{0,9}))*")

# What clients take for a value that the store has not got: nothing that could pass for a weight.
NOT_A_NUMBER: Final = "NaN"


@dataclass(frozen=True, slots=True)
class Array:
    """A tensor cut into chunks of one shape, the last ones along each axis filled up with zeros."""

    tensor: Tensor
    chunk_shape: tuple[int, ...]
    dimension_names: tuple[str, ...]

    @property
    def metadata(self) -> dict[str, object]:
        """What zarr.json says of the array: no other keys, which some clients refuse."""
        tensor = self.tensor
        kind = DTYPES[tensor.dtype]
        endian = {"configuration": {"endian": "little"}} if kind.size > 1 else {}
        return {
            "zarr_format": 3,
            "node_type": "array",
            "shape": tensor.shape,
            "data_type": tensor.dtype,
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": self.chunk_shape}},
            "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
            "fill_value": NOT_A_NUMBER if kind.is_float else kind.numpy.type(0).item(),
            "codecs": [{"name": "bytes", **endian}],
            "dimension_names": self.dimension_names,
            "attributes": _attributes(tensor),
        }

    def chunk(self, key: str) -> Blob:
        """Return the chunk of a key such as 0/1, without its c/; raise InvalidRequest if there is none."""
        starts = self._starts(key)
        ranges = tuple(
            range(start, min(start + length, side))
            for start, length, side in zip(starts, self.chunk_shape, self.tensor.shape, strict=True)
        )
        box = self.tensor.part(ranges)
        return Blob.of(box if box.shape == self.chunk_shape else PaddedBox(box, self.chunk_shape))

    def _starts(self, key: str) -> tuple[int, ...]:
        """Return where a chunk begins on each axis."""
        is_read = NUMBERS.fullmatch(key) if self.tensor.shape else not key
        numbers = tuple(map(int, key.split("/"))) if is_read and key else ()
        counts = [-(-side // length) for side, length in zip(self.tensor.shape, self.chunk_shape, strict=True)]
        if (
            not is_read
            or len(numbers) != len(counts)
            or any(n >= count for n, count in zip(numbers, counts, strict=True))
        ):
            message = f"must be c and, behind a / each, a number from 0 on below each of {counts}"
            raise refused("key", message, f"c/{key}" if key else "c")
        return tuple(number * length for number, length in zip(numbers, self.chunk_shape, strict=True))


def usual_chunks(tensor: Tensor) -> tuple[int, ...]:
    """Return the shape of chunks of at most CHUNK_BYTES: whole rows, or balanced parts of one where it is longer."""
    shape, most = tensor.shape, CHUNK_BYTES // DTYPES[tensor.dtype].size
    for axis, side in enumerate(shape):
        inner = prod(shape[axis + 1 :])
        if inner <= most:
            return (*(1 for _ in shape[:axis]), _balanced(side, most // inner), *shape[axis + 1 :])
    return ()


def asked_chunks(text: str, tensor: Tensor) -> tuple[int, ...]:
    """Return the chunk shape that a client asks for, no longer than the tensor; raise InvalidRequest."""
    if not LENGTHS.fullmatch(text):
        raise refused("chunks", "must be the length of a chunk along each axis, from 1 on, joined by commas", text)
    lengths = tuple(map(int, text.split(",")))
    if len(lengths) != len(tensor.shape):
        message = (
            f"must have as many lengths as {tensor.name} has axes: {len(tensor.shape)}. Where tensors differ in that, "
            "leave chunks out, or the biases"
        )
        raise refused("chunks", message, text)
    shape = tuple(map(min, lengths, tensor.shape))
    if (byte_count := prod(shape) * DTYPES[tensor.dtype].size) > MOST_CHUNK_BYTES:
        raise refused("chunks", f"must make chunks of at most {MOST_CHUNK_BYTES} bytes, not {byte_count}", text)
    return shape


def _balanced(side: int, most: int) -> int:
    """Return a length of at most `most` that cuts a side into as few parts as can be, as equal as can be."""
    return -(-side // -(-side // most))


def _attributes(tensor: Tensor) -> dict[str, object]:
    choice, fan = tensor.initializer.choice, tensor.fan
    attributes: dict[str, object] = {"scheme": choice.scheme, "formula": choice.formula, "std": choice.std}
    return attributes if fan is None else attributes | {"fan_in": fan.inputs, "fan_out": fan.outputs}
