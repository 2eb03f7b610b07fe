"""docs/zarr.md: its examples run as written."""

import re
import subprocess
import sys

import pytest

from harness.running import ROOT, Service

PAGE = (ROOT / "docs/zarr.md").read_text(encoding="utf-8")
EXAMPLES: list[tuple[str, str, str]] = re.findall(r"```(sh|python)\n(.*?)```\n\n```text\n(.*?)```", PAGE, re.DOTALL)
PROGRAMS = {"sh": ("bash", "-euo", "pipefail", "-c"), "python": (sys.executable, "-c")}


@pytest.mark.parametrize(("language", "program", "output"), EXAMPLES)
def test_each_example_runs_as_written(service: Service, language: str, program: str, output: str) -> None:
    ported = program.replace("http://127.0.0.1:8000", service.url)
    ran = subprocess.run([*PROGRAMS[language], ported], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == output.strip()


def test_every_block_is_an_example_or_its_output() -> None:
    assert PAGE.count("```") == 4 * len(EXAMPLES) > 0
