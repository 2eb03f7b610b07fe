"""Names of many tensors at once: ranges that make them, patterns that match them, templates that are filled by these.

- A range `(0-11)` in a name stands for its numbers; several multiply, the last varying fastest; `((` is a parenthesis.
- A pattern knows only `*`, any run of characters, the leftmost as short as can be; `$n` in a template is what the nth
  `*` matched. Matching takes time in proportion to the name, whatever the pattern.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import product
from math import prod
from typing import Final, NamedTuple, Self

MOST_STARS: Final = 4
PARENTHESIS = re.compile(r"\(\(|\((0|[1-9][0-9]{0,17})-(0|[1-9][0-9]{0,17})\)|\(")
PLACE = re.compile(r"\$([1-9])")


class Names(NamedTuple):
    """A name with ranges: counted before its names are made."""

    texts: tuple[str, ...]  # one more than there are ranges
    ranges: tuple[range, ...]

    @classmethod
    def of(cls, text: str) -> Self:
        """Return the names that a text stands for; raise ValueError where a range in it cannot be."""
        if "(" not in text:
            return cls((text,), ())
        texts, ranges, at = [""], [], 0
        for match in PARENTHESIS.finditer(text):
            texts[-1] += text[at : match.start()]
            at = match.end()
            if match[0] == "((":
                texts[-1] += "("
            elif match[1] is None or int(match[1]) > int(match[2]):
                raise ValueError("must have ranges as (a-b) with whole numbers a <= b, and (( for a parenthesis")
            else:
                ranges.append(range(int(match[1]), int(match[2]) + 1))
                texts.append("")
        texts[-1] += text[at:]
        return cls(tuple(texts), tuple(ranges))

    @property
    def how_many(self) -> int:
        """Number of names."""
        return prod(part.stop - part.start for part in self.ranges)

    def each(self) -> Iterator[str]:
        """Return the names, the last range varying fastest."""
        if not self.ranges:
            yield self.texts[0]
            return
        first, *others = self.texts
        for numbers in product(*self.ranges):
            yield first + "".join(f"{number}{text}" for number, text in zip(numbers, others, strict=True))


def without_ranges(name: str) -> str:
    """Return the text that stands for one name."""
    return name.replace("(", "((")


def matched(pattern: Sequence[str], name: str) -> tuple[str, ...] | None:
    """Return what each star matched; None where the name does not match. A pattern is the texts between its stars."""
    first, last = pattern[0], pattern[-1]
    if len(pattern) == 1:
        return () if name == first else None
    end = len(name) - len(last)
    at = len(first)
    if at > end or not (name.endswith(last) and name.startswith(first)):
        return None
    found = []
    for text in pattern[1:-1]:
        place = name.find(text, at, end)
        if place < 0:
            return None
        found.append(name[at:place])
        at = place + len(text)
    found.append(name[at:end])
    return tuple(found)


def filled(template: str, found: Sequence[str]) -> str:
    """Return a template with what the stars matched in its places."""
    return PLACE.sub(lambda place: found[int(place[1]) - 1], template) if "$" in template else template


def highest_place(template: str) -> int:
    """Return the largest n of a template's $n; 0 where there is none."""
    return max((int(place[1]) for place in PLACE.finditer(template)), default=0)
