"""Orthogonal tensors: given bits, the same from both backends, slices of the whole, and Haar's distribution."""

import math
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.initializers.drawn_panels import OVERHEAD_BYTES, DrawnPanels
from service.initializers.matrices import MatrixAxes
from service.initializers.orthogonal import Orthogonal
from service.initializers.schemes import Choice
from service.numerics.box import Box
from service.numerics.dtypes import DTYPES, DType, Values
from service.numerics.recipe import backend as chosen_backend
from service.numerics.recipe.distributions import DistributionName, Stream
from service.numerics.recipe.philox import key_of
from service.numerics.recipe.reference import Float32s
from service.numerics.recipe.reflections import Reflections
from tests.numerics.recipe.backends import COLUMN_BACKENDS
from tests.numerics.recipe.known_vectors import VECTORS

WHOLE = [case for case in VECTORS["orthogonal"] if "bits" in case]
COLUMNS = [case for case in VECTORS["orthogonal"] if "column" in case]
CHOICE = Choice("orthogonal", "orthogonal was asked for", "", "", 0.0)
IO, OI = (0, 1), (1, 0)  # the file's axes in canonical order, of a matrix


ONE_MATRIX = MatrixAxes(copies=0, rows=1)


def orthogonal(seed: int, key: str, *, axes: MatrixAxes = ONE_MATRIX, gain: float = 1.0) -> Orthogonal:
    return Orthogonal(CHOICE, seed, key, axes, gain, DrawnPanels(2**24))


def values(initializer: Orthogonal, box: Box, dtype: DType = DType.FLOAT32) -> Values:
    out = np.full(box.shape, np.nan, DTYPES[dtype].numpy)
    initializer.fill(out, box)
    return out


def matrix(rows: int, columns: int, seed: int = 1, name: str = "a") -> npt.NDArray[np.float64]:
    return values(orthogonal(seed, name), Box.whole((rows, columns), IO)).astype(np.float64)


@pytest.fixture(params=COLUMN_BACKENDS)
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each of the backends in turn, as the one that draws."""
    monkeypatch.setattr(chosen_backend, "draw_columns", COLUMN_BACKENDS[request.param])
    return str(request.param)


def hexadecimal(values: Values) -> list[str]:
    return [f"{bits:08X}" for bits in np.ascontiguousarray(values).view(np.uint32).ravel().tolist()]


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("case", WHOLE, ids=lambda case: f"{case['rows']}x{case['columns']}-{case['copy']}")
def test_matrices_are_the_given_ones(case: dict[str, object]) -> None:
    rows, columns, copy = (int(str(case[name])) for name in ("rows", "columns", "copy"))
    initializer = orthogonal(
        int(str(case["seed"])), str(case["key"]), axes=MatrixAxes(1, 1), gain=float(str(case["gain"]))
    )
    expected = np.ravel(np.array(case["bits"])).tolist()
    sides = (copy + 1, rows, columns)
    one = Box(sides, (0, 1, 2), (range(copy, copy + 1), range(rows), range(columns)))
    assert hexadecimal(values(initializer, one)) == expected
    transposed = Box((copy + 1, columns, rows), (0, 2, 1), (range(copy, copy + 1), range(columns), range(rows)))
    assert hexadecimal(values(initializer, transposed)[0].T) == expected


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("case", COLUMNS, ids=lambda case: f"column {case['column']}")
def test_columns_are_the_given_ones(case: dict[str, object]) -> None:
    rows, columns, column = (int(str(case[name])) for name in ("rows", "columns", "column"))
    box = Box((rows, columns), IO, (range(rows), range(column, column + 1)))
    bits = hexadecimal(values(orthogonal(int(str(case["seed"])), str(case["key"])), box))
    assert bits[:4] == case["first"]
    assert bits[-4:] == case["last"]


# Tensors in the file's order: sides, order, axes. Tall and wide, copies inside and outside, groups of either kind.
TENSORS = {
    "IO tall": ((150, 131), IO, MatrixAxes(0, 1)),
    "OI tall": ((131, 150), OI, MatrixAxes(0, 1)),
    "IO wide": ((20, 140), IO, MatrixAxes(0, 1)),
    "OIHW": ((6, 4, 3, 2), (2, 3, 1, 0), MatrixAxes(0, 3)),
    "BOI": ((3, 4, 6), (0, 2, 1), MatrixAxes(1, 1)),
    "HWIB": ((3, 2, 2, 5), (3, 0, 1, 2), MatrixAxes(1, 3)),
    "IOO": ((12, 3, 2), (0, 1, 2), MatrixAxes(0, 1)),
    "IIO": ((3, 4, 6), (0, 1, 2), MatrixAxes(0, 2)),
    "OIW in 2 groups": ((8, 3, 2), (2, 1, 0), MatrixAxes(0, 2, groups=2, grouped=2)),
    "IOW in 3 groups, transposed": ((6, 2, 4), (2, 0, 1), MatrixAxes(0, 2, groups=3, grouped=1)),
}


@st.composite
def cuts(draw: st.DrawFn) -> tuple[str, Box]:
    name = draw(st.sampled_from(sorted(TENSORS)))
    sides, order, _ = TENSORS[name]
    ranges = []
    for side in sides:
        start = draw(st.integers(0, side - 1))
        ranges.append(range(start, draw(st.integers(start + 1, side))))
    return name, Box(sides, order, tuple(ranges))


@given(cuts(), st.sampled_from(DType))
@settings(max_examples=200)
def test_slices_are_those_of_the_whole(cut: tuple[str, Box], dtype: DType) -> None:
    name, box = cut
    sides, order, axes = TENSORS[name]
    initializer = orthogonal(3, name, axes=axes)
    whole = values(initializer, Box.whole(sides, order))
    expected = whole[tuple(slice(one.start, one.stop) for one in box.ranges)].astype(DTYPES[dtype].numpy)
    assert values(initializer, box, dtype).tobytes() == expected.tobytes()
    run = box.elements // 3
    for part in box.split(run, box.elements):
        local = whole[tuple(slice(one.start, one.stop) for one in part.ranges)]
        assert values(initializer, part).tobytes() == local.tobytes()


@pytest.mark.parametrize("name", TENSORS)
def test_every_group_of_every_copy_is_a_matrix_of_its_own(name: str) -> None:
    sides, order, axes = TENSORS[name]
    tensor = values(orthogonal(3, name, axes=axes), Box.whole(sides, order)).transpose(order).astype(np.float64)
    copies = tensor.reshape(-1, *tensor.shape[axes.copies :])
    corners = set()
    for copy in copies:
        groups = [copy] if axes.grouped is None else np.split(copy, axes.groups, axes.grouped - axes.copies)
        for one in groups:
            flat = one.reshape(math.prod(one.shape[: axes.rows]), -1)
            tall = flat if flat.shape[0] >= flat.shape[1] else flat.T
            assert np.abs(tall.T @ tall - np.eye(tall.shape[1])).max() < 4e-7
            corners.add(tall[0, 0])
    assert len(corners) == len(copies) * axes.groups


def test_layouts_hold_the_same_values() -> None:
    initializer = orthogonal(1, "a")
    in_out = values(initializer, Box.whole((70, 90), IO))
    assert in_out.tobytes() == values(initializer, Box.whole((90, 70), OI)).T.tobytes()


@pytest.mark.parametrize("shape", [(64, 64), (1000, 1000), (2048, 2048), (700, 300), (300, 700)])
def test_columns_or_rows_are_orthonormal_after_rounding(shape: tuple[int, int]) -> None:
    rows = matrix(*shape)
    tall = rows if shape[0] >= shape[1] else rows.T
    assert np.abs(tall.T @ tall - np.eye(min(shape))).max() <= 4e-7


def test_gain_multiplies_before_the_only_rounding() -> None:
    one = orthogonal(5, "g", gain=math.sqrt(2))
    scaled = values(one, Box.whole((40, 40), IO)).astype(np.float64)
    assert np.abs(scaled.T @ scaled - 2 * np.eye(40)).max() <= 8e-7


# The first element of this stream that is -0; the one after it is 0.
ZERO = 24_869_834


@pytest.mark.skipif(len(COLUMN_BACKENDS) < 2, reason="one backend is all there is")
@pytest.mark.parametrize("base", [12_345, ZERO - 2], ids=["anywhere", "vectors with zeros"])
@pytest.mark.parametrize("length", [4, 200])
def test_backends_give_the_same_bits(length: int, base: int) -> None:
    for columns in ([0], [1, 3], [0, 3, 70, 71, 199], range(64), range(65), range(200)):
        own = np.array([column for column in columns if column < length], np.int64)
        drawn = []
        for draw in COLUMN_BACKENDS.values():
            out = np.empty((length, own.size), np.float32)
            draw(out, Reflections(key_of(42, "layers.0.weight"), base, length), own, 1.5)
            drawn.append(out.tobytes())
        assert len(set(drawn)) == 1


@pytest.mark.usefixtures("backend")
def test_a_reflection_whose_vector_is_zero_does_nothing() -> None:
    zeros = np.ones(2, np.float32)
    chosen_backend.fill_run(zeros, Stream.of(42, "layers.0.weight", DistributionName.NORMAL, 1.0), ZERO)
    assert hexadecimal(zeros) == ["80000000", "00000000"]
    # A matrix of one element is 1 or -1, which reflection 0 decides; here that is left out.
    box = Box((ZERO + 1, 1, 1), (0, 1, 2), (range(ZERO, ZERO + 1), range(1), range(1)))
    assert values(orthogonal(42, "layers.0.weight", axes=MatrixAxes(1, 1)), box).item() == 1.0


# 2,000 matrices of each size, as copies of one tensor.
COUNT = 2000


@cache
def haar_matrices(side: int) -> npt.NDArray[np.float64]:
    box = Box.whole((COUNT, side, side), (0, 1, 2))
    return values(orthogonal(2, "haar", axes=MatrixAxes(1, 1)), box).astype(np.float64)


@pytest.mark.parametrize("side", [2, 3, 8])
def test_traces_and_entries_have_the_moments_of_haar(side: int) -> None:
    haar = haar_matrices(side)
    traces = np.trace(haar, axis1=1, axis2=2)
    # Diaconis and Shahshahani 1994: the trace has mean 0 and variance 1; an entry has variance 1 / side.
    assert abs(traces.mean()) < 5 / math.sqrt(COUNT)
    assert abs(traces.var() - 1) < 5 * math.sqrt(2 / COUNT)
    assert np.abs(haar.mean(axis=0)).max() < 5 / math.sqrt(side * COUNT)
    # An entry's fourth moment is 3 / (side (side + 2)), so its square has variance 2 (side - 1) / (side² (side + 2)).
    error = math.sqrt(2 * (side - 1) / (side**2 * (side + 2)) / COUNT)
    assert np.abs(np.square(haar).mean(axis=0) - 1 / side).max() < 5 * error


@pytest.mark.parametrize("side", [2, 3, 8])
def test_half_of_the_matrices_are_rotations(side: int) -> None:
    haar = haar_matrices(side)
    assert abs((np.linalg.det(haar) > 0).mean() - 0.5) < 5 * 0.5 / math.sqrt(COUNT)


def distance(sample: npt.NDArray[np.float64]) -> float:
    """Return Kolmogorov and Smirnov's distance of a sample from the uniform distribution on [0, 1]."""
    ranked, steps = np.sort(sample), np.arange(sample.size + 1) / sample.size
    return float(max((steps[1:] - ranked).max(), (ranked - steps[:-1]).max()))


def test_traces_of_powers_have_the_moments_of_haar() -> None:
    eight = haar_matrices(8)
    # Diaconis and Shahshahani 1994, theorem 4: tr Q^k has mean 1 for even k, else 0, and variance k.
    for power, mean in ((2, 1), (3, 0)):
        traces = np.trace(np.linalg.matrix_power(eight, power), axis1=1, axis2=2)
        assert abs(traces.mean() - mean) < 5 * math.sqrt(power / COUNT)


def test_eigenangles_of_rotations_are_uniform() -> None:
    plane, space = (haar_matrices(side) for side in (2, 3))
    plane, space = plane[np.linalg.det(plane) > 0], space[np.linalg.det(space) > 0]
    shares = np.arctan2(plane[:, 1, 0], plane[:, 0, 0]) / (2 * np.pi) + 0.5
    # In space an angle has density (1 - cos) / pi, so that its share of all is (angle - sin) / pi.
    angles = np.arccos((np.trace(space, axis1=1, axis2=2) - 1) / 2)
    for sample in (shares, (angles - np.sin(angles)) / np.pi):
        assert distance(sample) < 1.95 / math.sqrt(sample.size)  # exceeded by one sample in a thousand


Drawn = list[tuple[int, list[int]]]


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Drawn:
    """What is drawn: base and columns."""
    drawn: Drawn = []
    draw = chosen_backend.draw_columns

    def draw_columns(out: Float32s, reflections: Reflections, columns: npt.NDArray[np.int64], gain: float) -> None:
        drawn.append((reflections.base, columns.tolist()))
        draw(out, reflections, columns, gain)

    monkeypatch.setattr(chosen_backend, "draw_columns", draw_columns)
    return drawn


def test_where_a_file_crosses_columns_panels_are_drawn_once_for_all_runs(drawn: Drawn) -> None:
    box = Box((2, 300, 200), (0, 1, 2), (range(2), range(10, 290), range(100, 200)))
    initializer = orthogonal(1, "a", axes=MatrixAxes(1, 1))
    together = initializer.drawn_together(box)
    # Each copy is a run of its own, for which both panels of Q are kept as float32 while one is drawn as float64.
    assert (together.run, together.needs_panels) == (280 * 100, True)
    kept = 2 * OVERHEAD_BYTES + 300 * 200 * 4
    assert together.bytes == kept + 300 * 128 * 8
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda drawing: drawing(), initializer.drawings(box)))
    panels = [(base, list(columns)) for base in (0, 60_000) for columns in (range(128), range(128, 200))]
    assert sorted(drawn) == panels
    assert initializer.panels.bytes_kept == 2 * kept
    for start in range(0, box.elements, 7000):
        for part in box.split(start, start + 7000):
            values(initializer, part)
    assert sorted(drawn) == panels


def test_where_a_file_runs_along_columns_each_run_draws_its_own(drawn: Drawn) -> None:
    box = Box.whole((200, 300), OI)
    initializer = orthogonal(1, "a")
    together = initializer.drawn_together(box)
    assert (together.run, together.needs_panels, together.bytes) == (128 * 300, False, 300 * 128 * 8)
    for part in box.split(together.run, box.elements):
        values(initializer, part)
    assert drawn == [(0, list(range(128, 200)))]


def test_long_columns_are_drawn_fewer_at_a_time() -> None:
    box = Box.whole((20_000, 300), IO)
    assert orthogonal(1, "a").drawn_together(box).bytes == 5 * OVERHEAD_BYTES + 20_000 * (300 * 4 + 64 * 8)


def test_numpy_linalg_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("numpy.linalg was used")

    for name in np.linalg.__all__:
        if callable(getattr(np.linalg, name)) and not isinstance(getattr(np.linalg, name), type):
            monkeypatch.setattr(np.linalg, name, refuse)
    for name, (sides, order, axes) in TENSORS.items():
        values(orthogonal(1, name, axes=axes), Box.whole(sides, order))
    with pytest.raises(AssertionError, match="was used"):
        np.linalg.qr(np.eye(2))
