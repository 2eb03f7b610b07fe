"""Whole responses over a local socket: against PyTorch's local fill, and against constant bytes from the same stack."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial

import numpy as np
import orjson

from benchmarks.client import discarded
from benchmarks.libraries import torch_kaiming
from benchmarks.rounds import median_seconds
from benchmarks.rows import Row
from benchmarks.servers import HAS_NUMBA, peer, with_numpy
from benchmarks.sizes import Sizes
from harness.running import Service, running
from service.numerics.recipe.backend import fill_run
from service.numerics.recipe.distributions import DistributionName, Stream

LEAST_AGAINST_TORCH, LEAST_AGAINST_CONSTANT, LEAST_OF_NUMPY = 2.0, 0.4, 0.8
# Format, what follows the query, what it is measured against, and the least ratio of values per second.
VARIANTS = (
    ("npy", "&layout=out_in", "npy", 1 / 1.5),
    ("npy", "&dtype=float64", "npy", None),
    ("npy", "&dtype=float16", "npy", 1.0),
    ("safetensors", "", "npy", 0.95),
    ("safetensors", "&dtype=bfloat16", "npy", 1.0),
    ("npz", "", "npy", 0.7),
    ("npy", "&distribution=uniform", "npy", None),
    ("npy", "&distribution=truncated_normal", "npy", None),
)
CROWDS = (2, 4)
LEAST_OF_JSON = 0.7


def measure(sizes: Sizes) -> list[Row]:
    """Return values per second of whole responses."""
    side, values = sizes.transfer_side, sizes.transfer_side**2
    with ExitStack() as servers:
        constant = servers.enter_context(peer())
        plain = servers.enter_context(with_numpy())
        service = servers.enter_context(running()) if HAS_NUMBA else plain
        calls: dict[str, Callable[[], object]] = {
            "constant": partial(_take, constant, f"/stream/?{4 * values}"),
            "numpy": partial(_take, plain, _path("npy", side)),
            "npy": partial(_take, service, _path("npy", side)),
            **{
                f"{suffix}{more}": partial(_take, service, _path(suffix, side) + more)
                for suffix, more, _, _ in VARIANTS
            },
            **{f"{count} clients": partial(_crowd, service, _path("npy", side), count) for count in CROWDS},
        }
        if torch := torch_kaiming(values):
            calls["torch"] = torch
        used = {name: _Used(call, service, plain) for name, call in calls.items()}
        seconds = median_seconds(used, sizes.rounds)
        rows = list(_rows(sizes, {name: values / 1e6 / took for name, took in seconds.items()}, used))
        return [*rows, _json(service, sizes)]


class _Used:
    """A call, and the cores that the servers kept busy during its last round."""

    def __init__(self, call: Callable[[], object], *servers: Service) -> None:
        self._call, self._servers = call, servers
        self.cores = 0.0

    def __call__(self) -> None:
        before, began = self._seconds(), os.times().elapsed
        self._call()
        self.cores = (self._seconds() - before) / (os.times().elapsed - began)

    def _seconds(self) -> float:
        return sum(server.cpu_seconds() for server in self._servers)


def _rows(sizes: Sizes, rates: dict[str, float], used: dict[str, _Used]) -> Iterator[Row]:
    size = f"{4 * sizes.transfer_side**2 / 2**30:.3g} GiB"
    torch, torch_rate = ("PyTorch local" if "torch" in rates else "PyTorch not installed"), rates.get("torch")

    def row(name: str, title: str, peer_name: str, peer_rate: float | None, least: float | None) -> Row:
        return Row(
            title, rates[name], "M/s", peer_name, peer_rate, smallest_ratio=least, cores=used[name].cores or None
        )

    if HAS_NUMBA:
        title = f"{size} .npy over HTTP"
        yield row("npy", title, torch, torch_rate, LEAST_AGAINST_TORCH)
        yield row("npy", title, "constant bytes", rates["constant"], LEAST_AGAINST_CONSTANT)
    yield row("numpy", f"{size} .npy over HTTP, NumPy only", torch, torch_rate, LEAST_OF_NUMPY)
    for suffix, more, beside, least in VARIANTS:
        yield row(f"{suffix}{more}", f"the same as .{suffix}{more.replace('&', ' ')}", beside, rates[beside], least)
    for count in CROWDS:
        rate = count * rates[f"{count} clients"]
        yield Row(f"the same, {count} clients together", rate, "M/s", "1 client", rates["npy"],
                  cores=used[f"{count} clients"].cores or None)  # fmt: skip


def _json(service: Service, sizes: Sizes) -> Row:
    """Return the values per second of a JSON document, against drawing and dumping them at once."""
    side = 1024
    rows = sizes.json_values // side
    path = f"/weights.json?layers={rows},{side}&activation=relu&seed=1&bias=none"
    seconds = median_seconds(
        {"own": partial(_take, service, path), "bare": partial(_dumped, sizes.json_values)}, sizes.rounds
    )
    own, bare = (sizes.json_values / 1e6 / seconds[name] for name in ("own", "bare"))
    title = f"JSON of {sizes.json_values / 2**20:.3g} Mi values over HTTP"
    return Row(title, own, "M/s", "drawing and orjson.dumps", bare, smallest_ratio=LEAST_OF_JSON)


def _dumped(values: int) -> bytes:
    drawn = np.empty(values, np.float32)
    fill_run(drawn, Stream.of(1, "layers.0.weight", DistributionName.NORMAL, 0.05), 0)
    return orjson.dumps(drawn, option=orjson.OPT_SERIALIZE_NUMPY)


def _path(suffix: str, side: int) -> str:
    return f"/weights.{suffix}?layers={side},{side}&activation=relu&seed=1&bias=none"


def _take(server: Service, path: str) -> None:
    for _ in discarded(server.port, path):
        pass


def _crowd(server: Service, path: str, count: int) -> None:
    with ThreadPoolExecutor(count) as clients:
        list(clients.map(lambda _: _take(server, path), range(count)))
