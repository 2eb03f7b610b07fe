"""The real service in a child process, on a real socket."""

import http.client
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

HOST = "127.0.0.1"
ROOT = Path(__file__).parents[1]
SECONDS_TO_START = 300
SECONDS_TO_STOP = 5
# What uvicorn logs when it listens: the system has chosen a port by then.
LISTENING = re.compile(r"Uvicorn running on (?P<url>http://[^ :]+:(?P<port>\d+))")
# uvloop warns of connections that are still open when a stop has outlasted its time.
WARNINGS = ("-W", "error", "-W", "ignore::ResourceWarning")


@dataclass(frozen=True, slots=True)
class Service:
    """A running service."""

    url: str
    port: int
    process: subprocess.Popen[bytes]
    log: Path

    def log_lines(self) -> list[dict[str, Any]]:
        """Return what the service has logged so far."""
        # The last line may be half written.
        return [json.loads(line) for line in self.log.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]

    def metric(self, name: str, **labels: str) -> float:
        """Return the sum of a metric over all its labels, or over those that are named; 0 where these have no value."""
        lines = httpx.get(f"{self.url}/metrics", timeout=60).text.splitlines()
        assert any(line.startswith(f"# TYPE {name} ") for line in lines), f"no metric {name}"
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        found = [
            line for line in lines if line.startswith((f"{name} ", f"{name}{{")) and all(one in line for one in wanted)
        ]
        return sum(float(line.rpartition(" ")[2]) for line in found)

    def memory(self, field: str = "VmRSS") -> int:
        """Return bytes of the process's memory as Linux counts them; VmHWM is the most so far."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:"))

    def cpu_seconds(self) -> float:
        """Return the seconds of CPU time that the process has taken; 0 where the system does not tell."""
        listing = Path(f"/proc/{self.process.pid}/stat")
        if not listing.exists():
            return 0.0
        user, system = listing.read_text().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    @contextmanager
    def download(self, path: str) -> Iterator[http.client.HTTPResponse]:
        """Send a GET request and give the answer, of whose body nothing has been read."""
        with closing(http.client.HTTPConnection(HOST, self.port, timeout=30)) as connection:
            connection.request("GET", path)
            with connection.getresponse() as answer:
                yield answer

    def open(self, path: str, *headers: str) -> socket.socket:
        """Send a GET request and return the socket, from which nothing has been read."""
        connection = socket.create_connection((HOST, self.port), timeout=30)
        connection.sendall("\r\n".join([f"GET {path} HTTP/1.1", "Host: service", *headers, "", ""]).encode())
        return connection


@contextmanager
def running(*program: str, **settings: object) -> Iterator[Service]:
    """Run the service, or another program that reads its settings; stop it at the end if it still runs."""
    command = [sys.executable, *WARNINGS, *(program or ("-m", "service"))]
    with running_command(command, ROOT, settings) as service:
        yield service


@contextmanager
def running_command(command: Sequence[str | Path], folder: Path, settings: Mapping[str, object]) -> Iterator[Service]:
    """Run a command that serves, in a folder; stop it at the end if it still runs."""
    # What counts are the settings named here, whatever is set for the caller.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FANIN_")}
    environment |= {f"FANIN_{name.upper()}": str(value) for name, value in settings.items()}
    environment |= {"FANIN_HOST": HOST, "FANIN_PORT": "0"}
    with tempfile.TemporaryDirectory() as logs:
        log = Path(logs) / "log"
        with log.open("wb") as sink:
            process = subprocess.Popen(command, cwd=folder, env=environment, stdout=sink, stderr=subprocess.STDOUT)
        try:
            yield _started(process, log)
        finally:
            _stop(process)


def eventually(holds: Callable[[], object], seconds: float = 60) -> bool:
    """Return whether a condition comes to hold."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.02)
    return False


def _started(process: subprocess.Popen[bytes], log: Path) -> Service:
    """Wait until the program has logged where it listens, which it does when it is ready."""
    eventually(lambda: LISTENING.search(log.read_text()) or process.poll() is not None, SECONDS_TO_START)
    address = LISTENING.search(log.read_text())
    if address is None:
        raise RuntimeError(f"the service did not start:\n{log.read_text()}")
    service = Service(address["url"], int(address["port"]), process, log)
    httpx.get(f"{service.url}/readyz", timeout=60).raise_for_status()
    return service


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the program in order, so that it writes what it measured of itself, or by force if that takes long."""
    process.terminate()
    try:
        process.wait(SECONDS_TO_STOP)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
