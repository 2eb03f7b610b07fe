"""JSON numbers: each is the shortest text that reads back as the same float32, or float64 for that dtype."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import orjson
from pydantic import BaseModel

from service.formats.pieces import Piece
from service.formats.plan_document import BlockDocument, plan_document, tensor_plan
from service.numerics.dtypes import DType
from service.plan import Plan
from service.query import query_of
from service.tensor import Block


@dataclass(frozen=True, slots=True)
class JsonText:
    """A JSON document of unknown length: text, and blocks whose values become text."""

    parts: tuple[bytes | Block, ...]
    length: None = None

    @property
    def elements(self) -> int:
        """Number of values in the blocks."""
        return sum(part.elements for part in self.parts if isinstance(part, Block))

    def pieces(self) -> Iterator[bytes | Piece]:
        """Return the document from beginning to end."""
        for part in self.parts:
            if isinstance(part, bytes):
                yield part
            else:
                for start, stop in part.units(0, part.elements):
                    yield Piece(partial(_numbers, part, start, stop), stop - start)


def _numbers(block: Block, start: int, stop: int) -> bytes:
    """Return elements [start, stop) as JSON, with a comma before all but the block's first."""
    values = block.read(start, stop)
    # The short types have no JSON form of their own; in float32 they are exact.
    wide = values.astype(np.float64 if block.tensor.dtype is DType.FLOAT64 else np.float32, copy=False)
    text = orjson.dumps(wide, option=orjson.OPT_SERIALIZE_NUMPY)[1:-1]
    return b"," + text if start else text


def network_as_json(plan: Plan) -> JsonText:
    """Return a WeightsDocument."""
    document = plan_document(plan)
    parts: list[bytes | Block] = [_all_but_end(document, exclude={"tensors"}), b',"tensors":[']
    for number, (tensor, described) in enumerate(zip(plan.tensors, document.tensors, strict=True)):
        parts += [b"," if number else b"", _all_but_end(described), b',"data":[', tensor.whole(), b"]}"]
    return JsonText((*parts, b"]}"))


def block_as_json(plan: Plan, block: Block) -> JsonText:
    """Return a BlockDocument."""
    tensor = block.tensor
    document = BlockDocument(
        seed=plan.seed,
        recipe=plan.network.recipe,
        name=tensor.name,
        dtype=tensor.dtype,
        shape=list(block.shape),
        tensor=tensor_plan(tensor, query_of(plan.network, plan.seed)),
        data=[],
    )
    return JsonText((_all_but_end(document, exclude={"data"}), b',"data":[', block, b"]}"))


def _all_but_end(document: BaseModel, exclude: set[str] | None = None) -> bytes:
    """Return a document's JSON up to its closing brace."""
    return document.model_dump_json(exclude=exclude).encode()[:-1]
