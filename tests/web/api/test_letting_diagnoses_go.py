"""A diagnosis ends with its client, and in its time."""

from collections.abc import Iterator

import httpx
import pytest

from harness.running import Service, eventually, running

# Of a thousand layers that take a tenth of a second each, nobody waits for the end.
SLOW = """
import time
from service.diagnosis import diagnose
figures = diagnose._forward_figures
def slow_figures(*arguments):
    time.sleep(0.1)
    return figures(*arguments)
diagnose._forward_figures = slow_figures
from service.__main__ import main
main()
"""
DEEP = "/diagnose?layers=" + ",".join(["2"] * 1000) + "&activation=relu&seed=1&samples=2"


@pytest.fixture(scope="module")
def slow() -> Iterator[Service]:
    with running("-c", SLOW, diagnoses=1, diagnosis_seconds=2, wait_seconds=60) as service:
        yield service


def test_a_diagnosis_whose_client_has_left_gives_its_place_to_the_next(slow: Service) -> None:
    with slow.open(DEEP):
        assert eventually(lambda: slow.metric("fanin_memory_bytes") > 0)
    assert eventually(lambda: slow.metric("fanin_memory_bytes") == 0)
    assert httpx.get(f"{slow.url}/diagnose?layers=3,2&activation=relu", timeout=60).status_code == 200


def test_a_client_that_leaves_while_it_waits_takes_no_place(slow: Service) -> None:
    with slow.open(DEEP), slow.open(DEEP):
        assert eventually(lambda: slow.metric("fanin_memory_bytes") > 0)
    assert httpx.get(f"{slow.url}/diagnose?layers=3,2&activation=relu", timeout=60).status_code == 200
    assert eventually(lambda: slow.metric("fanin_memory_bytes") == 0)


def test_a_diagnosis_that_takes_too_long_is_a_problem_and_ends(slow: Service) -> None:
    answer = httpx.get(slow.url + DEEP, timeout=60)
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:fanin:problem:out-of-time")
    assert "2 seconds (setting FANIN_DIAGNOSIS_SECONDS)" in answer.json()["detail"]
    assert eventually(lambda: slow.metric("fanin_memory_bytes") == 0)
