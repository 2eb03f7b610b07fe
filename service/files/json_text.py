"""JSON numbers: floats are the shortest text that reads back as the same float32, or float64 for that dtype."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import orjson

from service.files.body.pieces import SMALL_BYTES, Piece, always, panel_piece
from service.numerics.dtypes import TensorDType, Values
from service.tensors.tensor import TensorBox

# Values made text in one go. orjson lets no other thread run meanwhile, so it must not take long.
UNIT_ELEMENTS = 2**15
SMALL_ELEMENTS = SMALL_BYTES // 16  # whose texts have some 13 characters
WIDE: Mapping[str, npt.DTypeLike] = MappingProxyType(
    {
        TensorDType.FLOAT64: np.float64,
        TensorDType.INT64: np.int64,
        TensorDType.INT32: np.int64,
        TensorDType.UINT8: np.int64,
        TensorDType.BOOL: np.int64,
    }
)
# A value of eight bytes, and its longest text with a comma, twice: as orjson makes it, and as it is cut.
ELEMENT_BYTES = 8 + 2 * 26


@dataclass(frozen=True, slots=True)
class Text:
    """Text that is still to be made, in any thread."""

    make: Callable[[], bytes]
    most_bytes: int  # of memory that making it takes


@dataclass(frozen=True, slots=True)
class JsonText:
    """A JSON document of unknown length: text, known or still to be made, and boxes whose values become text."""

    elements: int  # values in the boxes
    parts: Callable[[], Iterator[bytes | Text | TensorBox]]  # given one after the other, when they are needed
    drawing_bytes: int = 0  # memory that drawing takes beside the pieces, at most
    length: None = None

    def pieces(self, is_full: Callable[[], bool] = always) -> Iterator[bytes | Piece]:
        """Return the document from beginning to end."""
        for part in self.parts():
            if isinstance(part, bytes):
                yield part
            elif isinstance(part, Text):
                yield Piece(partial(_text, part), 0, 0, work_bytes=part.most_bytes)
            else:
                yield from _pieces(part, is_full)


def _text(text: Text, _: memoryview) -> bytes:
    return text.make()


def _pieces(box: TensorBox, is_full: Callable[[], bool]) -> Iterator[Piece]:
    for first, end, panels, memory in box.units(0, box.elements):
        yield from (panel_piece(panel, memory) for panel in panels)
        stop = first
        while stop < end:
            start, stop = stop, min(stop + (UNIT_ELEMENTS if is_full() else SMALL_ELEMENTS), end)
            yield Piece(
                partial(_numbers, box, start, stop),
                0,
                stop - start,
                after_all_before=start == first and bool(panels),
                work_bytes=ELEMENT_BYTES * (stop - start) + memory,
            )


def _numbers(box: TensorBox, start: int, stop: int, _: memoryview) -> bytes:
    """Return elements [start, stop) as JSON, with a comma before all but the box's first."""
    values = box.read(start, stop)
    # The short types have no JSON form of their own; in these they are exact.
    wide: Values = values.astype(WIDE.get(box.tensor.dtype, np.float32), copy=False)
    text = orjson.dumps(wide, option=orjson.OPT_SERIALIZE_NUMPY)[1:-1]
    return b"," + text if start else text
