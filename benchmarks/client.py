"""A client that takes a tensor and throws it away."""

from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection

from harness.running import HOST
from service.describe.network import Layout

BUFFER_BYTES = 2**17  # stays in the cache of the client's core
TIMEOUT_SECONDS = 60


def weight_path(side: int, layout: Layout) -> str:
    """Return the path of a square float32 weight."""
    query = f"layers={side},{side}&activation=relu&seed=1&bias=none&layout={layout}"
    return f"/weights/layers.0.weight.bin?{query}"


def discarded(port: int, path: str) -> Iterator[int]:
    """Download and yield the sizes of what comes; raise RuntimeError unless it is a whole 200."""
    buffer = bytearray(BUFFER_BYTES)
    received = 0
    with closing(HTTPConnection(HOST, port, timeout=TIMEOUT_SECONDS)) as connection:
        connection.request("GET", path)
        response = connection.getresponse()
        announced = response.headers["Content-Length"]
        if response.status != 200:
            raise RuntimeError(f"{path}: status {response.status}: {response.read()!r}")
        while count := response.readinto(buffer):
            received += count
            yield count
    if announced is not None and str(received) != announced:
        raise RuntimeError(f"{path}: {received} bytes of {announced}")
