"""The service where there is no network but its own."""

import json
from typing import Any

from deploy.tests.engine import PYTHON, ROOT, Project, docker

CLIENT = (ROOT / "deploy/tests/offline_client.py").read_text(encoding="utf-8")
# Frozen in the repository, so not of this image's making.
GOLDEN = json.loads((ROOT / "tests/golden.json").read_text(encoding="utf-8"))


def asked(network: str, host: str) -> dict[str, Any]:
    """Return what a client in a container on a network gets."""
    run = ("run", "--rm", "--interactive", "--network", network, "fanin", PYTHON, "-", host)
    answers: dict[str, Any] = json.loads(docker(*run, stdin=CLIENT))
    return answers


def test_documentation_plan_and_weights_need_no_network() -> None:
    project = Project("fanin-offline", ("docker-compose.yml", "deploy/tests/offline.yml"), {"PORT": "127.0.0.1:0"})
    with project.up():
        got = asked("fanin-offline_default", "fanin")
    assert not got["leads_out"]
    assert any(path.endswith(".js") and size > 100_000 for path, size in got["loaded_by_docs"].items())
    assert all(path.startswith("/") for path in got["loaded_by_docs"])
    assert got["tensors"] == ["layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias"]
    assert got["operations"] >= 10
    assert got["recipe"] > 1000
    assert got["verdicts"] == 2
    assert (got["npy"], got["npz"]) == (GOLDEN["npy"]["sha256"], GOLDEN["npz"]["sha256"])


def test_the_client_would_notice_a_way_out(plain: Project) -> None:
    assert asked(f"{plain.name}_default", "fanin")["leads_out"]
