"""Docker, Compose and Swarm as a shell would call them, and HTTP to the ports that they publish on this machine."""

import hashlib
import http.client
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self

ROOT = Path(__file__).parents[2]
PYTHON = "/opt/fanin/bin/python"
GIBIBYTE = "/weights.npy?layers=16384,16384&activation=relu&bias=none&seed=7"
SECONDS_TO_START = 280  # several replicas compile at once, on a machine that may be shared


def docker(*arguments: str, stdin: str = "", settings: Mapping[str, str] | None = None) -> str:
    """Return what a docker command printed; raise with its errors if it failed."""
    ran = subprocess.run(
        ["docker", *arguments], cwd=ROOT, env={**os.environ, **(settings or {})}, input=stdin,
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    if ran.returncode:
        raise RuntimeError(f"docker {' '.join(arguments)}: {ran.stdout}{ran.stderr}")
    return ran.stdout.strip()


def inspect(name: str) -> dict[str, Any]:
    """Return all that the engine knows of a container or an image."""
    found: list[dict[str, Any]] = json.loads(docker("inspect", name))
    return found[0]


class Answer(NamedTuple):
    """A whole response."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def sha256(self) -> str:
        """Digest of the body."""
        return hashlib.sha256(self.body).hexdigest()


def digest(response: http.client.HTTPResponse, length: int) -> str:
    """Return the SHA-256 of the next bytes of a body, without keeping them; raise if there are fewer."""
    hashed = hashlib.sha256()
    while length:
        part = response.read(min(length, 2**20))
        if not part:
            raise http.client.IncompleteRead(b"", length)
        hashed.update(part)
        length -= len(part)
    return hashed.hexdigest()


@dataclass(frozen=True, slots=True)
class Door:
    """A port published on 127.0.0.1."""

    port: int

    @classmethod
    def of(cls, container: str, port: int) -> Self:
        """Return where a running container's port is published; the engine chooses anew at each start."""
        address = docker("port", container, str(port)).splitlines()[0]
        return cls(int(address.rpartition(":")[2]))

    @contextmanager
    def download(self, path: str, method: str = "GET", **headers: str) -> Iterator[http.client.HTTPResponse]:
        """Send a request and give the response, of whose body nothing has been read."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
            with connection.getresponse() as response:
                yield response

    def ask(self, path: str, method: str = "GET", **headers: str) -> Answer:
        """Return the whole response; raise if it is cut short."""
        with self.download(path, method, **headers) as response:
            return Answer(response.status, response.headers, response.read())


@dataclass(frozen=True, slots=True)
class Project:
    """A Compose project of its own."""

    name: str
    files: tuple[str, ...]
    settings: dict[str, str]
    profile: tuple[str, ...] = ()

    def compose(self, *arguments: str) -> str:
        """Return what a docker compose command printed."""
        files = [word for file in self.files for word in ("-f", file)]
        return docker("compose", "-p", self.name, *files, *self.profile, *arguments, settings=self.settings)

    def containers(self, service: str) -> list[str]:
        """Return the ids of a service's running containers."""
        return self.compose("ps", "-q", service).split()

    def door(self, service: str, port: int) -> Door:
        """Return where the port of a service with one container is published."""
        (container,) = self.containers(service)
        return Door.of(container, port)

    @contextmanager
    def up(self, *arguments: str) -> Iterator[None]:
        """Start it and wait until all is healthy; show the logs if that fails; remove it at the end."""
        try:
            try:
                self.compose("up", "--detach", "--wait", "--wait-timeout", str(SECONDS_TO_START), *arguments)
            except RuntimeError as error:
                raise RuntimeError(f"{error}\n{self.compose('ps', '--all')}\n{self.compose('logs')}") from error
            yield
        finally:
            self.compose("down", "--volumes", "--timeout", "5")


def eventually(holds: Callable[[], object], seconds: float) -> bool:
    """Return whether a condition comes to hold; an answer that cannot be had yet is none."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if holds():
                return True
        except (OSError, http.client.HTTPException):
            pass
        time.sleep(0.2)
    return False
