from collections.abc import Iterator

import pytest

from deploy.tests.engine import Door, Project, docker


@pytest.fixture(scope="session", autouse=True)
def images() -> None:
    """Build what is shipped, as its users do, and the image without Numba."""
    docker("compose", "--profile", "scale", "build")
    docker("build", "--build-arg", "REQUIREMENTS=run", "--tag", "fanin:numpy", ".")


@pytest.fixture(scope="session")
def plain() -> Iterator[Project]:
    """Run what `docker compose up` runs, on a port that the engine chooses."""
    project = Project("fanin-plain", ("docker-compose.yml",), {"PORT": "127.0.0.1:0"})
    with project.up():
        yield project


@pytest.fixture
def door(plain: Project) -> Door:
    return plain.door("fanin", 8000)
