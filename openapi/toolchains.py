"""Where the tools of other languages come from: pinned Python packages in .venv, and Debian's packages."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

Command = tuple[str | Path, ...]

OPENAPI = Path(__file__).parent
ROOT = OPENAPI.parent
ENVIRONMENT = {
    **os.environ,
    # go, node, npm and the generators are in .venv, in their pinned versions.
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    # No other Go and no Go modules are needed, so none are to be looked for.
    "GOTOOLCHAIN": "local",
    "GOPROXY": "off",
}
SECONDS_FOR_A_COMMAND = 600


class CommandFailed(Exception):
    """A command ended with another status than 0."""


def run(command: Command, folder: Path = ROOT, **variables: str) -> str:
    """Return what the command printed to its standard output."""
    ran = subprocess.run(
        [str(part) for part in command], cwd=folder, env=ENVIRONMENT | variables, capture_output=True, text=True,
        timeout=SECONDS_FOR_A_COMMAND, check=False,
    )  # fmt: skip
    if ran.returncode:
        raise CommandFailed(f"{' '.join(map(str, command))}\n{ran.stdout}{ran.stderr}")
    return ran.stdout


def install(packages: Mapping[str, str]) -> None:
    """Install Debian's packages for what is missing: a program's name, or a file's path with wildcards, to package."""
    missing = sorted({package for sign, package in packages.items() if not _is_there(sign)})
    if not missing:
        return
    by_hand = f"apt-get install {' '.join(missing)}"
    if shutil.which("apt-get") is None:
        raise CommandFailed(f"missing are what Debian has as {', '.join(missing)}: install them by other means")
    if os.geteuid() != 0:
        raise CommandFailed(f"missing are Debian packages, which root alone can install: {by_hand}")
    # Slim images leave out the folder, and Debian's Java cannot be installed without it.
    Path("/usr/share/man/man1").mkdir(parents=True, exist_ok=True)
    run(("apt-get", "update"))
    run(("apt-get", "install", "--yes", "--no-install-recommends", *missing), DEBIAN_FRONTEND="noninteractive")


def _is_there(sign: str) -> bool:
    if sign.startswith("/"):
        return any(Path("/").glob(sign[1:]))
    return shutil.which(sign, path=ENVIRONMENT["PATH"]) is not None
