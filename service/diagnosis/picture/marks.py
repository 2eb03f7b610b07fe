"""A sign for each verdict: a shape and a colour, always beside its name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from service.diagnosis.picture.style import FAINT_INK, INK, LABEL_SIZE, PAPER
from service.diagnosis.picture.svg import Markup, element, group, shifted, text
from service.diagnosis.picture.values import runs
from service.diagnosis.report import LayerReport

SIGN_SIZE: Final = 10.0
LINE_HEIGHT: Final = 16.0
# From here on a list of layers is cut short.
MOST_RUNS: Final = 12


@dataclass(frozen=True, slots=True)
class Sign:
    """What stands for a verdict, in a square of 10 pixels."""

    colour: str
    body: str  # a filled path
    detail: str = ""  # a stroked path on top of it, in the colour of the paper


_UP, _DOWN = "M5 0.5L10 9.5H0Z", "M5 9.5L0 0.5H10Z"
_CIRCLE, _SQUARE = "M5 0a5 5 0 1 0 0 10a5 5 0 1 0 0 -10Z", "M0.5 0.5H9.5V9.5H0.5Z"
_RED, _ORANGE, _VIOLET, _BROWN = "#c1121f", "#c2410c", "#5b3fb5", "#8a5a00"

# From the worst to the least, as verdicts are ordered. Shapes say what, so that colour need not.
SIGNS: Mapping[str, Sign] = MappingProxyType(
    {
        "non_finite": Sign(_RED, "M2 0L5 3L8 0L10 2L7 5L10 8L8 10L5 7L2 10L0 8L3 5L0 2Z"),
        "exploding_gradients": Sign(_ORANGE, _UP),
        "vanishing_gradients": Sign(_VIOLET, _DOWN),
        "exploding_activations": Sign(_ORANGE, _UP, "M5 4V8.5"),
        "vanishing_activations": Sign(_VIOLET, _DOWN, "M5 1.5V6"),
        "dead": Sign("#3d444d", _SQUARE, "M2.5 2.5L7.5 7.5M7.5 2.5L2.5 7.5"),
        "saturated": Sign(_BROWN, "M5 0L10 5L5 10L0 5Z"),
        "same_outputs": Sign("#a8327d", "M0 1.5H10V4H0ZM0 6H10V8.5H0Z"),
        "healthy": Sign("#1a7f37", _CIRCLE, "M2.5 5.2L4.3 7L7.5 3.2"),
    }
)
UNKNOWN = Sign(FAINT_INK, _CIRCLE)


def sign_of(code: str) -> Sign:
    """Return the sign of a verdict."""
    return SIGNS.get(code, UNKNOWN)


def drawn_sign(code: str, x: float, y: float) -> Markup:
    """Return the sign of a verdict with its upper left corner at (x, y)."""
    sign = sign_of(code)
    shapes = [element("path", d=sign.body, fill=sign.colour)]
    if sign.detail:
        shapes.append(element("path", d=sign.detail, fill="none", stroke=PAPER, stroke_width=1.5))
    return shifted(x, y, *shapes, class_=f"sign {code}")


def words(code: str) -> str:
    """Return a verdict's code as one reads it."""
    return code.replace("_", " ")


def findings(layers: Sequence[LayerReport]) -> dict[str, list[int]]:
    """Return the numbers of the layers that have each verdict, the worst verdict first."""
    found: dict[str, list[int]] = {}
    for position, layer in enumerate(layers):
        for verdict in layer.verdicts:
            found.setdefault(verdict.code, []).append(position)
    order = [*SIGNS, *(code for code in found if code not in SIGNS)]
    return {code: found[code] for code in order if code in found}


def spans(numbers: Sequence[int]) -> str:
    """Return ascending numbers in words: 0–3, 7."""
    named = [str(run[0]) if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs(numbers)]
    return ", ".join(named[:MOST_RUNS]) + (" …" if len(named) > MOST_RUNS else "")


def finding_lines(layers: Sequence[LayerReport]) -> list[str]:
    """Return one line of text for each verdict that some layer has."""
    return [f"{words(code)}: {_where(numbers, len(layers))}" for code, numbers in findings(layers).items()]


def list_of_findings(layers: Sequence[LayerReport], x: float, y: float) -> Markup:
    """Return the same lines with their signs, the first of them centred on `y`."""
    rows = []
    for place, (code, content) in enumerate(zip(findings(layers), finding_lines(layers), strict=True)):
        middle = y + place * LINE_HEIGHT
        rows.append(drawn_sign(code, x, middle - SIGN_SIZE / 2))
        rows.append(text(x + 16, middle + 3.5, content, font_size=LABEL_SIZE + 1, fill=INK))
    return group(*rows, class_="findings")


def _where(numbers: Sequence[int], count: int) -> str:
    if len(numbers) == count:
        return "the only layer" if count == 1 else f"all {count} layers"
    return f"layer{'s' if len(numbers) > 1 else ''} {spans(numbers)}"
