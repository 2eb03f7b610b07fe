"""Small requests in a second, by wrk, against an endpoint of the same stack that returns a constant."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from http import HTTPStatus
from statistics import median
from tempfile import NamedTemporaryFile

import httpx

from benchmarks.rows import Row
from benchmarks.servers import peer
from benchmarks.sizes import Sizes
from harness.running import Service, running

CONNECTIONS = 16
NPY = "/weights.npy?layers=8,8&activation=relu&bias=none&seed="
PLAN = "/plan?layers=784,256,128,10&activation=relu&seed="
# wrk's own language: another seed for each request, so that no answer has been given before.
SEEDS = """
local seed = 0
request = function()
  seed = seed + 1
  return wrk.format("GET", "{path}" .. seed)
end
"""


def measure(sizes: Sizes) -> list[Row]:
    """Return the rates, each beside the constant's in the same rounds."""
    if shutil.which("wrk") is None:
        return [Row("small requests: wrk is not installed", 0.0, "/s")]
    with running() as service, peer() as constant:
        etag = httpx.get(f"{service.url}{NPY}1").headers["etag"]
        again = httpx.get(f"{service.url}{NPY}1", headers={"If-None-Match": etag})
        if again.status_code != HTTPStatus.NOT_MODIFIED:
            raise RuntimeError(f"{again.status_code} where 304 was expected")
        loads = {
            "a constant": (constant, "/", ()),
            "304": (service, f"{NPY}1", ("-H", f"If-None-Match: {etag}")),
            "/plan of three layers": (service, f"{PLAN}1", ()),
            "8 x 8 .npy": (service, f"{NPY}1", ()),
            "/plan of three layers, every seed new": (service, PLAN, _script(PLAN)),
            "8 x 8 .npy, every seed new": (service, NPY, _script(NPY)),
        }
        rates: dict[str, list[float]] = {name: [] for name in loads}
        for _ in range(max(sizes.rounds // 2, 1)):
            for name, (server, path, options) in loads.items():
                rates[name].append(_rate(server, path, options, sizes.load_seconds))
    return list(_rows({name: median(found) for name, found in rates.items()}))


def _rows(rates: dict[str, float]) -> Iterator[Row]:
    least = {"304": 0.8, "/plan of three layers": 0.5, "8 x 8 .npy": 0.5}
    constant = rates.pop("a constant")
    for name, rate in rates.items():
        yield Row(f"{name}, requests", rate, "/s", "a constant", constant, smallest_ratio=least.get(name))


def _script(path: str) -> tuple[str, str]:
    with NamedTemporaryFile("w", suffix=".lua", delete=False) as script:
        script.write(SEEDS.format(path=path))
    return ("-s", script.name)


def _rate(server: Service, path: str, options: tuple[str, ...], seconds: int) -> float:
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", *options, f"{server.url}{path}"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in told or "Socket errors" in told:
        raise RuntimeError(told)
    found = re.search(r"Requests/sec:\s+([0-9.]+)", told)
    if found is None:
        raise RuntimeError(told)
    return float(found[1])
