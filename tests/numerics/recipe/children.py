"""Programs in processes of their own: another environment, and nothing compiled or loaded before."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path


def printed_by_child(program: str, folder: Path, environment: Mapping[str, str]) -> list[str]:
    """Return the lines that a Python program prints; warnings are errors, and it must succeed."""
    child = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert child.returncode == 0, child.stderr
    return child.stdout.splitlines()
