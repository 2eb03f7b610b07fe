"""Reads a picture back: what its axes say that its points and bars are worth."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from service.diagnosis.picture.picture import picture
from service.diagnosis.report import Report

SVG = "{http://www.w3.org/2000/svg}"
SUPERSCRIPTS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
Node = ET.Element


@dataclass(frozen=True)
class Drawn:
    """A picture that has been parsed."""

    root: Node

    def all(self, name: str, kind: str = "", within: Node | None = None) -> list[Node]:
        """Return the elements of a name that have all classes in `kind`."""
        nodes = (self.root if within is None else within).iter(f"{SVG}{name}")
        return [node for node in nodes if set(kind.split()) <= set(node.get("class", "").split())]

    def panel(self, name: str) -> Node:
        (panel,) = [node for node in self.all("g") if node.get("id") == name]
        return panel

    def cells(self) -> list[Node]:
        return self.all("g", "layer")

    def texts(self, within: Node | None = None) -> list[str]:
        return [node.text or "" for node in self.all("text", within=within)]

    def points(self, panel: str, curve: str) -> dict[float, float]:
        """Return the figures of a curve by number of the layer, as the ticks of the panel's axes say."""
        frame, (x, y) = self.panel(panel), self.axes(panel)
        (drawn,) = [
            node for node in self.all("g", "curve", frame) if node.get("class") == f"curve {curve.replace(' ', '-')}"
        ]
        places = [(place(mark, "cx"), place(mark, "cy")) for mark in self.all("circle", within=drawn)]
        if not places:
            places = [pair for line in self.all("polyline", within=drawn) for pair in pairs(line)]
        return {round(x(left), 3): y(top) for left, top in places}

    def band(self, panel: str) -> list[tuple[float, float]]:
        """Return the corners of a panel's band: layer, which may lie a little beside its own, and figure."""
        x, y = self.axes(panel)
        bands = self.all("polygon", "band", self.panel(panel))
        return [(x(left), y(top)) for band in bands for left, top in pairs(band)]

    def axes(self, panel: str) -> tuple[Callable[[float], float], Callable[[float], float]]:
        """Return what places in a panel are worth, across and upwards."""
        frame = self.panel(panel)
        x = axis([(place(tick, "x"), number(tick)) for tick in self.all("text", "x tick", frame)])
        # The words of a tick stand a little below the place that they name.
        ticks = [(place(tick, "y") - 3.5, number(tick)) for tick in self.all("text", "y tick", frame)]
        return x, axis(ticks, log=panel != "shares")

    def bars(self, cell: Node) -> list[tuple[float, float, float]]:
        """Return lower edge, upper edge and height, from 0 to 1, of each bar of a histogram."""
        x = self.values(cell)
        (frame,) = [node for node in self.all("rect", within=cell) if node.get("fill") == "none"]
        bottom, tall = place(frame, "y") + place(frame, "height"), place(frame, "height")
        bars = []
        for outline in self.all("path", "bars", cell):
            right = float(re.findall(r"^M([-\d.]+)", outline.get("d", ""))[0])
            for top, end in re.findall(r"V([-\d.]+)H([-\d.]+)", outline.get("d", "")):
                bars.append((x(right), x(float(end)), (bottom - float(top)) / tall))
                right = float(end)
        return bars

    def values(self, cell: Node) -> Callable[[float], float]:
        """Return what places across a histogram are worth."""
        return axis([(place(tick, "x"), number(tick)) for tick in self.all("text", "tick", cell)])


def drawn(report: Report) -> Drawn:
    return Drawn(ET.fromstring(picture(report)))


def place(node: Node, name: str) -> float:
    return float(node.get(name, "nan"))


def pairs(line: Node) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in (pair.split(",") for pair in line.get("points", "").split())]


def number(tick: Node) -> float:
    """Return the value that a tick names: 0.5, −1, 3e28, 10⁻⁵, 2·10⁴ or 40 %."""
    words = (tick.text or "").replace("−", "-")
    if words.endswith(" %"):
        return float(words.removesuffix(" %")) / 100
    if power := re.fullmatch("(?:(.+)·)?10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)", words):
        return float(f"{power[1] or 1}e{power[2].translate(SUPERSCRIPTS)}")
    return float(words)


def axis(ticks: list[tuple[float, float]], *, log: bool = False) -> Callable[[float], float]:
    """Return from places to values what two ticks tell; all others must agree with them."""
    to, back = (math.log10, lambda value: 10.0**value) if log else (float, float)
    if len(ticks) == 1:  # of the layers, where there is one only
        return lambda _: ticks[0][1]
    (start, low), (stop, high) = ticks[0], ticks[-1]
    rate = (to(high) - to(low)) / (stop - start)
    for at, value in ticks:
        assert abs(to(low) + rate * (at - start) - to(value)) < 1e-3 * abs(to(high) - to(low))
    return lambda at: back(to(low) + rate * (at - start))
