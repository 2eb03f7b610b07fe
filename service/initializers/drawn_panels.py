"""A cache of panels: columns that cost so much that they are drawn once for all runs of a file that cross them."""

from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock
from typing import NamedTuple

from service.numerics.recipe.reference import Float32s
from service.numerics.recipe.reflections import Reflections

# What a panel takes beside its values: its key, and what several threads wait with. Small ones are mostly that.
OVERHEAD_BYTES = 3072


class PanelKey(NamedTuple):
    """What a panel depends on: neighbours of one matrix, times a gain."""

    reflections: Reflections
    columns: range
    gain: float


class DrawnPanels:
    """The panels used last, within a number of bytes. Any thread may ask; each panel is drawn by one at a time."""

    def __init__(self, most_bytes: int) -> None:
        """Keep `most_bytes` at most, beside what is being drawn or read."""
        self.most_bytes = most_bytes
        self._lock = Lock()
        self._panels: OrderedDict[PanelKey, Future[Float32s]] = OrderedDict()
        self.bytes_kept = 0

    def get(self, key: PanelKey, draw: Callable[[PanelKey], Float32s]) -> Float32s:
        """Return a panel: one that is kept, or one that another thread is drawing, or one that this thread draws."""
        with self._lock:
            panel = self._panels.get(key)
            is_new = panel is None
            if panel is None:
                panel = self._panels[key] = Future()
            self._panels.move_to_end(key)
        if is_new:
            self._draw(key, panel, draw)
        return panel.result()

    def _draw(self, key: PanelKey, panel: Future[Float32s], draw: Callable[[PanelKey], Float32s]) -> None:
        try:
            values = draw(key)
        except BaseException as failure:
            with self._lock:
                del self._panels[key]
            panel.set_exception(failure)
            raise
        panel.set_result(values)
        with self._lock:
            self.bytes_kept += OVERHEAD_BYTES + values.nbytes
            self._forget()

    def _forget(self) -> None:
        """Forget those panels whose last use is longest ago, as far as it takes."""
        while self.bytes_kept > self.most_bytes:
            oldest = next(key for key, panel in self._panels.items() if panel.done())
            self.bytes_kept -= OVERHEAD_BYTES + self._panels.pop(oldest).result().nbytes
