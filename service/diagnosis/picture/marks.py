"""Signs of verdicts, always beside their names."""

from collections.abc import Sequence
from typing import Final

from service.diagnosis.picture.style import INK, LABEL_SIZE, PAPER
from service.diagnosis.picture.svg import Markup, element, group, shifted, text
from service.diagnosis.picture.table import FIRST_LAYER, SIGNS
from service.diagnosis.picture.values import runs
from service.diagnosis.report import LayerReport

SIGN_SIZE: Final = 10.0
LINE_HEIGHT: Final = 16.0
# From here on a list of layers is cut short.
MOST_RUNS: Final = 12


def drawn_sign(code: str, x: float, y: float) -> Markup:
    """Return the sign of a verdict with its upper left corner at (x, y)."""
    sign = SIGNS[code]
    shapes = [element("path", d=sign.body, fill=sign.light)]
    if sign.detail:
        shapes.append(element("path", d=sign.detail, fill="none", stroke=PAPER, stroke_width=1.5))
    return shifted(x, y, *shapes, class_=f"sign {code}")


def words(code: str) -> str:
    """Return a verdict's code as one reads it."""
    return code.replace("_", " ")


def findings(layers: Sequence[LayerReport]) -> dict[str, list[int]]:
    """Return the numbers of the layers that have each verdict, the worst verdict first."""
    numbers: dict[str, list[int]] = {code: [] for code in SIGNS}
    for number, layer in enumerate(layers, FIRST_LAYER):
        for verdict in layer.verdicts:
            numbers[verdict.code].append(number)
    return {code: numbers[code] for code in SIGNS if numbers[code]}


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
