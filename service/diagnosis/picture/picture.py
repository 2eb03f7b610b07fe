"""The whole picture: title, verdicts, histograms and line plots, one below the other."""

from collections.abc import Sequence
from itertools import groupby
from typing import Final

from service.describe.network import Language, Normalization
from service.diagnosis.picture.bars import MOST_CELLS
from service.diagnosis.picture.depth import PANEL_HEIGHT, PANEL_WIDTH, Curve, Panel, drawn_panel
from service.diagnosis.picture.histograms import height_of, histograms, key
from service.diagnosis.picture.marks import LINE_HEIGHT, finding_lines, findings, list_of_findings, words
from service.diagnosis.picture.scales import plain_label
from service.diagnosis.picture.style import (
    EDGE,
    FAINT_INK,
    FONT,
    INK,
    INNER,
    LABEL_SIZE,
    MARGIN,
    PAPER,
    TEXT_SIZE,
    TITLE_SIZE,
    WIDTH,
)
from service.diagnosis.picture.svg import Attributes, Markup, element, escaped, group, hint, shifted, text
from service.diagnosis.picture.table import FIRST_LAYER
from service.diagnosis.picture.values import expected_gradients, series
from service.diagnosis.report import LayerReport, Report
from service.diagnosis.verdicts import HEALTHY

HEADER: Final = 96.0
SECTION_HEAD: Final = 34.0
LEAST_REPEATED: Final = 4
LONGEST_SIZES: Final = 60


def picture(report: Report) -> bytes:
    """Return the picture of a diagnosis as an SVG file; the same report gives the same bytes."""
    layers = report.layers
    verdicts_top = HEADER + LINE_HEIGHT / 2
    cells_top = HEADER + len(findings(layers)) * LINE_HEIGHT + SECTION_HEAD
    panels_top = cells_top + height_of(len(layers)) + 18
    height = panels_top + 2 * PANEL_HEIGHT + 8
    paper = element("rect", x=0.5, y=0.5, width=WIDTH - 1, height=height - 1, rx=8, fill=PAPER, stroke=EDGE)
    body = group(
        *_header(report),
        list_of_findings(layers, 0, verdicts_top),
        _caption(layers, cells_top - 10),
        shifted(0, cells_top, histograms(layers)),
        *_panels(layers, panels_top),
        transform=f"translate({MARGIN:g} 0)",
    )
    description = element("desc", escaped(". ".join([*_described(report), *finding_lines(layers)])))
    size: Attributes = {"width": WIDTH, "height": height, "viewBox": f"0 0 {WIDTH:g} {height:g}"}
    root = element(
        "svg", hint(_title(report)), description, paper, body,
        xmlns="http://www.w3.org/2000/svg", role="img", font_family=FONT, **size,
    )  # fmt: skip
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{root}\n'.encode()


def _header(report: Report) -> list[Markup]:
    network, batch = _described(report)
    return [
        text(0, 34, _title(report), font_size=TITLE_SIZE, font_weight="bold", fill=INK),
        text(0, 53, network, font_size=TEXT_SIZE - 1, fill=FAINT_INK),
        text(0, 68, batch, font_size=TEXT_SIZE - 1, fill=FAINT_INK),
        text(0, 87, _advice(report), font_size=LABEL_SIZE + 0.5, fill=INK),
    ]


def _title(report: Report) -> str:
    layers = report.layers
    many = "1 layer" if len(layers) == 1 else f"{len(layers)} layers"
    return f"{many} of {layers[0].activation_function}, {_scheme(report)}: {words(report.verdict.code)}"


def _advice(report: Report) -> str:
    verdict = report.verdict
    advice = verdict.advice.sentence(Language.EN)
    return advice if verdict.code == HEALTHY.code else f"layer {FIRST_LAYER + verdict.layer}: {advice}"


def _scheme(report: Report) -> str:
    """Return the scheme in words, with what auto stands for."""
    network = report.network
    if network is None:
        return "uploaded weights"
    if isinstance(network.std, float):
        return f"{network.scheme} std {plain_label(network.std)}"
    used = " and ".join(dict.fromkeys(layer.scheme for layer in report.layers))
    return used if used == network.scheme else f"{network.scheme} ({used})"


def _described(report: Report) -> tuple[str, str]:
    """Return what was initialized, and what was sent through it."""
    layers, network = report.layers, report.network
    first, last = layers[0].activation_function, layers[-1].activation_function
    functions = f"activation {first}" + (f", at the output {last}" if first != last else "")
    drawn = "" if network is None else f", {network.distribution} weights in {network.dtype}"
    normalized = "batch normalization" if report.normalization is Normalization.BATCH else "no normalization"
    sizes = _sizes([layers[0].fan_in, *(layer.width for layer in layers)])
    return (
        f"Layers {sizes}; {functions}; {_scheme(report)}{drawn}; seed {report.seed}",
        f"{report.samples} samples of {report.input} input; {normalized}",
    )


def _sizes(sizes: Sequence[int]) -> str:
    """Return node counts in a line of bounded length: 784 → 100 (5 times) → 10."""
    parts: list[str] = []
    for size, run in groupby(sizes):
        count = len(list(run))
        parts += [f"{size} ({count} times)"] if count >= LEAST_REPEATED else [str(size)] * count
    while len(" → ".join(parts)) > LONGEST_SIZES and len(parts) > 3:
        parts = [*parts[: len(parts) // 2 - 1], "…", *parts[len(parts) // 2 + 1 :]]
    return " → ".join(parts)


def _caption(layers: Sequence[LayerReport], y: float) -> Markup:
    count = len(layers)
    which = f": {MOST_CELLS} of {count} layers, evenly spaced" if count > MOST_CELLS else ""
    return group(
        text(0, y, f"Activations{which}", font_size=TEXT_SIZE, font_weight="bold", fill=INK),
        text(INNER, y, key(layers), text_anchor="end", font_size=LABEL_SIZE, fill=FAINT_INK),
    )


def _panels(layers: Sequence[LayerReport], top: float) -> list[Markup]:
    overflowed = any(layer.activation.std is None for layer in layers)
    absence = "no figures: values overflowed float32" if overflowed else "no such figures"
    drawn = [drawn_panel(panel, absence) for panel in panels_of(layers)]
    return [
        shifted(place % 2 * (INNER - PANEL_WIDTH), top + place // 2 * PANEL_HEIGHT, panel)
        for place, panel in enumerate(drawn)
    ]


def panels_of(layers: Sequence[LayerReport]) -> tuple[Panel, ...]:
    """Return the line plots."""
    theory = series(layers, lambda layer: layer.theory.std)
    band = series(layers, lambda layer: layer.theory.std_low), series(layers, lambda layer: layer.theory.std_high)
    measured = Curve("measured", series(layers, lambda layer: layer.activation.std), "measured")
    gradients = Curve("measured", series(layers, lambda layer: layer.gradient.std), "measured")
    back = expected_gradients(layers, lambda layer: layer.theory.gradient_ratio)
    back_band = (
        expected_gradients(layers, lambda layer: layer.theory.gradient_ratio_low),
        expected_gradients(layers, lambda layer: layer.theory.gradient_ratio_high),
    )
    dead = Curve("dead nodes", series(layers, lambda layer: layer.nodes.dead_share), "measured")
    saturated = Curve("saturated activations", series(layers, lambda layer: layer.saturated_share), "saturated")
    rank = Curve("effective rank", series(layers, lambda layer: layer.nodes.effective_rank), "measured")
    width = Curve("width", [float(layer.width) for layer in layers], "width")
    shares = (dead, saturated) if any(value is not None for value in saturated.values) else (dead,)
    return (
        Panel("activation-std", "Std of the activations", (measured, Curve("theory", theory, "theory")), band),
        Panel(
            "gradient-std", "Std of the gradients",
            (gradients, Curve("theory going back", back, "theory")), back_band,
        ),
        Panel("shares", "Dead and saturated", shares, is_share=True),
        Panel("effective-rank", "Effective rank beside the width", (rank, width)),
    )  # fmt: skip
