"""Draw the pictures of README: python -m harness.pictures. They are answers of the service; a test holds them to it."""

import json
import re

import httpx

from harness.running import ROOT, running
from service.diagnosis.picture import style

FOLDER = ROOT / "docs/pictures"
PATH = "/diagnose.svg?layers=100,100,100,100,100,100&activation=sigmoid&scheme=fixed&std=1&seed=1"
# On a dark page: the colours of marks as the page at / draws them there, and those of paper and ink.
DRAWING = json.loads((ROOT / "service/diagnosis/picture/drawing.json").read_text(encoding="utf-8"))
DARK = {mark["light"]: mark["dark"] for table in ("lines", "signs") for mark in DRAWING[table].values()} | {
    style.PAPER: "#0d1117",
    style.INK: "#e6edf3",
    style.FAINT_INK: "#9da7b3",
    style.EDGE: "#3d444d",
    style.GRID_LINE: "#262c36",
    style.BEYOND: "#f0883e",
}
COLOUR = re.compile("#[0-9a-f]{6}")


def pictures(url: str) -> dict[str, str]:
    """Return the text of each file, as a running service draws it."""
    light = httpx.get(url + PATH, timeout=60).raise_for_status().text
    dark = COLOUR.sub(lambda colour: DARK[colour[0]], light)
    return {"diagnosis-light.svg": light, "diagnosis-dark.svg": dark}


def main() -> None:
    """Write the files."""
    FOLDER.mkdir(exist_ok=True)
    with running() as service:
        for name, text in pictures(service.url).items():
            (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
