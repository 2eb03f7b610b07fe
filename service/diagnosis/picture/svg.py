"""SVG as text: elements, escaped text and short numbers. The same calls give the same bytes."""

import re
from collections.abc import Iterable
from html import escape
from typing import NewType

from service.diagnosis.picture.style import PAPER

Markup = NewType("Markup", str)  # well-formed XML, safe to be put into an element

Attributes = dict[str, str | float]

# What XML 1.0 cannot hold at all, escaped or not: section 2.2.
ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# Advance of a character in sizes of the font: a wide one, DejaVu Sans, so that others have room to spare.
CHARACTER = 0.6


def escaped(content: str) -> Markup:
    """Return text that says the same within an element or an attribute; what XML cannot hold becomes U+FFFD."""
    return Markup(escape(ILLEGAL.sub("\ufffd", content)))


def number(value: float) -> str:
    """Return a coordinate to a hundredth of a pixel."""
    written = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if written == "-0" else written


def element(name: str, *children: Markup, **attributes: str | float) -> Markup:
    """Return an element; `_` in the names of attributes stands for `-`, and one at their end for nothing."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escaped(value) if isinstance(value, str) else number(value)}"'
        for key, value in attributes.items()
    )
    return Markup(f"<{name}{written}>{''.join(children)}</{name}>" if children else f"<{name}{written}/>")


def text(x: float, y: float, content: str, **attributes: str | float) -> Markup:
    """Return a line of text whose base line begins at (x, y), unless `text_anchor` says otherwise."""
    return element("text", escaped(content), x=x, y=y, **attributes)


def text_over(x: float, y: float, content: str, **attributes: str | float) -> Markup:
    """Return a line of text with a halo, for places where something else is drawn."""
    halo: Attributes = {"stroke": PAPER, "stroke_width": 3, "stroke_linejoin": "round", "paint_order": "stroke"}
    return text(x, y, content, **halo, **attributes)


def hint(content: str) -> Markup:
    """Return what a reader tells of the element around it: on hovering, or aloud."""
    return element("title", escaped(content))


def group(*children: Markup, **attributes: str | float) -> Markup:
    """Return an element that holds others."""
    return element("g", *children, **attributes)


def shifted(x: float, y: float, *children: Markup, **attributes: str | float) -> Markup:
    """Return elements moved by (x, y)."""
    return group(*children, transform=f"translate({number(x)} {number(y)})", **attributes)


def line(x1: float, y1: float, x2: float, y2: float, **attributes: str | float) -> Markup:
    """Return a straight line."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, **attributes)


def points(places: Iterable[tuple[float, float]]) -> str:
    """Return places as the attribute `points` has them."""
    return " ".join(f"{number(x)},{number(y)}" for x, y in places)


def width_of(content: str, size: float) -> float:
    """Return about how wide a line of text is, in pixels."""
    return CHARACTER * size * len(content)
