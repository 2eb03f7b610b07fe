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
GRID_LINE: Final = "#e6eaef"
BEYOND: Final = "#a34700"  # the colour of saturation, dark enough for small text
