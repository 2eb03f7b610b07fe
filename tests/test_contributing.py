"""The recipes of CONTRIBUTING, followed to the letter in a copy: what they add is served."""

import math
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree

import httpx
import pytest

from harness.running import ROOT, Service, running_command

CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
# A file, a line of it, and what goes below that line; text is what no formatter may take for Python on its own.
EDITS = re.findall(
    r"^In `(\S+)`, after `(.*?)`.*?:\n\n```(?:python|text)\n(.*?)```", CONTRIBUTING, re.DOTALL | re.MULTILINE
)
NEW_FILES = re.findall(r"a new file, `(\S+)`.*?:\n\n```python\n(.*?)```", CONTRIBUTING, re.DOTALL)


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Run a copy of the service with all that CONTRIBUTING adds."""
    folder = tmp_path_factory.mktemp("copy")
    copytree(ROOT / "service", folder / "service", symlinks=True)
    for name, line, added in EDITS:
        path = folder / "service" / name
        text = path.read_text(encoding="utf-8")
        assert text.count(f"{line}\n") == 1, f"{name}: {line}"
        path.write_text(text.replace(f"{line}\n", f"{line}\n{added}"), encoding="utf-8")
    for name, text in NEW_FILES:
        (folder / "service" / name).write_text(text, encoding="utf-8")
    with running_command([sys.executable, "-W", "error", "-m", "service"], folder, {}) as service:
        yield service


def test_there_are_recipes_to_follow() -> None:
    assert (len(EDITS), len(NEW_FILES)) == (5, 1)


def test_the_new_activation_has_its_gain_and_its_diagnosis(extended: Service) -> None:
    asked = {"layers": "600,600,600", "activation": "squared_relu", "scheme": "variance_preserving", "seed": "1"}
    plan = httpx.get(f"{extended.url}/plan", params=asked, timeout=60).raise_for_status().json()
    # E[relu(z)⁴] = 3/2.
    assert math.isclose(plan["tensors"][0]["std"], math.sqrt(2 / 3) / math.sqrt(600))
    report = httpx.get(f"{extended.url}/diagnose", params=asked, timeout=60).raise_for_status().json()
    # Sums z of variance q give activations of mean square E[relu(z)⁴] = 3/2 q², and 2/3 of it is the next q.
    for layer, mean_square in zip(report["layers"], (2 / 3, 8 / 27), strict=True):
        mean, std = layer["activation"]["mean"], layer["activation"]["std"]
        assert math.isclose(mean**2 + std**2, mean_square, rel_tol=0.1)


def test_the_new_family_starts_a_model(extended: Service) -> None:
    shapes = {
        "gpt_neox.embed_in.weight": [100, 8],
        "gpt_neox.layers.0.input_layernorm.weight": [8],
        "gpt_neox.layers.0.attention.query_key_value.weight": [24, 8],
        "gpt_neox.layers.0.attention.query_key_value.bias": [24],
    }
    model = {
        "seed": 1,
        "family": "gpt_neox",
        "tensors": [{"name": name, "shape": shape} for name, shape in shapes.items()],
    }
    plan = httpx.post(f"{extended.url}/model/plan", json=model, timeout=60).raise_for_status().json()
    stds = {tensor["name"]: tensor.get("std", 0) for tensor in plan["tensors"]}
    assert [stds[name] for name in shapes] == [0.02, 0, 0.02, 0]


def test_files_that_recipes_name_exist() -> None:
    folder = CONTRIBUTING.partition("## To add …")[2]
    for path in re.findall(r"`((?:[a-z_]+/)+[a-z_.]+\.(?:py|json|md|js))`", folder):
        assert any((top / path).exists() for top in (ROOT, ROOT / "service")), path


def test_lines_are_replaced_in_the_copy_alone() -> None:
    assert "squared_relu" not in Path(ROOT / "service/numerics/activations.py").read_text(encoding="utf-8")
