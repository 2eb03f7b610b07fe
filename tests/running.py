"""The real service in a child process, on a real socket."""

import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

HOST = "127.0.0.1"
ROOT = Path(__file__).parents[1]
SECONDS_TO_START = 120
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
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def metric(self, name: str) -> float:
        """Return the sum of a metric over all its labels."""
        lines = httpx.get(f"{self.url}/metrics").text.splitlines()
        found = [float(line.rpartition(" ")[2]) for line in lines if line.startswith((f"{name} ", f"{name}{{"))]
        assert found, f"no metric {name}"
        return sum(found)

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
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    # What counts are the settings named here, whatever is set for the caller.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FANIN_")}
    environment |= {f"FANIN_{name.upper()}": str(value) for name, value in settings.items()}
    environment |= {"FANIN_HOST": HOST, "FANIN_PORT": str(port)}
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with log.open("wb") as sink:
            process = subprocess.Popen(
                [sys.executable, *WARNINGS, *(program or ("-m", "service"))],
                cwd=ROOT, env=environment, stdout=sink, stderr=subprocess.STDOUT,
            )  # fmt: skip
        service = Service(f"http://{HOST}:{port}", port, process, log)
        try:
            _wait_until_ready(service)
            yield service
        finally:
            process.kill()
            process.wait()


def _wait_until_ready(service: Service) -> None:
    end = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < end:
        try:
            if httpx.get(f"{service.url}/readyz").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
        if service.process.poll() is not None:
            break
    raise RuntimeError(f"the service did not start:\n{service.log.read_text()}")


def eventually(holds: Callable[[], bool], seconds: float = 20) -> bool:
    """Return whether a condition comes to hold."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.02)
    return False
