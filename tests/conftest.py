from collections.abc import Iterator

import httpx
import pytest
from hypothesis import settings

from harness.running import Service, running

# The same examples in every run, however slow the machine: a failure must be repeatable.
settings.register_profile("fanin", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("fanin")


@pytest.fixture(scope="session")
def service() -> Iterator[Service]:
    """Run the service for all tests; whatever they ask of it, nothing may be a fault of its own."""
    with running() as service:
        yield service
        faults = [line for line in service.log_lines() if line["level"] == "error"]
        assert not faults, faults


@pytest.fixture(scope="session")
def client(service: Service) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service.url, timeout=60) as client:
        yield client
