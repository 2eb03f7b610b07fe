"""Files of weights, written by the libraries that clients use, and by hand where those refuse."""

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

import ml_dtypes
import numpy as np
import numpy.typing as npt
import pytest
import safetensors.numpy

from service.describe.network import Layout
from service.diagnosis.uploads import OwnWeights, declared_weights
from service.errors import FieldError, InvalidRequest

W0 = "layers.0.weight"
Arrays = Mapping[str, npt.NDArray[Any]]


def network() -> dict[str, npt.NDArray[Any]]:
    """Return two layers with biases and a batch, of numbers that every type holds exactly."""
    return {
        "layers.0.weight": np.arange(-6, 6, dtype=np.float32).reshape(3, 4) / 4,
        "layers.0.bias": np.array([0.5, -1.0, 2.0, 0.0], np.float32),
        "layers.1.weight": np.arange(8, dtype=np.float32).reshape(4, 2),
        "inputs": np.arange(15, dtype=np.float32).reshape(5, 3),
    }


def npz(arrays: Arrays) -> bytes:
    file = io.BytesIO()
    np.savez(file, allow_pickle=True, **arrays)
    return file.getvalue()


def npz_compressed(arrays: Arrays) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, allow_pickle=True, **arrays)
    return file.getvalue()


def saved(arrays: Arrays) -> bytes:
    return safetensors.numpy.save(dict(arrays))


def bfloat16(arrays: Arrays) -> dict[str, npt.NDArray[Any]]:
    return {name: array.astype(ml_dtypes.bfloat16) for name, array in arrays.items()}


def by_hand(header: object, data: bytes = b"") -> bytes:
    """Return a safetensors file with this header, or text in its place."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def declared(*shape: object, dtype: object = "F32", offsets: object = (0, 4)) -> dict[str, object]:
    """Return a tensor's entry in the header."""
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


def one_weight(*shape: object, dtype: object = "F32", offsets: object = (0, 4), data: bytes = bytes(4)) -> bytes:
    """Return a safetensors file of one weight."""
    return by_hand({"layers.0.weight": declared(*shape, dtype=dtype, offsets=offsets)}, data)


def archive(entries: Mapping[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as zipped:
        for name, data in entries.items():
            zipped.writestr(name, data)
    return file.getvalue()


def npy(header: str, data: bytes = b"", version: int = 1) -> bytes:
    """Return an array whose header is this text."""
    length = struct.pack("<H" if version == 1 else "<I", len(header))
    return b"\x93NUMPY" + bytes([version, 0]) + length + header.encode() + data


def described(
    descr: str = "'<f4'", order: str = "False", shape: str = "(1, 1)", data: bytes = bytes(4), version: int = 1
) -> bytes:
    """Return an archive of one weight with these words in its header."""
    text = f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}\n"
    return archive({"layers.0.weight.npy": npy(text, data, version)})


def patched(body: bytes, *changes: tuple[int, str, int]) -> bytes:
    """Return the archive with numbers of its last central record changed: (offset in the record, format, value)."""
    changed = bytearray(body)
    record = body.rindex(b"PK\x01\x02")
    for offset, form, value in changes:
        struct.pack_into(form, changed, record + offset, value)
    return bytes(changed)


def bomb(shape: str, inflated: int) -> bytes:
    """Return an archive whose one entry inflates to so many zeros, and that says it has what its shape needs."""
    text = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n"
    body = archive({"layers.0.weight.npy": npy(text, bytes(inflated))}, zipfile.ZIP_DEFLATED)
    needed = 10 + len(text) + 4 * int(np.prod(json.loads(f"[{shape[1:-1]}]")))
    crc = zlib.crc32(npy(text, bytes(needed - 10 - len(text))))
    return patched(body, (16, "<I", crc), (24, "<I", needed))


def own_weights(body: bytes, layout: Layout) -> OwnWeights:
    return declared_weights(body, layout).read()


def refused(body: bytes, layout: Layout = Layout.IN_OUT) -> FieldError:
    """Return the one reason for which the file is refused."""
    with pytest.raises(InvalidRequest) as caught:
        own_weights(body, layout)
    (error,) = caught.value.errors
    return error


def check(error: FieldError, field: str, words: str) -> None:
    """Assert that the failure is of this field and says each of these words."""
    assert error.field == field
    said = f"{error.message}, not {error.value}"
    assert [word for word in words.split() if word not in said] == [], said
