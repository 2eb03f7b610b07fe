"""Three replicas behind a cache, watched by Prometheus."""

import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Thread
from urllib.parse import quote

import pytest

from deploy.tests.crowd import crowd, failures_while
from deploy.tests.engine import GIBIBYTE, PYTHON, Door, Project, digest, docker, eventually

NAME = "fanin-scaled"
FILES = ("docker-compose.yml", "deploy/prometheus.compose.yml")
MNIST = "layers=784,256,10&activation=relu"
LARGE = "/weights.npy?layers=3700,3700&activation=relu&seed=3"  # 55 MB
RANGES = ("0-99", "16777211-16777221", "16777216-50331648", "50000000-", "-100")
PATHS = (
    "/weights.npy",
    "/weights.safetensors",
    "/weights.npz",
    "/weights.json",
    "/weights/layers.0.weight.bin",
    "/weights/layers.1.weight.npy",
    "/plan",
    "/diagnose",
)
FETCH = """
import hashlib, sys, urllib.request
with urllib.request.urlopen("http://127.0.0.1:8000" + sys.argv[1]) as answer:
    print(answer.headers["etag"], hashlib.sha256(answer.read()).hexdigest())
"""


@dataclass(frozen=True, slots=True)
class Scaled:
    """The running project and its ports."""

    project: Project
    direct: Door
    cache: Door
    prometheus: Door

    def replicas(self) -> list[str]:
        """Return three running replicas; those that a test has ended are started again."""
        self.project.compose("up", "--detach", "--wait", "--scale", "service=3")
        return self.project.containers("service")


@pytest.fixture(scope="module")
def scaled() -> Iterator[Scaled]:
    settings = {"PORT": "127.0.0.1:0", "CACHE_PORT": "127.0.0.1:0", "PROMETHEUS_PORT": "0"}
    project = Project(NAME, FILES, settings, ("--profile", "scale"))
    with project.up("--scale", "service=3"):
        doors = (project.door(*at) for at in (("fanin", 8000), ("cache", 8080), ("prometheus", 9090)))
        yield Scaled(project, *doors)


@pytest.mark.parametrize("path", PATHS)
def test_the_second_answer_comes_from_the_cache(scaled: Scaled, path: str) -> None:
    path = f"{path}?{MNIST}&seed=42"
    first, second = (scaled.cache.ask(path) for _ in range(2))
    assert [answer.status for answer in (first, second)] == [200, 200]
    assert [answer.headers["x-cache-status"] for answer in (first, second)] == ["MISS", "HIT"]
    assert first.body == second.body
    assert first.headers["etag"] == second.headers["etag"] == scaled.direct.ask(path).headers["etag"]
    assert first.headers["x-request-id"] != second.headers["x-request-id"]


def test_what_is_not_permanent_is_not_kept(scaled: Scaled) -> None:
    drawn, refused = f"/weights.npy?{MNIST}", "/plan?layers=0"
    answers = [scaled.cache.ask(path) for path in (drawn, drawn, refused, refused)]
    assert [answer.status for answer in answers] == [200, 200, 422, 422]
    assert [answer.headers["x-cache-status"] for answer in answers] == ["MISS"] * 4
    assert answers[0].body != answers[1].body


@pytest.mark.parametrize("asked", RANGES)
def test_byte_ranges_work_through_it(scaled: Scaled, asked: str) -> None:
    wanted = scaled.direct.ask(LARGE, Range=f"bytes={asked}")
    for _ in range(2):
        got = scaled.cache.ask(LARGE, Range=f"bytes={asked}")
        assert (got.status, got.body) == (206, wanted.body)
        assert got.headers["content-range"] == wanted.headers["content-range"]
        assert got.headers["etag"] == wanted.headers["etag"]
    assert got.headers["x-cache-status"] == "HIT"


def test_conditions_and_lengths_work_through_it(scaled: Scaled) -> None:
    whole = scaled.direct.ask(LARGE)
    through = scaled.cache.ask(LARGE)
    assert (through.status, through.sha256, through.headers["etag"]) == (200, whole.sha256, whole.headers["etag"])
    assert scaled.cache.ask(LARGE, If_None_Match=whole.headers["etag"]).status == 304
    same, other = whole.headers["etag"], '"another"'
    for condition, value, status in (
        ("If_Range", same, 206),
        ("If_Range", other, 200),
        ("If_None_Match", same, 304),
        ("If_None_Match", other, 206),
        ("If_Match", same, 206),
        ("If_Match", other, 412),
    ):
        asked = {"Range": "bytes=0-9", condition: value}
        assert [scaled.cache.ask(LARGE, **asked).status for _ in range(2)] == [status] * 2, asked
    assert scaled.cache.ask(LARGE, Range="bytes=99999999-").status == 416
    began = time.monotonic()
    head = scaled.cache.ask("/weights.npy?layers=200000,200000&activation=relu&seed=1", method="HEAD")
    assert (head.status, head.headers["content-length"]) == (200, "160000800128")
    assert time.monotonic() - began < 5


def test_a_page_gets_its_headers_after_a_program_filled_the_cache(scaled: Scaled) -> None:
    path = f"/weights.npy?{MNIST}&seed=43"
    assert "access-control-allow-origin" not in scaled.cache.ask(path).headers
    assert scaled.cache.ask(path, Origin="https://lab.example").headers["access-control-allow-origin"] == "*"


def test_the_longest_description_fits(scaled: Scaled) -> None:
    sizes = quote(",".join(["16777216"] * 1000))
    path = f"/weights/layers.9.weight.bin?layers={sizes}&activation=relu&seed=1&rows=0:1&columns=0:9"
    assert [scaled.cache.ask(path).headers["x-cache-status"] for _ in range(2)] == ["MISS", "HIT"]


def test_replicas_give_identical_tags_and_bytes(scaled: Scaled) -> None:
    replicas = scaled.replicas()
    assert len(replicas) == 3
    for suffix in ("npy", "npz", "safetensors", "json"):
        path = f"/weights.{suffix}?{MNIST}&seed=44"
        answer = scaled.cache.ask(path)
        told = {docker("exec", replica, PYTHON, "-c", FETCH, path) for replica in replicas}
        assert told == {f"{answer.headers['etag']} {answer.sha256}"}


def test_prometheus_counts_every_replica(scaled: Scaled) -> None:
    def asked(query: str) -> list[dict[str, list[str]]]:
        answer = json.loads(scaled.prometheus.ask(f"/api/v1/query?query={quote(query)}").body)
        found: list[dict[str, list[str]]] = answer["data"]["result"]
        return found

    assert eventually(lambda: [row["value"][1] for row in asked('up{job="fanin"}')] == ["1"] * 4, 60)
    # Requests reach more than one replica.
    assert eventually(lambda: len(asked('sum by (instance) (fanin_requests_total{route="/weights.npy"})')) >= 3, 30)
    assert scaled.cache.ask("/metrics").status == 404


def test_a_killed_replica_costs_no_client_an_error(scaled: Scaled) -> None:
    victim = scaled.replicas()[0]
    assert failures_while(scaled.cache, lambda: docker("kill", victim)) == []
    log = scaled.project.compose("logs", "--no-log-prefix", "cache")
    retried = [line for line in log.splitlines() if '"replicas":"' in line and ", " in line.split('"replicas":"')[1]]
    assert retried, "no request met the killed replica, so nothing was shown"


def test_a_stopped_replica_finishes_a_download(scaled: Scaled) -> None:
    replicas = scaled.replicas()
    length, whole = length_and_digest(scaled.direct)
    with scaled.cache.download(GIBIBYTE) as response:
        stopping = Thread(target=docker, args=("stop", sending(replicas)))
        with crowd(scaled.cache) as asked:
            stopping.start()
            assert digest(response, length) == whole
            asked.wait_for(100)
        stopping.join()
    assert asked.failures == []


DISCONNECT = ("network", "disconnect", "--force", f"{NAME}_default")


@pytest.mark.parametrize("end", [("kill",), DISCONNECT], ids=["killed", "gone without a word"])
def test_a_download_whose_replica_ends_is_cut_and_goes_on_from_another(scaled: Scaled, end: tuple[str, ...]) -> None:
    replicas = scaled.replicas()
    length, whole = length_and_digest(scaled.direct)
    hashed, got = hashlib.sha256(), 0
    with scaled.cache.download(GIBIBYTE) as response, suppress(ConnectionResetError):
        victim = sending(replicas)
        docker(*end, victim)
        while part := response.read1(2**20):
            hashed.update(part)
            got += len(part)
    docker("rm", "--force", victim)  # nobody would connect it to the network again
    assert 0 < got < length
    with scaled.cache.download(GIBIBYTE, Range=f"bytes={got}-") as response:
        assert response.status == 206
        while part := response.read1(2**20):
            hashed.update(part)
    assert hashed.hexdigest() == whole


def length_and_digest(door: Door) -> tuple[int, str]:
    """Return how many bytes a large download has, and their SHA-256."""
    with door.download(GIBIBYTE) as response:
        length = int(response.headers["content-length"])
        return length, digest(response, length)


def sending(replicas: Sequence[str]) -> str:
    """Return the replica that sends a download of which nothing is read, so that it cannot end."""
    assert eventually(lambda: any(map(is_sending, replicas)), 10)
    return next(filter(is_sending, replicas))


def is_sending(replica: str) -> bool:
    """Return whether a client has not yet taken all that a replica has sent: Linux shows how much waits."""
    for line in docker("exec", replica, "cat", "/proc/net/tcp").splitlines()[1:]:
        _, address, _, _, queues, *_ = line.split()
        if address.endswith(":1F40") and int(queues.partition(":")[0], 16):
            return True
    return False


def test_without_any_replica_the_cache_answers_what_it_has(scaled: Scaled) -> None:
    kept = f"/weights.npy?{MNIST}&seed=45"
    whole = scaled.cache.ask(kept)
    for replica in scaled.replicas():
        docker("kill", replica)
    assert scaled.cache.ask(kept).body == whole.body
    # The crowd would have noticed.
    refused = scaled.cache.ask(f"/weights.npy?{MNIST}&seed=46")
    assert refused.status == 503
    assert refused.headers["content-type"] == "application/problem+json"
    assert json.loads(refused.body)["detail"] == "no replica answers"
