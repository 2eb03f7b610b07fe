"""The image: how much it weighs, who it runs as."""

import pytest

from deploy.tests.engine import PYTHON, docker, inspect

SIZES = [("fanin", "numba", 550_000_000), ("fanin:numpy", "numpy", 330_000_000)]


@pytest.mark.parametrize(("image", "twin", "limit"), SIZES)
def test_it_is_small_for_what_it_draws_with(image: str, twin: str, limit: int) -> None:
    layers = docker("history", "--format", "{{.Size}}\t{{.CreatedBy}}", image).splitlines()
    size = inspect(image)["Size"]
    print(f"\n{image}: {size / 1e6:.0f} MB", *[layer for layer in layers if not layer.startswith("0B")], sep="\n  ")
    assert size < limit
    code = "from service.numerics.sampler import TWIN; print(TWIN)"
    assert docker("run", "--rm", image, PYTHON, "-c", code).startswith(twin)


def test_it_is_nobody_s_image_but_its_own_user_s() -> None:
    assert inspect("fanin")["Config"]["User"] == "10001:10001"
    assert inspect("fanin-cache")["Config"]["User"] == "101:101"


def test_it_holds_no_package_manager() -> None:
    with pytest.raises(RuntimeError, match="No module named pip"):
        docker("run", "--rm", "fanin", PYTHON, "-m", "pip", "--version")
