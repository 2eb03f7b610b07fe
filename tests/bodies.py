"""Bodies made whole, and read as documents."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from random import Random
from typing import Any

import pytest

from service.dense.network import DenseNetwork
from service.documents.plan import Paths
from service.files import json_text
from service.files.body import blob
from service.files.body.blob import Blob
from service.files.body.pieces import Body, Piece
from service.files.npy import plan_as_npy
from service.files.npz import write
from service.files.npz.write import Npz, plan_as_npz
from service.files.safetensors.write import plan_as_safetensors
from service.tensors import tensor
from service.tensors.tensor import TensorBox

PATHS = Paths(
    network={suffix: f"/weights.{suffix}" for suffix in ("npy", "npz", "safetensors", "json")},
    tensor={suffix: f"/tensor/{{tensor}}.{suffix}" for suffix in ("npy", "bin", "json")},
)


def network_as_npy(network: DenseNetwork) -> Blob:
    return plan_as_npy(network.plan)


def network_as_npz(network: DenseNetwork) -> Npz:
    return plan_as_npz(network.plan)


def network_as_safetensors(network: DenseNetwork) -> Blob:
    return plan_as_safetensors(network.plan, network.metadata)


@contextmanager
def cut_small() -> Iterator[None]:
    """Make units, panels and groups so small that even a small network is cut into many pieces."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tensor, "UNIT_BYTES", 96)
        patch.setattr(tensor, "PANEL_BYTES", 224)
        patch.setattr(json_text, "UNIT_ELEMENTS", 24)
        patch.setattr(blob, "GROUP_BYTES", 100)
        patch.setattr(write, "GROUP_BYTES", 100)
        yield


def whole(body: Body) -> bytes:
    """Return all bytes, with each piece made as soon as it is handed out."""
    return b"".join(piece if isinstance(piece, bytes) else made(piece) for piece in body.pieces())


def made(piece: Piece) -> bytes:
    """Make a piece in memory of its own."""
    return bytes(piece.make(memoryview(bytearray(piece.buffer_bytes))))


def whole_out_of_order(body: Body, random: Random) -> bytes:
    """Return all bytes, with the pieces made by threads and in any order that the body allows."""
    pieces = list(body.pieces())
    done: dict[int, bytes] = {number: piece for number, piece in enumerate(pieces) if isinstance(piece, bytes)}
    to_make = {number: piece for number, piece in enumerate(pieces) if isinstance(piece, Piece)}
    free = [number for number, piece in to_make.items() if not piece.after_all_before]
    random.shuffle(free)
    with ThreadPoolExecutor(3) as workers:
        done |= zip(free, workers.map(lambda number: made(to_make[number]), free), strict=True)
    for number in sorted(to_make.keys() - done.keys()):
        done[number] = made(to_make[number])
    return b"".join(done[number] for number in range(len(pieces)))


def elements_of(body: Body) -> int:
    """Return the number of values that the pieces say they draw."""
    return sum(piece.elements for piece in body.pieces() if isinstance(piece, Piece))


def values_of(block: TensorBox) -> bytes:
    """Return the values of a block, drawn at once, as they lie in memory."""
    return block.read(0, block.elements).tobytes()


def fields_of(document: Any) -> Any:
    """Return a parsed document with the names that its model has in Python, where `json` is taken."""
    if isinstance(document, Mapping):
        return {"json_" if name == "json" else name: fields_of(value) for name, value in document.items()}
    return [fields_of(item) for item in document] if isinstance(document, list) else document
