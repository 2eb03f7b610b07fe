"""The Init Lab in a real browser, as a reader uses it; what must never happen is written down as it happens."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request, expect

from harness.running import Service

LAB = Path(__file__).parent
SCREENSHOTS = LAB / "screenshots"
TEXTBOOK = "layers=100,100,100,100,100,100&activation=sigmoid&seed=1"
# What a request that was refused, or that a test let fail, leaves in the console.
REFUSED = "Failed to load resource"
SECONDS_TO_DRAW = 60


@dataclass
class Lab:
    """One page of one reader."""

    page: Page
    service: Service
    faults: list[str] = field(default_factory=list)
    """Console errors, exceptions, and requests to anything but the service."""
    asked: list[str] = field(default_factory=list)
    """URLs that the browser asked for."""

    def __post_init__(self) -> None:
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("request", self._on_request)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.faults.append(f"{message.text} {message.location['url']}")

    def _on_request(self, request: Request) -> None:
        self.asked.append(request.url)
        own = (f"{self.service.url}/", f"blob:{self.service.url}/")
        if not request.url.startswith(own):
            self.faults.append(f"asked elsewhere: {request.url}")

    def open(self, query: str = "") -> None:
        """Open a view and wait for its pictures."""
        self.page.goto(f"{self.service.url}/{'?' if query else ''}{query}")
        self.wait()

    def wait(self) -> None:
        """Wait until no diagnosis is under way and there are pictures."""
        expect(self.page.locator("#figure-gradients svg")).to_be_visible(timeout=1000 * SECONDS_TO_DRAW)
        expect(self.page.locator("#cancel")).to_be_hidden(timeout=1000 * SECONDS_TO_DRAW)

    def get(self, selector: str) -> Locator:
        return self.page.locator(selector)

    def hits(self, figure: str = "histograms") -> list[str]:
        """Return what a screen reader says of each layer in a picture."""
        labels: list[str] = self.get(f"#figure-{figure} .hit").evaluate_all(
            "hits => hits.map(hit => hit.getAttribute('aria-label'))"
        )
        return labels

    def evaluate(self, script: str, argument: object = None) -> Any:
        return self.page.evaluate(script, argument)


@contextmanager
def reading(browser: Browser, service: Service, *, refusals: bool = False, **options: Any) -> Iterator[Lab]:
    """Give a new reader's page. Nothing may go wrong in it; requests may be refused where that is expected."""
    options.setdefault("locale", "en-US")
    with browser.new_context(**options) as context:
        lab = Lab(context.new_page(), service)
        yield lab
        faults = [fault for fault in lab.faults if not (refusals and fault.startswith(REFUSED))]
        assert not faults, faults
