"""Boxes against arrays whose elements are their own numbers."""

from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st

from service.numerics.box import Box

Numbers = npt.NDArray[np.int64]


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    """Draw a box of a tensor of rank 0 to 5, with its axes in any order."""
    sides = tuple(draw(st.lists(st.integers(1, 5), max_size=5)))
    order = tuple(draw(st.permutations(range(len(sides)))))
    starts = [draw(st.integers(0, side - 1)) for side in sides]
    stops = [draw(st.integers(start + 1, side)) for start, side in zip(starts, sides, strict=True)]
    return Box(sides, order, tuple(map(range, starts, stops)))


def numbers(box: Box) -> Numbers:
    """Return the number of each of the box's elements, in the file's order: NumPy's own transposition of a count."""
    canonical = np.arange(prod(box.sides)).reshape([box.sides[axis] for axis in box.order])
    in_file_order = canonical.transpose(np.argsort(box.order)) if box.order else canonical
    return in_file_order[tuple(slice(part.start, part.stop) for part in box.ranges)]


def filled(box: Box, out: Numbers) -> Numbers:
    runs = box.runs(out)
    places = runs.places[:, np.newaxis] + runs.pitch * np.arange(runs.length)
    assert np.unique(places).size == places.size == box.elements
    runs.out[places] = runs.starts[:, np.newaxis] + np.arange(runs.length)
    return out


@given(boxes())
def test_runs_give_each_element_its_number_once(box: Box) -> None:
    assert filled(box, np.full(box.shape, -1)).tolist() == numbers(box).tolist()


@given(boxes(), st.data())
def test_runs_fit_memory_of_any_strides(box: Box, data: st.DataObject) -> None:
    axes = data.draw(st.permutations(range(len(box.sides))))
    out = np.full([box.shape[axis] for axis in axes], -1).transpose(np.argsort(axes)) if axes else np.full((), -1)
    assert filled(box, out).tolist() == numbers(box).tolist()


@given(boxes())
def test_runs_lie_in_the_order_of_memory(box: Box) -> None:
    places = box.runs(np.full(box.shape, -1)).places
    assert places.tolist() == sorted(places.tolist())


@given(boxes())
def test_a_run_stays_within_a_part_of_a_larger_array(box: Box) -> None:
    around = np.full([side + 2 for side in box.shape], -1)
    inside: tuple[Any, ...] = (..., *(slice(1, side + 1) for side in box.shape))
    filled(box, around[inside])
    assert around[inside].tolist() == numbers(box).tolist()
    assert (around == -1).sum() == around.size - box.elements


@given(boxes(), st.data())
def test_a_run_is_split_into_boxes_that_hold_it_in_order(box: Box, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, box.elements))
    stop = data.draw(st.integers(start, box.elements))
    parts = list(box.split(start, stop))
    held = np.concatenate([numbers(part).reshape(-1) for part in parts]) if parts else np.empty(0, np.int64)
    assert held.tolist() == numbers(box).reshape(-1)[start:stop].tolist()
    assert len(parts) <= max(2 * len(box.sides) - 1, 1)


@given(boxes())
def test_a_whole_tensor_in_canonical_order_is_one_run(box: Box) -> None:
    whole = Box.whole(box.sides, tuple(range(len(box.sides))))
    runs = whole.runs(np.zeros(whole.shape))
    assert (runs.starts.tolist(), runs.places.tolist(), runs.length, runs.pitch) == ([0], [0], whole.elements, 1)
    assert whole.is_in_canonical_order


def test_the_runs_of_a_transposed_matrix_are_its_columns() -> None:
    box = Box((3, 4), (1, 0), (range(1, 3), range(4)))
    runs = box.runs(np.zeros((2, 4)))
    assert (runs.starts.tolist(), runs.places.tolist(), runs.length, runs.pitch) == ([1, 4, 7, 10], [0, 1, 2, 3], 2, 4)
