"""Which part of a tensor is asked for: `slice=0:8,:,:,:`, one range for each axis of the file."""

import re
from typing import NoReturn

from service.describe.fields import refused

RANGE = re.compile(r"(0|[1-9][0-9]{0,9}):([1-9][0-9]{0,9})")
ALL = ":"


def slice_in_query(text: str, shape: tuple[int, ...]) -> tuple[range, ...]:
    """Return what a slice has of each axis of a tensor; raise InvalidRequest for any other spelling."""

    def refuse(message: str) -> NoReturn:
        raise refused("slice", message, text)

    if not shape:
        refuse("does not apply to a scalar")
    asked = text.split(",")
    if len(asked) != len(shape):
        refuse(f"must have a:b or : for each of the {len(shape)} axes of {list(shape)}, joined by commas")
    ranges = []
    for part, side in zip(asked, shape, strict=True):
        if part == ALL:
            ranges.append(range(side))
            continue
        match = RANGE.fullmatch(part)
        if match is None:
            refuse("must be a:b with whole numbers 0 <= a < b, or : for the whole axis")
        start, stop = int(match[1]), int(match[2])
        if not start < stop <= side:
            refuse(f"must lie within 0:{side} and hold something: not {part}")
        if stop - start == side:
            refuse(f"must write the whole axis as {ALL}: not {part}")
        ranges.append(range(start, stop))
    return tuple(ranges)


def slice_text(ranges: tuple[range, ...], shape: tuple[int, ...]) -> str:
    """Return the one spelling of a slice; empty where it is the whole tensor."""
    texts = [
        ALL if len(part) == side else f"{part.start}:{part.stop}" for part, side in zip(ranges, shape, strict=True)
    ]
    return "" if set(texts) <= {ALL} else ",".join(texts)
