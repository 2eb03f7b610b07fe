"""One histogram of activations for each layer, all on one axis."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from service.diagnosis.picture.bars import Axis, Bars, bars_of, chosen, common_axis, highest_share
from service.diagnosis.picture.marks import drawn_sign, words
from service.diagnosis.picture.scales import Scale, percent, plain_label
from service.diagnosis.picture.style import (
    BEYOND,
    EDGE,
    FAINT_INK,
    INK,
    INNER,
    LABEL_SIZE,
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
    text_over,
)
from service.diagnosis.picture.table import BOUNDED, FIRST_LAYER, HISTOGRAMS, LINES
from service.diagnosis.report import LayerReport

MOST_COLUMNS: Final = 8
WIDEST_CELL: Final = 220.0
GAP: Final = 8.0
HEAD, PLOT, FOOT = 32.0, 60.0, 22.0
CELL_HEIGHT: Final = HEAD + PLOT + FOOT
# Room beside the axis, so that bars at its ends stand free of the frame.
INSET: Final = 3.0


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
    positions = chosen(len(layers))
    columns, width = columns_of(len(positions))
    every = [bars_of(layers[position], axis) for position in positions]
    highest = highest_share([bars for bars in every if bars is not None])
    cells = []
    for place, (position, bars) in enumerate(zip(positions, every, strict=True)):
        row, column = divmod(place, columns)
        head = [hint(_in_words(layers[position], position)), *_heading(layers[position], position)]
        plot = _plot(layers[position], bars, highest, axis, width)
        cells.append(shifted(column * (width + GAP), row * CELL_HEIGHT, *head, *plot, class_="layer"))
    return group(*cells, class_="histograms")


def key(layers: Sequence[LayerReport]) -> str:
    """Return in words what the histograms of these layers show beside bars."""
    axis = common_axis(layers)
    drawn = [bars for position in chosen(len(layers)) if (bars := bars_of(layers[position], axis)) is not None]
    parts = ["common axes"]
    if any(layer.activation_function.name in BOUNDED for layer in layers):
        parts.append("dashes: saturation begins")
    if any(max(bars.below, bars.above) >= HISTOGRAMS.least_share_named for bars in drawn):
        parts.append("arrows: values beyond the axis")
    if any(bars.shares.max() > HISTOGRAMS.highest_share for bars in drawn):
        parts.append(f"bars are cut at {percent(HISTOGRAMS.highest_share)}")
    return "; ".join(parts)


def _plot(layer: LayerReport, bars: Bars | None, highest: float, axis: Axis, width: float) -> list[Markup]:
    scale = Scale(axis.low, axis.high, INSET, width - INSET)
    frame = _frame(scale, width)
    if bars is None:
        middle = HEAD + PLOT / 2 + 3
        return [*frame, text(width / 2, middle, "overflow", text_anchor="middle", font_size=LABEL_SIZE, fill=FAINT_INK)]
    return [*frame, _drawn_bars(bars, highest, scale, axis), *_saturation(layer, scale), *_beyond(bars, width)]


def _in_words(layer: LayerReport, position: int) -> str:
    std = layer.activation.std
    figures = "" if std is None else f", activations of std {plain_label(std)}"
    verdicts = "".join(f" {words(verdict.code)}: {verdict.evidence}." for verdict in layer.verdicts)
    nodes = f"{layer.width} nodes, {layer.activation_function}"
    return f"layer {FIRST_LAYER + position}, {layer.name}: {nodes}{figures}.{verdicts}"


def _heading(layer: LayerReport, position: int) -> list[Markup]:
    worst, *others = layer.verdicts
    name = f"layer {FIRST_LAYER + position}" + (f" (+{len(others)})" if others else "")
    return [
        drawn_sign(worst.code, 0, 2),
        text(14, 10.5, name, font_size=LABEL_SIZE, font_weight="bold", fill=INK),
        text(0, 23, words(worst.code), font_size=SMALL_SIZE, fill=INK, class_="verdict"),
    ]


def _frame(scale: Scale, width: float) -> list[Markup]:
    bottom = HEAD + PLOT
    frame = [element("rect", x=0, y=HEAD, width=width, height=PLOT, fill="none", stroke=EDGE)]
    for tick in scale.ticks(5 if width > WIDEST_CELL / 2 else 3):
        x = scale.place(tick)
        label: Attributes = {"text_anchor": "middle", "font_size": SMALL_SIZE, "fill": FAINT_INK, "class_": "tick"}
        frame.append(line(x, bottom, x, bottom + 3, stroke=FAINT_INK))
        frame.append(text(x, bottom + 12, plain_label(tick), **label))
    return frame


def _saturation(layer: LayerReport, scale: Scale) -> list[Markup]:
    """Return the values at which saturation begins, as lines, with tips that show above bars which hide the lines."""
    bounded = BOUNDED.get(layer.activation_function.name)
    places = [scale.place(value) for value in bounded.flat] if bounded else []
    colour = LINES["saturated"].light
    stroke: Attributes = {"stroke": colour, "stroke_dasharray": LINES["saturated"].dash, "class_": "saturation"}
    lines = [line(x, HEAD, x, HEAD + PLOT, **stroke) for x in places]
    return lines + [element("path", d=f"M{number(x - 3)} {number(HEAD - 4)}h6l-3 4Z", fill=colour) for x in places]


def _drawn_bars(bars: Bars, highest: float, scale: Scale, axis: Axis) -> Markup:
    """Return one outline of all bins; bars above `highest` are cut there."""
    base = HEAD + PLOT
    heights = PLOT * np.minimum(bars.shares / highest, 1.0)
    outline = "".join(
        f"V{number(base - height)}H{number(scale.place(edge))}"
        for height, edge in zip(heights.tolist(), axis.edges()[1:].tolist(), strict=True)
    )
    # The stroke keeps bars visible that are lower than a pixel.
    paint: Attributes = {"fill": LINES["measured"].light, "stroke": LINES["measured"].light, "stroke_width": 0.6}
    return element(
        "path", d=f"M{number(scale.place(axis.low))} {number(base)}{outline}V{number(base)}Z", **paint, class_="bars"
    )


def _beyond(bars: Bars, width: float) -> list[Markup]:
    """Return arrows to where values lie that the axis does not reach, with their share."""
    style: Attributes = {"font_size": LABEL_SIZE, "fill": BEYOND, "class_": "beyond"}
    middle = HEAD + PLOT / 2 + 3
    arrows = []
    if bars.below >= HISTOGRAMS.least_share_named:
        arrows.append(text_over(4, middle, f"← {percent(bars.below)}", **style))
    if bars.above >= HISTOGRAMS.least_share_named:
        arrows.append(text_over(width - 4, middle, f"{percent(bars.above)} →", text_anchor="end", **style))
    return arrows
