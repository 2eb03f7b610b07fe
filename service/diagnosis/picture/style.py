"""Sizes and colours of the picture."""

from typing import Final

WIDTH: Final = 960.0
MARGIN: Final = 24.0
INNER: Final = WIDTH - 2 * MARGIN

FONT: Final = "Helvetica, Arial, 'DejaVu Sans', sans-serif"
TITLE_SIZE: Final = 18.0
TEXT_SIZE: Final = 12.0
LABEL_SIZE: Final = 10.0
SMALL_SIZE: Final = 8.5

# The picture brings its own paper, so that it reads the same on a light and on a dark page.
PAPER: Final = "#ffffff"
INK: Final = "#1f2328"
FAINT_INK: Final = "#59636e"
EDGE: Final = "#d1d9e0"
GRID: Final = "#e6eaef"

# Blue and vermilion of Okabe and Ito 2008, Color Universal Design: told apart with every kind of colour vision.
MEASURED: Final = "#0072b2"
SECOND: Final = "#d55e00"
BEYOND: Final = "#a34700"  # the same, dark enough for small text
THEORY: Final = "#6e7781"
BAND: Final = "#d8dee4"
