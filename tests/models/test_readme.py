"""The examples of README in Python, with the frameworks that they are for."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from harness.running import ROOT, Service

README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^([A-Z]\w+):\n\n```python\n(.*?)```\n\n```text\n(.*?)```", README, re.DOTALL | re.MULTILINE)


def test_there_is_one_for_each_framework() -> None:
    assert [name for name, _, _ in EXAMPLES] == ["PyTorch", "JAX", "Keras"]


@pytest.mark.parametrize(("name", "program", "output"), EXAMPLES, ids=lambda value: value.split("\n")[0][:20])
def test_each_runs_as_written(service: Service, tmp_path: Path, name: str, program: str, output: str) -> None:
    ported = program.replace("http://127.0.0.1:8000", service.url)
    # Of Keras' backends, JAX is installed beside PyTorch.
    environment = os.environ | {"KERAS_BACKEND": "jax"}
    command = [sys.executable, "-c", ported]
    ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, f"{name}: {ran.stderr}"
    assert ran.stdout == output
