"""The cache of panels: one drawing for all who ask at once, and no more bytes than allowed."""

import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event, Lock

import numpy as np
import pytest

from service.initializers.drawn_panels import OVERHEAD_BYTES, DrawnPanels, PanelKey
from service.numerics.recipe.philox import Key
from service.numerics.recipe.reference import Float32s
from service.numerics.recipe.reflections import Reflections

SIZE = OVERHEAD_BYTES + 4 * 10 * 8


def key(number: int) -> PanelKey:
    return PanelKey(Reflections(Key(1, 2), 0, 10), range(8 * number, 8 * number + 8), 1.0)


class Drawing:
    """Draws panels that take SIZE bytes, and remembers which."""

    def __init__(self) -> None:
        self.drawn: list[PanelKey] = []

    def __call__(self, key: PanelKey) -> Float32s:
        self.drawn.append(key)
        return np.full((10, 8), key.columns.start, np.float32)


def test_what_is_kept_is_not_drawn_again() -> None:
    panels, draw = DrawnPanels(3 * SIZE), Drawing()
    for number in (0, 1, 2, 1, 0):
        assert panels.get(key(number), draw)[0, 0] == 8 * number
    assert draw.drawn == [key(0), key(1), key(2)]


def test_the_panel_whose_use_is_longest_ago_goes_first() -> None:
    panels, draw = DrawnPanels(2 * SIZE), Drawing()
    for number in (0, 1, 0, 2, 0, 1):
        panels.get(key(number), draw)
    assert draw.drawn == [key(0), key(1), key(2), key(1)]


def test_nothing_is_kept_where_nothing_fits() -> None:
    panels, draw = DrawnPanels(SIZE - 1), Drawing()
    for _ in range(2):
        assert panels.get(key(3), draw)[0, 0] == 24
    assert draw.drawn == [key(3)] * 2


def test_small_panels_are_counted_with_all_that_holds_them() -> None:
    panels = DrawnPanels(2**30)
    tracemalloc.start()
    for number in range(1000):
        reflections = Reflections(Key(2**60 + number, 2**61 + number), 2**40 + number, 3)
        one = PanelKey(reflections, range(number, number + 2), 1.0 + number)
        panels.get(one, lambda _: np.empty((3, 2), np.float32))
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert 0.5 * panels.bytes_kept < taken <= panels.bytes_kept


def test_threads_that_ask_at_once_share_one_drawing() -> None:
    panels, draw, together, started = DrawnPanels(SIZE), Drawing(), Barrier(4), Event()

    def ask() -> Float32s:
        together.wait(timeout=30)
        return panels.get(key(0), slow)

    def slow(one: PanelKey) -> Float32s:
        started.wait(timeout=0.2)  # let the others ask
        return draw(one)

    with ThreadPoolExecutor(4) as threads:
        answers = [future.result() for future in [threads.submit(ask) for _ in range(4)]]
    assert all(answer is answers[0] for answer in answers)
    assert draw.drawn == [key(0)]


def test_different_panels_are_drawn_at_the_same_time() -> None:
    panels, together = DrawnPanels(2 * SIZE), Barrier(2)

    def meet(one: PanelKey) -> Float32s:
        together.wait(timeout=30)  # fails unless both are being drawn
        return Drawing()(one)

    with ThreadPoolExecutor(2) as threads:
        values = list(threads.map(lambda number: panels.get(key(number), meet), range(2)))
    assert [value[0, 0] for value in values] == [0, 8]


def test_a_drawing_that_fails_is_tried_again() -> None:
    panels, draw = DrawnPanels(SIZE), Drawing()

    def fail(_: PanelKey) -> Float32s:
        raise MemoryError

    with pytest.raises(MemoryError):
        panels.get(key(0), fail)
    panels.get(key(0), draw)
    assert draw.drawn == [key(0)]


def test_bytes_stay_within_the_bound_whatever_threads_ask() -> None:
    panels, lock, drawn = DrawnPanels(3 * SIZE), Lock(), Drawing()

    def draw(one: PanelKey) -> Float32s:
        with lock:
            return drawn(one)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda number: panels.get(key(number * 7 % 11), draw), range(300)))
    assert panels.bytes_kept == 3 * SIZE
