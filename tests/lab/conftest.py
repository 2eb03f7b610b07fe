from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from harness.browser import launched
from harness.running import Service
from tests.lab.browsing import SECONDS_TO_DRAW, Lab, reading

# Others may compute on the same machine; the usual five seconds are less than a large picture can take then.
expect.set_options(timeout=1000 * SECONDS_TO_DRAW)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


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
