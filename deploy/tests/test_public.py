"""Before a network that is not yours: TLS, and limits for each address."""

import json
import re
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPSConnection

import pytest

from deploy.tests.engine import ROOT, Project, docker, eventually, inspect

CACHED = "/weights.npy?layers=20,10&activation=relu&seed=1"
# More than the sockets' buffers hold, so that it is under way for as long as nobody reads.
LARGE = "/weights.npy?layers=8192,8192&activation=relu&seed=1"
LIMITS = (ROOT / "deploy/public/limits.conf").read_text(encoding="utf-8")
MOST_AT_ONCE = int(re.findall(r"limit_conn answers (\d+)", LIMITS)[0])
BURST = int(re.findall(r"burst=(\d+)", LIMITS)[0])
RATE = int(re.findall(r"rate=(\d+)r/s", LIMITS)[0])
CERTIFICATE = (
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost "
    "-addext subjectAltName=IP:127.0.0.1 -keyout -"
)
PROBLEM = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Public:
    """The running project, its one port, and whom its clients trust."""

    project: Project
    port: int
    trust: ssl.SSLContext

    @contextmanager
    def connected(self) -> Iterator[ssl.SSLSocket]:
        """Give a connection to it."""
        with (
            closing(socket.create_connection(("127.0.0.1", self.port), timeout=60)) as plain,
            self.trust.wrap_socket(plain, server_hostname="127.0.0.1") as secured,
        ):
            yield secured

    def ask(self, path: str) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and body of an answer."""
        with closing(HTTPSConnection("127.0.0.1", self.port, timeout=60, context=self.trust)) as connection:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()


def request(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: fanin\r\n\r\n".encode()


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Public]:
    folder = tmp_path_factory.mktemp("certificate")
    # One file for both: each reader takes its part.
    both = folder / "both.pem"
    both.write_text(docker("run", "--rm", "fanin", *CERTIFICATE.split()))
    for path in (both, *both.parents[:3]):
        path.chmod(0o755)  # for nginx's user
    settings = {"TLS_PORT": "127.0.0.1:0", "CERTIFICATE": str(both), "CERTIFICATE_KEY": str(both)}
    files = ("docker-compose.yml", "deploy/public.compose.yml")
    project = Project("fanin-public", files, settings, ("--profile", "scale"))
    with project.up("--scale", "service=1"):
        trust = ssl.create_default_context(cafile=str(both))
        found = Public(project, project.door("cache", 8443).port, trust)
        assert eventually(lambda: found.ask("/readyz")[0] == 200, 60)
        yield found


def test_nothing_else_is_open(public: Public) -> None:
    found = (public.project.containers(service) for service in ("fanin", "service", "cache"))
    ports = [inspect(container)["NetworkSettings"]["Ports"] for containers in found for container in containers]
    published = [port for of_one in ports for port, at in of_one.items() if at]
    assert (len(ports), published) == (3, ["8443/tcp"])


def test_an_answer_comes_through_tls(public: Public) -> None:
    status, headers, body = public.ask(CACHED)
    assert (status, int(headers["content-length"])) == (200, len(body))
    with public.connected() as connection:
        assert connection.version() in {"TLSv1.2", "TLSv1.3"}


def test_one_address_gets_so_many_answers_at_once(public: Public) -> None:
    with ExitStack() as connections:
        for _ in range(MOST_AT_ONCE):
            connection = connections.enter_context(public.connected())
            connection.sendall(request(LARGE))
            assert connection.recv(12) == b"HTTP/1.1 200"
        status, headers, body = public.ask("/livez")
        assert (status, headers["content-type"], headers["retry-after"]) == (429, PROBLEM, "1")
        assert json.loads(body)["status"] == 429
    assert eventually(lambda: public.ask("/livez")[0] == 200, 20)


def test_one_address_gets_so_many_answers_in_a_second(public: Public) -> None:
    many = 5 * BURST
    assert public.ask(CACHED)[0] == 200
    time.sleep(BURST / RATE)  # after which nothing counts that was asked for before
    with public.connected() as connection:
        connection.sendall(request(CACHED) * (many - 1))
        connection.sendall(request(CACHED).replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        received = b"".join(iter(lambda: connection.recv(2**16), b""))
    statuses = re.findall(rb"HTTP/1\.1 (\d{3}) ", received)
    assert set(statuses) == {b"200", b"429"}
    assert statuses.count(b"200") >= BURST
    assert eventually(lambda: public.ask(CACHED)[0] == 200, 20)
