from collections.abc import Iterator

import pytest

from deploy.tests.engine import Door, Project, docker, free_port


@pytest.fixture(scope="session", autouse=True)
def images() -> None:
    """Build what is shipped, as its users do, and the image without Numba."""
    docker("compose", "--profile", "scale", "build")
    docker("build", "--build-arg", "REQUIREMENTS=requirements.txt", "--tag", "fanin:numpy", ".")


@pytest.fixture(scope="session")
def door() -> Door:
    return Door(free_port())


@pytest.fixture(scope="session")
def plain(door: Door) -> Iterator[Project]:
    """Run what `docker compose up` runs, on a port of its own."""
    project = Project("fanin-plain", ("docker-compose.yml",), {"PORT": f"127.0.0.1:{door.port}"})
    with project.up():
        yield project
