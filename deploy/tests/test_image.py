"""The image: how much it weighs, who it runs as, what it brings along."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from deploy.tests.engine import PYTHON, Door, docker, eventually, inspect

SIZES = [("fanin", "numba", 550_000_000), ("fanin:numpy", "numpy", 330_000_000)]

# The CPUs that the machine code of every kernel is for, by Numba's own index: nothing of it is run, for the CPU at hand
# may lack a level.
TARGETS = """
from service.numerics.recipe import backend, compiling, numba_backend
caches = [kernel._cache for kernel in compiling.kernels_of(numba_backend).values()]
indexes = [cache._cache_file._load_index() for cache in caches if cache.cache_path]
print(*set.intersection(*({target[1] for _, target, *_ in index} for index in indexes)))
"""


@pytest.mark.parametrize(("image", "backend", "limit"), SIZES)
def test_it_is_small_for_what_it_draws_with(image: str, backend: str, limit: int) -> None:
    layers = docker("history", "--format", "{{.Size}}\t{{.CreatedBy}}", image).splitlines()
    size = inspect(image)["Size"]
    print(f"\n{image}: {size / 1e6:.0f} MB", *[layer for layer in layers if not layer.startswith("0B")], sep="\n  ")
    assert size < limit
    code = "from service.numerics.recipe.backend import BACKEND; print(BACKEND)"
    assert docker("run", "--rm", image, PYTHON, "-c", code).startswith(backend)


def test_it_is_nobody_s_image_but_its_own_user_s() -> None:
    assert inspect("fanin")["Config"]["User"] == "10001:10001"
    assert inspect("fanin-cache")["Config"]["User"] == "101:101"


def test_it_holds_no_package_manager() -> None:
    with pytest.raises(RuntimeError, match="No module named pip"):
        docker("run", "--rm", "fanin", PYTHON, "-m", "pip", "--version")


@contextmanager
def started(image: str, *options: str) -> Iterator[dict[str, Any]]:
    """Run a container that can write nowhere; give what it logged when it had started."""
    container = docker("run", "--detach", "--read-only", "--cap-drop=ALL", "--publish=127.0.0.1::8000", *options, image)

    def lines() -> list[dict[str, Any]]:
        return [json.loads(line) for line in docker("logs", container).splitlines()]

    try:
        door = Door.of(container, 8000)
        assert eventually(lambda: door.ask("/readyz").status == 200, 60), docker("logs", container)
        (line,) = (line for line in lines() if line["message"] == "started")
        yield line
    finally:
        docker("rm", "--force", container)


def test_it_reads_its_machine_code_and_compiles_nothing() -> None:
    with started("fanin") as line:
        assert (line["is_ready"], line["compiled"]) == (True, 0)
        assert line["read"] > 0


@pytest.mark.parametrize("level", ["x86-64-v2", "x86-64-v3", "x86-64-v4"])
def test_it_has_machine_code_for_each_level(level: str) -> None:
    assert level in docker("run", "--rm", "fanin", PYTHON, "-c", TARGETS).split()


def test_what_the_image_lacks_is_compiled() -> None:
    with started("fanin", "--env", "NUMBA_CPU_NAME=generic") as line:
        assert (line["is_ready"], line["read"]) == (True, 0)
        assert line["compiled"] > 0


def test_without_numba_there_is_no_machine_code() -> None:
    with started("fanin:numpy") as line:
        assert line["is_ready"]
        assert {"compiled", "read"}.isdisjoint(line)
