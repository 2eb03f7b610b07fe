from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.lab.browsing import Lab, chromium, reading
from tests.running import Service


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium())
        yield browser
        browser.close()


@pytest.fixture
def lab(browser: Browser, service: Service) -> Iterator[Lab]:
    """A reader's page, in which nothing may go wrong."""
    with reading(browser, service) as lab:
        yield lab


@pytest.fixture
def refused(browser: Browser, service: Service) -> Iterator[Lab]:
    """A reader's page, in which requests may be refused."""
    with reading(browser, service, refusals=True) as lab:
        yield lab
