"""Zarr stores through the libraries that read them, where they are installed, beside the same tensor as bare bytes."""

import importlib
from collections.abc import Callable
from typing import Any

from benchmarks.client import discarded
from benchmarks.rounds import median_seconds
from benchmarks.rows import Row
from benchmarks.sizes import Sizes
from harness.running import Service, running

ARRAY = "layers.0.weight"
# zarr-python with fsspec; each tensor is opened, and its one chunk read.
MOST_SECONDS_OF_SMALL = 4.0
SMALL_LAYERS = 999
SMALL_SIDE = 64


def measure(sizes: Sizes) -> list[Row]:
    """Return rates of readers, what they cost the server, and the seconds that many small tensors take."""
    if not (_library("zarr") and _library("fsspec") and _library("aiohttp")):
        return [Row("Zarr readers are not installed: pip install --group zarr", 0, "")]
    with running() as server:
        return [*_large(server, sizes), _small(server)]


def _large(server: Service, sizes: Sizes) -> list[Row]:
    query = f"layers={sizes.transfer_side},{sizes.transfer_side}&activation=relu&bias=none&seed=1"
    url = f"{server.url}/zarr/{query}"
    calls: dict[str, Callable[[], object]] = {
        "bare bytes": lambda: sum(discarded(server.port, f"/weights/{ARRAY}.bin?{query}"))
    }
    zarr, tensorstore, dask = map(_library, ("zarr", "tensorstore", "dask.array"))
    if zarr:
        calls["zarr-python"] = lambda: zarr.open_array(f"{url}/{ARRAY}", mode="r")[...]
    if tensorstore:
        calls["tensorstore"] = lambda: tensorstore.open(f"{url}/{ARRAY}/|zarr3:", read=True).result().read().result()
    if dask:
        calls["dask, mean"] = lambda: dask.from_zarr(f"{url}/{ARRAY}").mean().compute()
    used = {name: _Used(call, server) for name, call in calls.items()}
    seconds = median_seconds(used, sizes.rounds)
    gigabytes = 4 * sizes.transfer_side**2 / 1e9
    bare = gigabytes * 1e3 / seconds["bare bytes"]
    rates = [
        Row(f"{gigabytes:.2f} GB through {name}", gigabytes * 1e3 / seconds[name], "MB/s", "bare bytes", bare)
        for name in calls
    ]
    bare_cost = used["bare bytes"].server_seconds / gigabytes
    costs = [
        Row(
            f"server's CPU for that through {name}",
            used[name].server_seconds / gigabytes,
            "s/GB",
            "bare bytes",
            bare_cost,
        )
        for name in calls
    ]
    return rates + costs


def _small(server: Service) -> Row:
    zarr = _library("zarr")
    layers = ",".join([str(SMALL_SIDE)] * (SMALL_LAYERS + 1))
    url = f"{server.url}/zarr/layers={layers}&activation=relu&seed=1"

    def read_all() -> None:
        count = sum(array[...].size > 0 for _, array in zarr.open_group(url, mode="r").arrays())
        if count != 2 * SMALL_LAYERS:
            raise RuntimeError(f"{count} tensors were read")

    seconds = median_seconds({"read": read_all}, 3)["read"]
    title = f"{2 * SMALL_LAYERS:,} tensors of a deep network through zarr-python"
    return Row(title, seconds, "s", value_below=MOST_SECONDS_OF_SMALL)


class _Used:
    """A call, and the seconds of CPU time that its last round cost the server."""

    def __init__(self, call: Callable[[], object], server: Service) -> None:
        self._call, self._server = call, server
        self.server_seconds = 0.0

    def __call__(self) -> None:
        before = self._server.cpu_seconds()
        self._call()
        self.server_seconds = self._server.cpu_seconds() - before


def _library(name: str) -> Any:
    """Return a library; None where it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None
