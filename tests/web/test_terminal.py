"""What a person at a terminal sees: a real process on a real pseudo-terminal."""

import os
import pty
import re
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from harness.running import HOST, ROOT, SECONDS_TO_START
from service import __version__
from service.web.http.log_lines import printable

GREETING = re.compile(r"^fanin (\S+) is at (http://127\.0\.0\.1:\d+) .*Ctrl-C stops it\.\r$", re.MULTILINE)
SERVE = ("-m", "service", "serve", "--port", "0")
# A start that takes long.
STUCK = """
import time
import service.web.app as app
from service.__main__ import main
def long_start():
    print("starts", flush=True)
    time.sleep(600)
app.arithmetic_is_exact = long_start
main(["serve", "--port", "0"])
"""
CTRL_C = b"\x03"


@dataclass(slots=True)
class Terminal:
    """A terminal in which a program runs."""

    process: subprocess.Popen[bytes]
    descriptor: int
    screen: str = field(default="")

    def wait_for(self, pattern: str | re.Pattern[str]) -> re.Match[str]:
        """Read until the pattern is on the screen; fail with the screen if it does not come."""
        end = time.monotonic() + SECONDS_TO_START
        while not (found := re.search(pattern, self.screen)):
            assert time.monotonic() < end, self.screen
            assert self._read(), self.screen
        return found

    def type(self, keys: bytes) -> None:
        os.write(self.descriptor, keys)

    def end(self) -> int:
        """Read until the program has ended; return its exit status."""
        while self._read():
            pass
        return self.process.wait(timeout=SECONDS_TO_START)

    def _read(self) -> bool:
        """Read what has come within a second; return whether more may come."""
        if not select.select([self.descriptor], [], [], 1)[0]:
            return True
        try:
            read = os.read(self.descriptor, 2**16)
        except OSError:  # what Linux says when nobody holds the other end any more
            return False
        self.screen += read.decode()
        return bool(read)


@contextmanager
def terminal(*command: str | Path, **settings: str) -> Iterator[Terminal]:
    """Run a command in a terminal of its own, which is a session of its own: Ctrl-C reaches all that runs in it."""
    # A new session has no controlling terminal yet: its first process must take one.
    taking = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
    master, slave = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("FANIN_", "MAKE"))}
    process = subprocess.Popen(
        [sys.executable, "-c", taking, *command],
        cwd=ROOT, env=environment | settings, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
    )  # fmt: skip
    os.close(slave)
    try:
        yield Terminal(process, master)
    finally:
        process.kill()
        process.wait()
        os.close(master)


def test_one_line_greets_and_ctrl_c_ends() -> None:
    with terminal(sys.executable, *SERVE) as seen:
        version, url = seen.wait_for(GREETING).groups()
        assert version == __version__
        assert httpx.get(f"{url}/plan?layers=2,3&activation=relu&seed=1", timeout=60).status_code == 200
        seen.wait_for(r"\n200 GET /plan\?layers=2,3&activation=relu&seed=1 \([\d,]+ bytes, [\d.]+ s\)\r\n")
        seen.type(CTRL_C)
        assert seen.end() == 0
        assert "Stopped." in seen.screen
        assert "{" not in seen.screen
        assert "Traceback" not in seen.screen


def test_dots_are_drawn_while_code_is_compiled(tmp_path: Path) -> None:
    pytest.importorskip("numba")
    with terminal(sys.executable, *SERVE, NUMBA_CACHE_DIR=str(tmp_path)) as seen:
        seen.wait_for(r"^Compiling for this machine, once, for some ten seconds \.\.")
        seen.type(CTRL_C)
        assert seen.end() == 0


def test_ctrl_c_ends_a_start() -> None:
    with terminal(sys.executable, "-c", STUCK) as seen:
        seen.wait_for("starts")
        seen.type(CTRL_C)
        assert seen.end() == 0
        assert "Traceback" not in seen.screen


def test_make_tells_no_error_after_ctrl_c() -> None:
    # What make would install first is there already: it is what runs this.
    make = ("-o", ".venv/.run", f"BIN={Path(sys.executable).parent}", "serve", "PORT=0")
    with terminal("/usr/bin/make", *make) as seen:
        seen.wait_for(GREETING)
        seen.type(CTRL_C)
        seen.end()
        assert "***" not in seen.screen, seen.screen


@pytest.mark.parametrize(
    ("host", "told"),
    [
        (HOST, r"fanin: port \d+ of 127\.0\.0\.1 is in use: stop what listens there, .*FANIN_PORT=\d+\n"),
        ("192.0.2.1", r"fanin: cannot listen on port \d+ of 192\.0\.2\.1: .+\n"),  # of no machine: RFC 5737
        ("no.such.host.invalid", r"fanin: cannot listen on port \d+ of no\.such\.host\.invalid: .+\n"),
    ],
)
def test_an_address_that_cannot_be_had_is_one_line(host: str, told: str) -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "service", "serve", "--host", host, "--port", str(port)]
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert re.fullmatch(told, ended.stderr), ended.stderr


def test_no_text_of_a_client_steers_the_terminal() -> None:
    with terminal(sys.executable, *SERVE) as seen:
        url = seen.wait_for(GREETING)[2]
        httpx.get(f"{url}/%1b%5b2J%0aforged", timeout=60)
        seen.wait_for(r"\n404 GET /\\x1b\[2J\\nforged \(")


def test_what_can_be_printed_stays() -> None:
    assert printable("/tensor/h.0.é%") == "/tensor/h.0.é%"


@pytest.mark.parametrize(("log", "begins"), [("text", "fanin"), ("json", "{")])
def test_a_setting_decides_whatever_the_terminal(log: str, begins: str) -> None:
    with terminal(sys.executable, *SERVE, FANIN_LOG=log) as seen:
        seen.wait_for(r"Ctrl-C stops it|Uvicorn running")
        seen.type(CTRL_C)
        assert seen.end() == 0
        lines = seen.screen.replace("^C", "").splitlines()
        assert any(line.startswith(begins) for line in lines)
        assert any(line.startswith("{") for line in lines) == (log == "json")


@pytest.mark.parametrize(("option", "told"), [("--version", f"fanin {__version__}\n"), ("--help", "usage: fanin ")])
def test_the_command_tells_of_itself(option: str, told: str) -> None:
    asked = [sys.executable, "-m", "service", option]
    said = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True)
    assert said.stdout.startswith(told)


def test_an_unknown_option_is_refused() -> None:
    asked = [sys.executable, "-m", "service", "serve", "--colour", "red"]
    said = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
    assert said.returncode == 2
    assert "--colour" in said.stderr
