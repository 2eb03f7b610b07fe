"""A cache of panels: columns that cost so much that they are drawn once for all runs of a file that cross them."""

from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock
from typing import NamedTuple

from service.numerics.recipe.reference import Float32s
from service.numerics.recipe.reflections import Reflections

OVERHEAD_BYTES = 1024  # of a panel's key and objects, about: small panels are mostly that


class PanelKey(NamedTuple):
    """What a panel depends on: neighbours of one matrix, times a gain."""

    reflections: Reflections
    columns: range
    gain: float

    @property
    def byte_count(self) -> int:
        """Memory that the panel takes: its float32 values, and what holds them."""
        return OVERHEAD_BYTES + 4 * self.reflections.length * len(self.columns)


class DrawnPanels:
    """The panels used last, within a number of bytes. Any thread may ask; each panel is drawn by one at a time."""

    def __init__(self, most_bytes: int) -> None:
        """Keep `most_bytes` at most, beside what is being drawn or read."""
        self.most_bytes = most_bytes
        self._lock = Lock()
        self._kept: OrderedDict[PanelKey, Float32s] = OrderedDict()
        self._begun: dict[PanelKey, Future[Float32s]] = {}
        self.bytes_kept = 0

    def get(self, key: PanelKey, draw: Callable[[PanelKey], Float32s]) -> Float32s:
        """Return a panel: one that is kept, or one that another thread is drawing, or one that this thread draws."""
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None:
                self._kept.move_to_end(key)
                return kept
            begun = self._begun.get(key)
            is_first = begun is None
            if begun is None:
                begun = self._begun[key] = Future()
        return self._drawn(key, begun, draw) if is_first else begun.result()

    def _drawn(self, key: PanelKey, begun: Future[Float32s], draw: Callable[[PanelKey], Float32s]) -> Float32s:
        try:
            values = draw(key)
        except BaseException as failure:
            with self._lock:
                del self._begun[key]
            begun.set_exception(failure)
            raise
        begun.set_result(values)
        with self._lock:
            del self._begun[key]
            self._keep(key, values)
        return values

    def _keep(self, key: PanelKey, values: Float32s) -> None:
        """Keep a panel, and forget those whose last use is longest ago, as far as it takes."""
        self._kept[key] = values
        self.bytes_kept += key.byte_count
        while self.bytes_kept > self.most_bytes:
            forgotten, _ = self._kept.popitem(last=False)
            self.bytes_kept -= forgotten.byte_count
