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

    def __init__(self) -> None:
        """Count nothing yet."""
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "fanin_requests", "Requests answered.", ("route", "method", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "fanin_request_seconds", "Seconds from request to end of response.", ("route",), registry=self._registry
        )
        self._bytes = Counter("fanin_sent_bytes", "Bytes of bodies sent.", ("route",), registry=self._registry)
        self._elements = Counter("fanin_elements_drawn", "Values drawn.", registry=self._registry)
        self._malformed = Counter(
            "fanin_malformed_requests", "Requests refused before the app.", ("reason",), registry=self._registry
        )
        self._turned_away = Counter(
            "fanin_connections_turned_away", "Connections closed because there was no place.", registry=self._registry
        )
        self._children: dict[tuple[str, str, int], _Children] = {}

    def show(self, name: str, meaning: str, value: Callable[[], int]) -> None:
        """Show a number that is kept elsewhere."""
        Gauge(name, meaning, registry=self._registry).set_function(value)

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

    def count_malformed(self, reason: str) -> None:
        """Count one request that was refused before the app saw it."""
        self._malformed.labels(reason).inc()

    def count_turned_away(self) -> None:
        """Count one connection that was closed because there was no place."""
        self._turned_away.inc()

    def exposition(self) -> bytes:
        """Return all counts in Prometheus's text format."""
        return generate_latest(self._registry)
