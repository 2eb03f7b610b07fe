"""The stack on a Docker Swarm of one node."""

import json
from collections.abc import Iterator

import pytest

from deploy.tests.crowd import failures_while
from deploy.tests.engine import Door, docker, eventually, inspect

STACK = (
    "stack",
    "deploy",
    "--compose-file",
    "deploy/stack.yml",
    "--compose-file",
    "deploy/tests/stack.yml",
    "fanin-test",
)
PATH = "/weights.npy?layers=784,256,10&activation=relu&seed=42"
NEXT, BROKEN = "fanin:next", "fanin:broken"


def deploy(image: str) -> None:
    """Deploy the stack; the engine goes on by itself."""
    docker(*STACK, settings={"IMAGE": image, "CACHE_PORT": "0"})


def replicas() -> list[dict[str, str]]:
    """Return the tasks that should run, those that are being replaced among them."""
    tasks = docker("service", "ps", "--filter", "desired-state=running", "--format", "json", "fanin-test_service")
    return [json.loads(line) for line in tasks.splitlines()]


def all_run(image: str) -> bool:
    """Return whether three replicas run this image, and no other does."""
    return [task["Image"] for task in replicas() if task["CurrentState"].startswith("Running")] == [image] * 3


def cache() -> str:
    """Return the id of the cache's container, or nothing while it does not run."""
    return docker("ps", "--quiet", "--filter", "name=fanin-test_cache")


def update_state() -> str:
    """Return where the last update of the replicas stands."""
    return str(inspect("fanin-test_service").get("UpdateStatus", {}).get("State"))


def is_removed() -> bool:
    """Remove the cache; return whether it is gone."""
    try:
        docker("volume", "rm", "--force", "fanin-test_cache")
    except RuntimeError:
        return False
    return True


@pytest.fixture(scope="module")
def stack() -> Iterator[Door]:
    docker("tag", "fanin:numpy", NEXT)
    docker("build", "--tag", BROKEN, "-", stdin="FROM fanin:numpy\nENV FANIN_DRAWINGS=0\n")
    docker("swarm", "init", "--advertise-addr", "127.0.0.1")
    try:
        deploy("fanin:numpy")
        assert eventually(lambda: all_run("fanin:numpy") and cache(), 90), docker(
            "stack", "ps", "--no-trunc", "fanin-test"
        )
        door = Door.of(cache(), 8080)
        assert eventually(lambda: door.ask("/readyz").status == 200, 30), docker("service", "logs", "fanin-test_cache")
        yield door
    finally:
        docker("swarm", "leave", "--force")
        # The containers go a little later, and hold what the next run must not find.
        assert eventually(is_removed, 60)


def test_three_replicas_answer_through_the_cache(stack: Door) -> None:
    assert [stack.ask(PATH).headers["x-cache-status"] for _ in range(2)] == ["MISS", "HIT"]
    limits = inspect("fanin-test_service")["Spec"]["TaskTemplate"]
    assert limits["ContainerSpec"]["ReadOnly"]
    assert limits["Resources"]["Limits"] == {"NanoCPUs": 2 * 10**9, "MemoryBytes": 2 * 2**30, "Pids": 256}


def test_a_killed_replica_costs_no_client_an_error_and_is_replaced(stack: Door) -> None:
    victim = docker("ps", "--quiet", "--filter", "name=fanin-test_service").split()[0]
    assert failures_while(stack, lambda: docker("kill", victim)) == []
    assert eventually(lambda: all_run("fanin:numpy"), 60)


def test_a_new_version_costs_no_client_an_error(stack: Door) -> None:
    def roll() -> None:
        deploy(NEXT)
        assert eventually(lambda: update_state() == "completed", 120), docker("service", "ps", "fanin-test_service")

    assert failures_while(stack, roll) == []
    assert all_run(NEXT)


def test_a_version_that_does_not_start_is_taken_back(stack: Door) -> None:
    def roll() -> None:
        deploy(BROKEN)
        assert eventually(lambda: update_state() == "rollback_completed", 120), docker(
            "service", "ps", "fanin-test_service"
        )

    assert failures_while(stack, roll) == []
    assert all_run(NEXT)
