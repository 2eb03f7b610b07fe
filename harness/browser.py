"""A real browser, for the tests of the page and its measurement."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from openapi.toolchains import install


@contextmanager
def launched() -> Iterator[Browser]:
    """Start Chromium: the one that FANIN_CHROMIUM names, or Debian's."""
    path = os.environ.get("FANIN_CHROMIUM") or _debians()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path)
        yield browser
        browser.close()


def _debians() -> str:
    """Return its path; install it, what its driver needs, and letters for Japanese, where they are missing."""
    install(
        {
            "chromium": "chromium",
            "/usr/lib/*/libatomic.so.1": "libatomic1",
            "/usr/share/fonts/*/*/ipag.ttf": "fonts-ipafont-gothic",
        }
    )
    path = shutil.which("chromium")
    assert path is not None
    return path
