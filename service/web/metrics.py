"""What the service counts, for Prometheus."""

from collections.abc import Callable
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST as CONTENT_TYPE

__all__ = ["CONTENT_TYPE", "Metrics"]


class _Children(NamedTuple):
    """The counters of one combination of labels: to look them up takes longer than to count."""

    requests: Counter
    seconds: Histogram
    bytes: Counter


class Metrics:
    """Counters of one app."""

    def __init__(self, drawings: Callable[[], int]) -> None:
        """Count nothing yet; `drawings` tells how many responses are being drawn."""
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "fanin_requests", "Requests answered.", ("route", "method", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "fanin_request_seconds", "Seconds from request to end of response.", ("route",), registry=self._registry
        )
        self._bytes = Counter("fanin_sent_bytes", "Bytes of bodies sent.", ("route",), registry=self._registry)
        self._elements = Counter("fanin_elements_drawn", "Values drawn.", registry=self._registry)
        self._children: dict[tuple[str, str, int], _Children] = {}
        under_way = Gauge("fanin_drawings", "Responses being drawn.", registry=self._registry)
        under_way.set_function(drawings)

    def count_request(self, route: str, method: str, status: int, seconds: float, sent: int) -> None:
        """Count one finished request."""
        children = self._children.get((route, method, status))
        if children is None:
            children = self._children[route, method, status] = _Children(
                self._requests.labels(route, method, str(status)),
                self._seconds.labels(route),
                self._bytes.labels(route),
            )
        children.requests.inc()
        children.seconds.observe(seconds)
        children.bytes.inc(sent)

    def count_elements(self, elements: int) -> None:
        """Count drawn values."""
        self._elements.inc(elements)

    def exposition(self) -> bytes:
        """Return all counts in Prometheus's text format."""
        return generate_latest(self._registry)
