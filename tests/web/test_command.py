"""What the command does before it loads anything."""

import subprocess
import sys

# A bad setting ends the command after all is loaded and before it serves.
SAYS_WHAT_IT_SETS = """
import os, sys
from service.__main__ import main
assert "numpy" not in sys.modules
try:
    main(["serve"])
finally:
    assert "numpy" in sys.modules
    print(os.environ["OPENBLAS_THREAD_TIMEOUT"])
"""


def said(**environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", SAYS_WHAT_IT_SETS],
        env={"FANIN_PORT": "many", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "FANIN_PORT" in done.stderr, done.stderr
    return done.stdout


def test_threads_of_products_let_their_cores_go_at_once() -> None:
    assert said() == "10\n"


def test_who_has_set_how_long_they_keep_them_is_obeyed() -> None:
    assert said(OPENBLAS_THREAD_TIMEOUT="20") == "20\n"
