"""Bodies made whole, and read as documents."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from random import Random
from typing import Any

import pytest

from service import tensor
from service.formats import blob, json_text
from service.formats.pieces import Body, Piece
from service.tensor import Block


@contextmanager
def cut_small() -> Iterator[None]:
    """Make units, panels and groups so small that even a small network is cut into many pieces."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tensor, "UNIT_BYTES", 96)
        patch.setattr(tensor, "PANEL_BYTES", 224)
        patch.setattr(json_text, "UNIT_ELEMENTS", 24)
        patch.setattr(blob, "GROUP_BYTES", 100)
        yield


def whole(body: Body) -> bytes:
    """Return all bytes, with each piece made as soon as it is handed out."""
    return b"".join(piece if isinstance(piece, bytes) else made(piece) for piece in body.pieces())


def made(piece: Piece) -> bytes:
    """Make a piece in memory of its own."""
    return bytes(piece.make(memoryview(bytearray(piece.room))))


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


def values_of(block: Block) -> bytes:
    """Return the values of a block, drawn at once, as they lie in memory."""
    return block.read(0, block.elements).tobytes()


def fields_of(document: Any) -> Any:
    """Return a parsed document with the names that its model has in Python, where `json` is taken."""
    if isinstance(document, Mapping):
        return {"json_" if name == "json" else name: fields_of(value) for name, value in document.items()}
    return [fields_of(item) for item in document] if isinstance(document, list) else document
