"""JSON numbers: each is the shortest text that reads back as the same float32, or float64 for that dtype."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import orjson

from service.document import Document
from service.formats.pieces import Piece
from service.formats.plan_document import BlockDocument, plan_document, tensor_plan
from service.numerics.dtypes import DType
from service.plan import Plan
from service.query import query_of
from service.tensor import Block

# Values made text in one go. orjson lets no other thread run meanwhile, so it must not take long.
UNIT_ELEMENTS = 2**15


@dataclass(frozen=True, slots=True)
class JsonText:
    """A JSON document of unknown length: text, and blocks whose values become text."""

    elements: int  # values in the blocks
    parts: Callable[[], Iterator[bytes | Block]]  # made one after the other, when they are needed
    length: None = None

    def pieces(self) -> Iterator[bytes | Piece]:
        """Return the document from beginning to end."""
        for part in self.parts():
            if isinstance(part, bytes):
                yield part
            else:
                for start in range(0, part.elements, UNIT_ELEMENTS):
                    stop = min(start + UNIT_ELEMENTS, part.elements)
                    yield Piece(partial(_numbers, part, start, stop), 0, stop - start)


def _numbers(block: Block, start: int, stop: int, _: memoryview) -> bytes:
    """Return elements [start, stop) as JSON, with a comma before all but the block's first."""
    values = block.read(start, stop)
    # The short types have no JSON form of their own; in float32 they are exact.
    wide = values.astype(np.float64 if block.tensor.dtype is DType.FLOAT64 else np.float32, copy=False)
    text = orjson.dumps(wide, option=orjson.OPT_SERIALIZE_NUMPY)[1:-1]
    return b"," + text if start else text


def network_as_json(plan: Plan) -> JsonText:
    """Return a WeightsDocument."""
    return JsonText(plan.elements, partial(_network_parts, plan))


def _network_parts(plan: Plan) -> Iterator[bytes | Block]:
    query = query_of(plan.network, plan.seed)
    yield _all_but_end(plan_document(plan, tensors=())).removesuffix(b"]")
    for number, tensor in enumerate(plan.tensors):
        yield (b"," if number else b"") + _all_but_end(tensor_plan(tensor, query)) + b',"data":['
        yield tensor.whole()
        yield b"]}"
    yield b"]}"


def block_as_json(plan: Plan, block: Block) -> JsonText:
    """Return a BlockDocument."""
    return JsonText(block.elements, partial(_block_parts, plan, block))


def _block_parts(plan: Plan, block: Block) -> Iterator[bytes | Block]:
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
    yield _all_but_end(document).removesuffix(b"]")
    yield block
    yield b"]}"


def _all_but_end(document: Document) -> bytes:
    """Return a document's JSON up to its closing brace."""
    return document.model_dump_json().encode()[:-1]
