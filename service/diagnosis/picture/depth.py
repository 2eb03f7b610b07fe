"""Line plots over depth: one figure of every layer, with what was to be expected behind it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from service.diagnosis.picture.scales import Scale, log_label, log_range, percent, plain_label, whole_ticks
from service.diagnosis.picture.style import (
    EDGE,
    FAINT_INK,
    GRID_LINE,
    INK,
    LABEL_SIZE,
    PAPER,
    TEXT_SIZE,
)
from service.diagnosis.picture.svg import Attributes, Markup, element, group, line, points, text, width_of
from service.diagnosis.picture.table import FIRST_LAYER, LINES, Line
from service.diagnosis.picture.values import Series, runs

PANEL_WIDTH: Final = 444.0
LEFT, RIGHT, TOP, BOTTOM = 46.0, 432.0, 42.0, 172.0
PANEL_HEIGHT: Final = BOTTOM + 40.0
MOST_MARKERS: Final = 64
# What is expected of a single layer has to have a width, too.
OVERHANG: Final = 5.0
LONE_OVERHANG: Final = 18.0
LEGEND_SWATCH: Final = 18.0


@dataclass(frozen=True, slots=True)
class Curve:
    """One figure of every layer, and how it is drawn."""

    name: str
    values: Series
    kind: str  # a key of LINES

    @property
    def look(self) -> Line:
        """How the curve looks."""
        return LINES[self.kind]

    @property
    def stroke(self) -> Attributes:
        """Attributes of the line."""
        return {"stroke": self.look.light, "stroke_width": 1.6, "stroke_dasharray": self.look.dash}


@dataclass(frozen=True)
class Panel:
    """One line plot. Where the first curve has no figure, a cross says so."""

    name: str  # for those who read the picture's source
    title: str
    curves: tuple[Curve, ...]  # from front to back
    band: tuple[Series, Series] | None = None
    is_share: bool = False  # from 0 to 100 % instead of a logarithmic axis

    @cached_property
    def x(self) -> Scale:
        """Places of the layers by number."""
        return Scale(FIRST_LAYER - 0.5, FIRST_LAYER + len(self.curves[0].values) - 0.5, LEFT, RIGHT)

    def layer(self, position: int) -> float:
        """Return the place of the layer at this position, counted from 0."""
        return self.x.place(FIRST_LAYER + position)

    @cached_property
    def y(self) -> Scale:
        """Places of the figures."""
        if self.is_share:
            return Scale(-0.04, 1.04, BOTTOM, TOP)
        figures = [*(curve.values for curve in self.curves), *(self.band or ())]
        low, high = log_range(value for values in figures for value in values if value is not None)
        return Scale(low, high, BOTTOM, TOP, is_log=True)


def drawn_panel(panel: Panel, absence: str) -> Markup:
    """Return a panel; `absence` is what it says if its first curve has no figure at all."""
    drawn = [text(0, 12, panel.title, font_size=TEXT_SIZE, font_weight="bold", fill=INK)]
    if not any(value is not None for value in panel.curves[0].values):
        middle = (LEFT + RIGHT) / 2
        drawn.append(_frame())
        drawn.append(
            text(middle, (TOP + BOTTOM) / 2, absence, text_anchor="middle", font_size=LABEL_SIZE + 1, fill=FAINT_INK)
        )
        return group(*drawn, id=panel.name)
    drawn += [*_axes(panel), *_bands(panel)]
    drawn += [_drawn_curve(panel, curve) for curve in reversed(panel.curves)]
    return group(*drawn, *_edge_marks(panel), *_legend(panel), id=panel.name)


def _frame() -> Markup:
    return element("rect", x=LEFT, y=TOP, width=RIGHT - LEFT, height=BOTTOM - TOP, fill="none", stroke=EDGE)


def _axes(panel: Panel) -> list[Markup]:
    axes = []
    label = percent if panel.is_share else log_label
    for tick in panel.y.ticks(6):
        y = panel.y.place(tick)
        axes.append(line(LEFT, y, RIGHT, y, stroke=GRID_LINE))
        axes.append(
            text(
                LEFT - 5, y + 3.5, label(tick), text_anchor="end", font_size=LABEL_SIZE, fill=FAINT_INK, class_="y tick"
            )
        )
    for number in whole_ticks(FIRST_LAYER, len(panel.curves[0].values), 13):
        x = panel.x.place(number)
        axes.append(line(x, BOTTOM, x, BOTTOM + 3, stroke=FAINT_INK))
        axes.append(
            text(x, BOTTOM + 14, plain_label(number), text_anchor="middle", font_size=LABEL_SIZE, fill=FAINT_INK,
                 class_="x tick")
        )  # fmt: skip
    middle = (LEFT + RIGHT) / 2
    axes.append(text(middle, BOTTOM + 27, "layer", text_anchor="middle", font_size=LABEL_SIZE, fill=FAINT_INK))
    axes.append(_frame())
    return axes


def _bands(panel: Panel) -> list[Markup]:
    if panel.band is None:
        return []
    lows, highs = panel.band
    bands = []
    for run in runs(position for position, high in enumerate(highs) if _is_shown(panel, high)):
        upper = [(panel.layer(position), _place(panel, highs[position])) for position in run]
        lower = [(panel.layer(position), _place(panel, lows[position])) for position in run]
        overhang = _overhang(panel)
        edge = [*_overhanging(upper, overhang), *reversed(_overhanging(lower, overhang))]
        bands.append(element("polygon", points=points(edge), fill=LINES["band"].light, class_="band"))
    return bands


def _overhang(panel: Panel) -> float:
    count = len(panel.curves[0].values)
    return min(OVERHANG, (RIGHT - LEFT) / count / 2) if count > 1 else LONE_OVERHANG


def _overhanging(places: Sequence[tuple[float, float]], overhang: float) -> list[tuple[float, float]]:
    (first, start), (last, end) = places[0], places[-1]
    return [(first - overhang, start), *places, (last + overhang, end)]


def _drawn_curve(panel: Panel, curve: Curve) -> Markup:
    shown = [position for position, value in enumerate(curve.values) if _is_shown(panel, value)]
    parts = []
    for run in runs(shown):
        places = [(panel.layer(position), _place(panel, curve.values[position])) for position in run]
        if len(run) > 1:
            parts.append(element("polyline", points=points(places), fill="none", **curve.stroke))
        elif not curve.look.marker:
            parts.append(
                element("polyline", points=points(_overhanging(places, _overhang(panel))), fill="none", **curve.stroke)
            )
        if len(shown) <= MOST_MARKERS or len(run) == 1:
            parts += [_marker(curve, x, y) for x, y in places if curve.look.marker]
    return group(*parts, class_=f"curve {curve.name.replace(' ', '-')}")


def _marker(curve: Curve, x: float, y: float) -> Markup:
    if curve.look.marker == "ring":
        return element("circle", cx=x, cy=y, r=3.5, fill=PAPER, stroke=curve.look.light, stroke_width=1.5)
    return element("circle", cx=x, cy=y, r=2.8, fill=curve.look.light)


def _edge_marks(panel: Panel) -> list[Markup]:
    """Return a cross for each layer without a figure, and an arrow where 0 lies below a logarithmic axis."""
    marks = []
    for position, value in enumerate(panel.curves[0].values):
        if value is None:
            marks.append(_cross(panel.layer(position), BOTTOM - 6))
        elif not _is_shown(panel, value):
            marks.append(_arrow(panel.layer(position), BOTTOM - 6, panel.curves[0].look.light))
    return marks


def _cross(x: float, y: float) -> Markup:
    d = f"M{x - 2.5:.2f} {y - 2.5:.2f}l5 5m-5 0l5 -5"
    return element("path", d=d, fill="none", stroke=LINES["absent"].light, stroke_width=1.2, class_="absent")


def _arrow(x: float, y: float, colour: str) -> Markup:
    d = f"M{x - 3:.2f} {y - 2:.2f}h6l-3 5Z"
    return element("path", d=d, fill=PAPER, stroke=colour, stroke_width=1.2, class_="zero")


def _legend(panel: Panel) -> list[Markup]:
    """Return a line below the title that names what is drawn."""
    legend, x, y = [], LEFT, 29.0
    front = panel.curves[0]
    entries: list[tuple[str, Markup]] = []
    for curve in panel.curves:
        swatch = [line(0, 0, LEGEND_SWATCH, 0, **curve.stroke)]
        swatch += [_marker(curve, LEGEND_SWATCH / 2, 0)] if curve.look.marker else []
        entries.append((curve.name, group(*swatch)))
    if panel.band is not None:
        band = element("rect", x=0, y=-5, width=LEGEND_SWATCH, height=10, fill=LINES["band"].light)
        entries.append(("95 % of layers", band))
    if any(value is None for value in front.values):
        entries.append(("no figure", _cross(LEGEND_SWATCH / 2, 0)))
    if any(value is not None and not _is_shown(panel, value) for value in front.values):
        entries.append(("zero", _arrow(LEGEND_SWATCH / 2, 0, front.look.light)))
    for name, swatch_of in entries:
        legend.append(group(swatch_of, transform=f"translate({x:.2f} {y - 3.5:.2f})"))
        legend.append(text(x + LEGEND_SWATCH + 5, y, name, font_size=LABEL_SIZE, fill=INK, class_="legend"))
        x += LEGEND_SWATCH + 5 + width_of(name, LABEL_SIZE) + 12
    return legend


def _is_shown(panel: Panel, value: float | None) -> bool:
    return value is not None and (panel.is_share or value > 0)


def _place(panel: Panel, value: float | None) -> float:
    """Return where a figure lies; what is below a logarithmic axis lies at its end."""
    return panel.y.place(value) if value is not None and _is_shown(panel, value) else BOTTOM
