"""How soon the page at / shows its first pictures, in a browser that has nothing of it yet."""

from importlib import import_module
from importlib.util import find_spec
from statistics import median
from typing import Any

from benchmarks.rows import Row
from benchmarks.sizes import Sizes
from harness.running import running

NAME = "first pictures of the page"
LONGEST_SECONDS = 1.0
# The page marks the moment at which each initialization is drawn: all of them count.
DRAWN_AFTER = "performance.getEntriesByName('pictures').at(-1).startTime"


def measure(sizes: Sizes) -> list[Row]:
    """Return the time from the beginning of a visit; none where there is no driver of browsers."""
    if find_spec("playwright") is None:
        return [Row(f"{NAME}, playwright not installed", 0.0, "s")]
    with running() as service, import_module("harness.browser").launched() as browser:
        seconds = [_visit(browser, service.url) for _ in range(sizes.rounds + 1)]
    return [Row(NAME, median(seconds[1:]), "s", value_below=LONGEST_SECONDS)]  # the first visit warms up


def _visit(browser: Any, url: str) -> float:
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(url)
        page.locator("#figure-gradients svg").wait_for()
        page.locator("#cancel").wait_for(state="hidden")
        return float(page.evaluate(DRAWN_AFTER)) / 1000
