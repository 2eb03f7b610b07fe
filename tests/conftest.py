from collections.abc import Iterator

import httpx
import pytest
from hypothesis import settings

from tests.running import Service, running

# The same examples in every run, however slow the machine: a failure must be repeatable.
settings.register_profile("fanin", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("fanin")


@pytest.fixture(scope="session")
def service() -> Iterator[Service]:
    with running() as service:
        yield service


@pytest.fixture(scope="session")
def client(service: Service) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service.url, timeout=60) as client:
        yield client
