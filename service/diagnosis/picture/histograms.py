"""One histogram of activations for each layer, all on one axis."""

import math
from collections.abc import Sequence
from typing import Final

from service.diagnosis.picture.bars import Axis, Bars, bars_of, chosen, common_axis
from service.diagnosis.picture.marks import drawn_sign, words
from service.diagnosis.picture.scales import Scale, percent, plain_label
from service.diagnosis.picture.style import (
    BEYOND,
    EDGE,
    FAINT_INK,
    INK,
    INNER,
    LABEL_SIZE,
    MEASURED,
    PAPER,
    SECOND,
    SMALL_SIZE,
)
from service.diagnosis.picture.svg import (
    Attributes,
    Markup,
    element,
    group,
    hint,
    line,
    number,
    shifted,
    text,
    told_over,
    width_of,
)
from service.diagnosis.picture.values import known, saturation
from service.diagnosis.report import LayerReport

MOST_COLUMNS: Final = 8
WIDEST_CELL: Final = 220.0
GAP: Final = 8.0
HEAD, PLOT, FOOT = 32.0, 60.0, 22.0
CELL_HEIGHT: Final = HEAD + PLOT + FOOT
LEAST_SHARE_NAMED: Final = 0.01
ZEROS_WIDTH: Final = 3.0


def columns_of(count: int) -> tuple[int, float]:
    """Return how many cells stand in a row, and the width of each: rows of about equal length."""
    rows = math.ceil(count / MOST_COLUMNS)
    columns = math.ceil(count / rows)
    return columns, min((INNER - (columns - 1) * GAP) / columns, WIDEST_CELL)


def height_of(count: int) -> float:
    """Return the height of the histograms of so many layers."""
    cells = len(chosen(count))
    return math.ceil(cells / columns_of(cells)[0]) * CELL_HEIGHT


def histograms(layers: Sequence[LayerReport]) -> Markup:
    """Return the histograms, in rows."""
    axis = common_axis(layers)
    numbers = chosen(len(layers))
    columns, width = columns_of(len(numbers))
    cells = []
    for place, layer in enumerate(layers[position] for position in numbers):
        row, column = divmod(place, columns)
        cells.append(shifted(column * (width + GAP), row * CELL_HEIGHT, *_cell(layer, axis, width), class_="layer"))
    return group(*cells, class_="histograms")


def key(layers: Sequence[LayerReport]) -> str:
    """Return in words what the histograms of these layers show beside bars."""
    axis = common_axis(layers)
    drawn = [bars for number in chosen(len(layers)) if (bars := bars_of(layers[number], axis)) is not None]
    said = ["common axis, heights up to the tallest bar"]
    if any(saturation(layer.activation_function) for layer in layers):
        said.append("dashes: saturation begins")
    if any(max(bars.below, bars.above) >= LEAST_SHARE_NAMED for bars in drawn):
        said.append("arrows: values beyond the axis")
    if any(bars.largest > bars.tallest for bars in drawn):
        said.append("gaps: bars cut short")
    return "; ".join(said)


def _cell(layer: LayerReport, axis: Axis, width: float) -> list[Markup]:
    scale = Scale(axis.low, axis.high, 0.0, width)
    found = [hint(_told(layer)), *_heading(layer), *_frame(scale)]
    bars = bars_of(layer, axis)
    if bars is None:
        middle = HEAD + PLOT / 2 + 3
        return [*found, text(width / 2, middle, "overflow", text_anchor="middle", font_size=LABEL_SIZE, fill=FAINT_INK)]
    return [*found, *_drawn_bars(bars, scale), *_saturation(layer, scale), *_beyond(bars, width)]


def _told(layer: LayerReport) -> str:
    std = known(layer.activation.std)
    figures = "" if std is None else f", activations of std {plain_label(std)}"
    verdicts = "".join(f" {words(verdict.code)}: {verdict.evidence}." for verdict in layer.verdicts)
    return f"{layer.name}: {layer.width} nodes, {layer.activation_function}{figures}.{verdicts}"


def _heading(layer: LayerReport) -> list[Markup]:
    worst, *others = layer.verdicts
    name = f"{layer.name} (+{len(others)})" if others else layer.name
    return [
        drawn_sign(worst.code, 0, 2),
        text(14, 10.5, name, font_size=LABEL_SIZE, font_weight="bold", fill=INK),
        text(0, 23, words(worst.code), font_size=SMALL_SIZE, fill=INK, class_="verdict"),
    ]


def _frame(scale: Scale) -> list[Markup]:
    bottom = HEAD + PLOT
    found = [element("rect", x=0, y=HEAD, width=scale.stop, height=PLOT, fill="none", stroke=EDGE)]
    for tick in scale.ticks(5 if scale.stop > WIDEST_CELL / 2 else 3):
        x = scale.place(tick)
        label: Attributes = {"text_anchor": "middle", "font_size": SMALL_SIZE, "fill": FAINT_INK, "class_": "tick"}
        found.append(line(x, bottom, x, bottom + 3, stroke=FAINT_INK))
        found.append(text(x, bottom + 12, plain_label(tick), **label))
    return found


def _saturation(layer: LayerReport, scale: Scale) -> list[Markup]:
    """Return the values at which saturation begins, as lines, with tips that show above bars which hide the lines."""
    places = [scale.place(value) for value in saturation(layer.activation_function)]
    stroke: Attributes = {"stroke": SECOND, "stroke_dasharray": "3 2", "class_": "saturation"}
    lines = [line(x, HEAD, x, HEAD + PLOT, **stroke) for x in places]
    return lines + [element("path", d=f"M{number(x - 3)} {number(HEAD - 4)}h6l-3 4Z", fill=SECOND) for x in places]


def _drawn_bars(bars: Bars, scale: Scale) -> list[Markup]:
    """Return one outline of all bins, a bar at 0, and what says that one of them is cut."""
    base, tallest = HEAD + PLOT, bars.tallest
    found, cuts, outline = [], [], ""
    # The strokes keep bars visible that are narrower than a pixel.
    paint: Attributes = {"fill": MEASURED, "stroke": MEASURED, "stroke_width": 0.6}
    for low, high, share in bars.shown:
        left, right = _within(scale, low), _within(scale, high)
        outline += f"V{number(base - PLOT * min(share / tallest, 1.0))}H{number(right)}"
        cuts += _cut(left, right, share, scale.stop) if share > tallest else []
    if any(share for *_, share in bars.shown):
        start = number(_within(scale, bars.shown[0][0]))
        found.append(element("path", d=f"M{start} {number(base)}{outline}V{number(base)}Z", **paint, class_="bars"))
    if bars.zeros:
        height = PLOT * min(bars.zeros / tallest, 1.0)
        left = scale.place(0) - ZEROS_WIDTH / 2
        bar: Attributes = {"x": left, "y": base - height, "width": ZEROS_WIDTH, "height": height}
        found.append(element("rect", **bar, **paint, class_="zeros"))
        cuts += _cut(left, left + ZEROS_WIDTH, bars.zeros, scale.stop) if bars.zeros > tallest else []
    return [*found, *cuts]


def _cut(left: float, right: float, share: float, width: float) -> list[Markup]:
    """Return a gap near the top of a bar, and beside it the share of the values that the bar stands for."""
    gap = line(left - 3, HEAD + 14, right + 3, HEAD + 10, stroke=PAPER, stroke_width=2.5)
    told = percent(share)
    fits = right + 4 + width_of(told, SMALL_SIZE) < width
    x, anchor = (right + 4, "start") if fits else (left - 4, "end")
    return [gap, told_over(x, HEAD + 9, told, text_anchor=anchor, font_size=SMALL_SIZE, fill=INK, class_="cut")]


def _beyond(bars: Bars, width: float) -> list[Markup]:
    """Return arrows to where values lie that the axis does not reach, with their share."""
    style: Attributes = {"font_size": LABEL_SIZE, "fill": BEYOND, "class_": "beyond"}
    middle = HEAD + PLOT / 2 + 3
    found = []
    if bars.below >= LEAST_SHARE_NAMED:
        found.append(told_over(4, middle, f"← {percent(bars.below)}", **style))
    if bars.above >= LEAST_SHARE_NAMED:
        found.append(told_over(width - 4, middle, f"{percent(bars.above)} →", text_anchor="end", **style))
    return found


def _within(scale: Scale, value: float) -> float:
    return min(max(scale.place(value), scale.start), scale.stop)
