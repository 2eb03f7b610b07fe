"""`docker compose up`: one container on port 8000, which can do no harm and stops in order."""

import http.client
import json
import threading
import time
from collections.abc import Iterator

import pytest

from deploy.tests.engine import GIBIBYTE, PYTHON, Door, Project, digest, docker, eventually, inspect

BEGUN = 2**26  # bytes of it that are read before a stop
# What the kernel says of the process that asks, and what happens when it writes beside the program.
PROBE = """
import errno, json, pathlib
status = dict(line.split(":", 1) for line in pathlib.Path("/proc/self/status").read_text().splitlines())
try:
    pathlib.Path("/opt/app/new").write_text("")
except OSError as error:
    written = errno.errorcode[error.errno]
print(json.dumps({
    "user": int(status["Uid"].split()[1]), "capabilities": int(status["CapBnd"], 16),
    "may_gain": status["NoNewPrivs"].strip() == "0", "written": written,
}))
"""


def test_it_is_one_container_on_port_8000(plain: Project, door: Door) -> None:
    (container,) = docker("ps", "--quiet", "--filter", f"label=com.docker.compose.project={plain.name}").split()
    assert inspect(container)["State"]["Health"]["Status"] == "healthy"
    services = json.loads(docker("compose", "config", "--format", "json"))["services"]
    assert [(port["published"], port["target"]) for port in services["fanin"]["ports"]] == [("8000", 8000)]
    assert json.loads(door.ask("/version").body)["backend"].startswith("numba")


def test_it_has_no_rights(plain: Project) -> None:
    (container,) = plain.containers("fanin")
    held = json.loads(docker("exec", container, PYTHON, "-c", PROBE))
    assert held == {"user": 10001, "capabilities": 0, "may_gain": False, "written": "EROFS"}
    # The same probe where nothing is forbidden: it would have told.
    free = json.loads(docker("run", "--rm", "fanin", PYTHON, "-c", PROBE))
    assert free["capabilities"]
    assert free["may_gain"]
    assert free["written"] == "EACCES"


def test_it_has_limits(plain: Project) -> None:
    (container,) = plain.containers("fanin")
    limits = inspect(container)["HostConfig"]
    assert (limits["Memory"], limits["NanoCpus"], limits["PidsLimit"]) == (2 * 2**30, 2 * 10**9, 256)
    assert docker("stats", "--no-stream", "--format", "{{.MemUsage}}", container).endswith("/ 2GiB")


def test_the_health_check_can_fail(plain: Project) -> None:
    (container,) = plain.containers("fanin")
    check = [container, *inspect(container)["Config"]["Healthcheck"]["Test"][1:]]
    docker("exec", *check)
    with pytest.raises(RuntimeError, match="Connection refused"):
        docker("exec", "--env", "FANIN_PORT=1", *check)


@pytest.fixture
def short() -> Iterator[tuple[str, Door]]:
    """Run a container that waits two seconds only for running responses."""
    container = docker(
        "run", "--detach", "--init", "--publish", "127.0.0.1::8000", "--env", "FANIN_SHUTDOWN_SECONDS=2", "fanin:numpy"
    )
    try:
        door = Door.of(container, 8000)
        assert eventually(lambda: door.ask("/readyz").status == 200, 60)
        yield container, door
    finally:
        docker("rm", "--force", container)


def test_a_stop_waits_for_a_running_download_of_a_gigabyte(plain: Project, door: Door) -> None:
    (container,) = plain.containers("fanin")
    with door.download(GIBIBYTE) as response:
        length = int(response.headers["content-length"])
        begun, rest = digest(response, BEGUN), digest(response, length - BEGUN)
    assert length > 2**30
    try:
        with door.download(GIBIBYTE) as response:
            assert digest(response, BEGUN) == begun
            stopping = threading.Thread(target=plain.compose, args=("stop",))
            stopping.start()
            # It takes no one new, but goes on for whom it has.
            assert eventually(lambda: is_refused(door), 10)
            time.sleep(3)
            assert digest(response, length - BEGUN) == rest
        stopping.join()
        state = inspect(container)["State"]
        assert (state["Status"], state["ExitCode"], state["OOMKilled"]) == ("exited", 0, False)
    finally:
        plain.compose("up", "--detach", "--wait")


def test_a_download_that_outlasts_the_stop_ends_with_a_clear_error(short: tuple[str, Door]) -> None:
    container, door = short
    with door.download(GIBIBYTE) as response:
        response.read(2**20)
        docker("stop", "--time", "20", container)
        with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
            response.read()
    assert inspect(container)["State"]["ExitCode"] == 0


def is_refused(door: Door) -> bool:
    """Return whether the service takes no new connection."""
    try:
        door.ask("/livez")
    except (ConnectionError, http.client.HTTPException):
        return True
    return False
