"""The picture of a training: its loss, its accuracy and the gradients of its layers over the steps, as one SVG."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from service.describe.network import Language, Normalization
from service.diagnosis.picture.scales import Scale, log_label, log_range, percent, plain_label
from service.diagnosis.picture.style import (
    EDGE,
    FAINT_INK,
    FONT,
    GRID_LINE,
    INK,
    INNER,
    LABEL_SIZE,
    MARGIN,
    PAPER,
    TEXT_SIZE,
    TITLE_SIZE,
    WIDTH,
)
from service.diagnosis.picture.svg import (
    Attributes,
    Markup,
    element,
    escaped,
    group,
    hint,
    line,
    points,
    shifted,
    text,
    text_over,
)
from service.learning.curves import Course
from service.learning.messages import sentence
from service.numerics.activations import function_of

HEADER: Final = 92.0
LEFT, RIGHT, TOP, BOTTOM = 46.0, INNER - 76.0, 30.0, 190.0
PANEL_HEIGHT: Final = BOTTOM + 44.0
# Of so many layers at most the gradients are drawn: the first, the last, and some evenly between.
MOST_LAYERS: Final = 6
# Told apart by their dashes too, where no colour is seen: Okabe and Ito 2008, Color universal design.
COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#8a6d00")
DASHES: Final = ("none", "7 3", "2 2", "7 2 2 2", "12 4", "1 3")
LABEL_GAP: Final = 11.0

Series = Sequence[tuple[int, float]]  # steps and values, as far as there are any


@dataclass(frozen=True, slots=True)
class Panel:
    """One plot over the steps."""

    title: str
    curves: tuple[tuple[str, Series], ...]  # names and values
    is_share: bool = False  # from 0 to 100 % instead of a logarithmic axis


def picture(course: Course) -> bytes:
    """Return the picture of a training as an SVG file; the same training gives the same bytes."""
    panels = panels_of(course)
    height = HEADER + len(panels) * PANEL_HEIGHT
    paper = element("rect", x=0.5, y=0.5, width=WIDTH - 1, height=height - 1, rx=8, fill=PAPER, stroke=EDGE)
    last = max(course.points[-1].step, 1)
    drawn = [shifted(0, HEADER + place * PANEL_HEIGHT, *_drawn(panel, last)) for place, panel in enumerate(panels)]
    body = group(*_header(course), *drawn, transform=f"translate({MARGIN:g} 0)")
    size: Attributes = {"width": WIDTH, "height": height, "viewBox": f"0 0 {WIDTH:g} {height:g}"}
    root = element(
        "svg", hint(_title(course)), element("desc", escaped(_sentence(course))), paper, body,
        xmlns="http://www.w3.org/2000/svg", role="img", font_family=FONT, **size,
    )  # fmt: skip
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{root}\n'.encode()


def panels_of(course: Course) -> tuple[Panel, ...]:
    """Return the plots."""
    steps = course.points
    names = [layer.name for layer in steps[0].layers]
    shown = list(range(len(names)))
    if len(names) > MOST_LAYERS:
        shown = [round(place * (len(names) - 1) / (MOST_LAYERS - 1)) for place in range(MOST_LAYERS)]
    gradients = tuple(
        (names[number], _series((point.step, point.layers[number].gradient_std) for point in steps)) for number in shown
    )
    return (
        Panel("Training loss", (("training", _series((point.step, point.training_loss) for point in steps)),)),
        Panel(
            "Share of the samples that are right",
            (
                ("test", _series((point.step, point.test_accuracy) for point in steps)),
                ("training", _series((point.step, point.training_accuracy) for point in steps)),
            ),
            is_share=True,
        ),
        Panel("Std of the gradient at the weights", gradients),
    )


def _series(values: Iterator[tuple[int, float | None]]) -> Series:
    return [(step, value) for step, value in values if value is not None]


def _title(course: Course) -> str:
    asked = course.asked
    scheme = "own weights" if course.network is None else str(course.network.scheme)
    function = function_of(asked.activation, asked.slope, asked.alpha)
    return f"{function}, {scheme}, {asked.optimizer} {plain_label(asked.learning_rate)}: {course.outcome.code}"


def _sentence(course: Course) -> str:
    outcome = course.outcome
    return sentence(outcome.relation, outcome.what, outcome.why, Language.EN)


def _header(course: Course) -> list[Markup]:
    asked, layers = course.asked, course.points[0].layers
    normalized = "batch normalization" if asked.normalization is Normalization.BATCH else "no normalization"
    batches = f"batches of {asked.batch} of {course.sizes.training} samples of {asked.data}"
    described = f"{len(layers)} layers, {course.parameters} parameters; {batches}; {normalized}; seed {course.seed}"
    return [
        text(0, 34, _title(course), font_size=TITLE_SIZE, font_weight="bold", fill=INK),
        text(0, 53, described, font_size=TEXT_SIZE - 1, fill=FAINT_INK),
        text(0, 74, _sentence(course), font_size=TEXT_SIZE - 1, fill=INK),
    ]


def _drawn(panel: Panel, last: int) -> Iterator[Markup]:
    values = [value for _, series in panel.curves for _, value in series]
    low, high = (0.0, 1.0) if panel.is_share else log_range(values)
    across, up = Scale(0.0, float(last), LEFT, RIGHT), Scale(low, high, BOTTOM, TOP, is_log=not panel.is_share)
    yield text(0, TOP - 12, panel.title, font_size=TEXT_SIZE, font_weight="bold", fill=INK)
    for tick in up.ticks(5):
        label = percent(tick) if panel.is_share else log_label(tick)
        yield line(LEFT, up.place(tick), RIGHT, up.place(tick), stroke=GRID_LINE)
        yield text(LEFT - 6, up.place(tick) + 3.5, label, text_anchor="end", font_size=LABEL_SIZE, fill=FAINT_INK)
    for tick in across.ticks(8):
        x, label = across.place(tick), plain_label(tick)
        yield text(x, BOTTOM + 15, label, text_anchor="middle", font_size=LABEL_SIZE, fill=FAINT_INK)
    yield text(RIGHT, BOTTOM + 28, "steps", text_anchor="end", font_size=LABEL_SIZE, fill=FAINT_INK)
    yield line(LEFT, BOTTOM, RIGHT, BOTTOM, stroke=EDGE)
    if not values:
        yield text_over((LEFT + RIGHT) / 2, (TOP + BOTTOM) / 2, "no figures", font_size=LABEL_SIZE, fill=FAINT_INK)
    yield from _curves(panel, across, up)


def _curves(panel: Panel, across: Scale, up: Scale) -> Iterator[Markup]:
    """Yield the curves, each named at its end; names that would lie on each other are moved apart."""
    below = BOTTOM + LABEL_GAP
    ends: list[tuple[float, str, str]] = []
    for place, (name, series) in enumerate(panel.curves):
        shown = [(across.place(step), up.place(value)) for step, value in series if panel.is_share or value > 0]
        if not shown:
            continue
        colour, dash = COLOURS[place % len(COLOURS)], DASHES[place % len(DASHES)]
        look: Attributes = {"fill": "none", "stroke": colour, "stroke_width": 1.6, "stroke_dasharray": dash}
        if len(shown) == 1:
            yield element("circle", cx=shown[0][0], cy=shown[0][1], r=3.0, fill=colour)
        else:
            yield element("polyline", points=points(shown), **look)
        ends.append((shown[-1][1], name, colour))
    for y, name, colour in sorted(ends, reverse=True):
        below = min(y, below - LABEL_GAP)
        yield text(RIGHT + 6, below + 3.5, name, font_size=LABEL_SIZE, fill=colour)
