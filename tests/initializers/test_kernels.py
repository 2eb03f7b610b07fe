"""Tables of zeros with something at the centre, and positions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.initializers.arange import Arange
from service.initializers.delta_orthogonal import DeltaOrthogonal
from service.initializers.drawn_panels import DrawnPanels
from service.initializers.initializer import Initializer
from service.initializers.kernels import Identity, centre
from service.initializers.matrices import MatrixAxes
from service.initializers.orthogonal import Orthogonal
from service.initializers.schemes import Choice
from service.numerics.box import Box
from service.numerics.dtypes import DTYPES, DType, Values

CHOICE = Choice("identity", "identity was asked for", "", "", 0.0)
OIHW, HWIO, HWIB = (2, 3, 1, 0), (0, 1, 2, 3), (3, 0, 1, 2)


def filled(initializer: Initializer, box: Box, dtype: DType = DType.FLOAT32) -> Values:
    out = np.full(box.shape, np.nan, DTYPES[dtype].numpy)
    initializer.fill(out, box)
    return out


def orthogonal(axes: MatrixAxes) -> Orthogonal:
    return Orthogonal(CHOICE, 5, "delta", axes, panels=DrawnPanels(2**20))


@pytest.mark.parametrize(("size", "place"), [(1, 0), (2, 0), (3, 1), (4, 1), (5, 2), (7, 3)])
def test_the_centre_is_the_middle_or_the_one_before_it(size: int, place: int) -> None:
    assert centre(size) == place


def by_hand(shape: tuple[int, ...], ones: list[tuple[int, ...]], value: float = 1) -> Values:
    expected = np.zeros(shape, np.float32)
    for place in ones:
        expected[place] = value
    return expected


@pytest.mark.parametrize(
    ("sides", "order", "initializer", "ones"),
    [
        pytest.param((3, 4), (1, 0), Identity(CHOICE, MatrixAxes(0, 1), 0), [(0, 0), (1, 1), (2, 2)], id="OI"),
        pytest.param((2, 3), (0, 1), Identity(CHOICE, MatrixAxes(0, 1), 0), [(0, 0), (1, 1)], id="IO"),
        pytest.param(
            (5, 2, 3, 4), OIHW, Identity(CHOICE, MatrixAxes(0, 3), 2), [(0, 0, 1, 1), (1, 1, 1, 1)], id="OIHW"
        ),
        pytest.param(
            (3, 4, 2, 5), HWIO, Identity(CHOICE, MatrixAxes(0, 3), 2), [(1, 1, 0, 0), (1, 1, 1, 1)], id="HWIO"
        ),
        pytest.param(  # what dirac_ of PyTorch writes for groups=2
            (6, 2, 3), (2, 1, 0), Identity(CHOICE, MatrixAxes(0, 2, 2, 2), 1),
            [(0, 0, 1), (1, 1, 1), (3, 0, 1), (4, 1, 1)], id="OIW in 2 groups",
        ),
        pytest.param(
            (3, 1, 1, 2), HWIB, Identity(CHOICE, MatrixAxes(1, 3), 2), [(1, 0, 0, 0), (1, 0, 0, 1)], id="HWIB"
        ),
        pytest.param(
            (2, 2, 2), (0, 1, 2), Identity(CHOICE, MatrixAxes(1, 1), 0),
            [(0, 0, 0), (0, 1, 1), (1, 0, 0), (1, 1, 1)], id="BIO",
        ),
    ],
)  # fmt: skip
def test_identity_is_one_where_input_and_output_are_the_same(
    sides: tuple[int, ...], order: tuple[int, ...], initializer: Identity, ones: list[tuple[int, ...]]
) -> None:
    assert filled(initializer, Box.whole(sides, order)).tobytes() == by_hand(sides, ones).tobytes()


def test_identity_takes_a_gain_that_is_rounded_once() -> None:
    third = filled(Identity(CHOICE, MatrixAxes(0, 1), 0, 1 / 3), Box.whole((2, 2), (0, 1)), DType.FLOAT64)
    assert third.tolist() == [[1 / 3, 0], [0, 1 / 3]]
    # Halfway between two bfloat16 but for its last bits, which float32 drops.
    above = filled(Identity(CHOICE, MatrixAxes(0, 1), 0, 1 + 2**-8 + 2**-40), Box.whole((1, 1), (0, 1)), DType.BFLOAT16)
    assert float(above[0, 0]) == 1 + 2**-7


def test_a_kernel_that_is_identity_gives_back_its_input() -> None:
    kernel = filled(Identity(CHOICE, MatrixAxes(0, 2), 1), Box.whole((3, 3, 5), (2, 1, 0)))
    signal = np.arange(30, dtype=np.float32).reshape(3, 10)
    padded = np.pad(signal, ((0, 0), (2, 2)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, 5, axis=1)
    assert np.array_equal(np.einsum("oiw,itw->ot", kernel, windows), signal)


@pytest.mark.parametrize(("sides", "order"), [((6, 4, 3, 2), OIHW), ((3, 2, 4, 6), HWIO), ((5, 1, 4, 4), HWIO)])
def test_delta_orthogonal_is_the_matrix_at_the_centre(sides: tuple[int, ...], order: tuple[int, ...]) -> None:
    inner = orthogonal(MatrixAxes(0, 1))
    canonical = filled(DeltaOrthogonal(range(2), inner), Box.whole(sides, order)).transpose(order)
    height, width, inputs, outputs = canonical.shape
    matrix = filled(inner, Box.whole((inputs, outputs), (0, 1)))
    assert np.array_equal(canonical[centre(height), centre(width)], matrix)
    assert np.count_nonzero(canonical) == np.count_nonzero(matrix) == matrix.size


def test_delta_orthogonal_keeps_the_norm_of_a_periodic_signal() -> None:
    kernel = filled(DeltaOrthogonal(range(1), orthogonal(MatrixAxes(0, 1))), Box.whole((3, 5, 8), (0, 1, 2)))
    signal = np.random.default_rng(1).normal(size=(20, 5))
    out = sum(np.roll(signal, 1 - tap, axis=0) @ kernel[tap].astype(np.float64) for tap in range(3))
    assert np.linalg.norm(out) == pytest.approx(np.linalg.norm(signal), rel=1e-6)


SLICED: dict[str, tuple[tuple[int, ...], tuple[int, ...], Initializer]] = {
    "identity": ((6, 2, 3), (2, 1, 0), Identity(CHOICE, MatrixAxes(0, 2, 2, 2), 1)),
    "delta OIHW": ((6, 4, 3, 2), OIHW, DeltaOrthogonal(range(2), orthogonal(MatrixAxes(0, 1)))),
    "delta BOIW": ((2, 6, 4, 3), (0, 3, 2, 1), DeltaOrthogonal(range(1, 2), orthogonal(MatrixAxes(1, 1)))),
    "arange": ((2, 9), (0, 1), Arange(CHOICE)),
}


@given(st.data(), st.sampled_from(sorted(SLICED)), st.sampled_from(DType))
def test_slices_are_those_of_the_whole(data: st.DataObject, name: str, dtype: DType) -> None:
    sides, order, initializer = SLICED[name]
    whole = filled(initializer, Box.whole(sides, order), dtype)
    ranges = []
    for side in sides:
        start = data.draw(st.integers(0, side - 1))
        ranges.append(range(start, data.draw(st.integers(start + 1, side))))
    box = Box(sides, order, tuple(ranges))
    assert filled(initializer, box, dtype).tobytes() == whole[tuple(slice(r.start, r.stop) for r in ranges)].tobytes()


def test_delta_orthogonal_takes_the_units_of_its_matrix() -> None:
    initializer = DeltaOrthogonal(range(2), orthogonal(MatrixAxes(0, 1)))
    # 128 columns of Q, each of 300 inputs at 9 positions: a file that runs along the columns.
    along = initializer.drawn_together(Box.whole((200, 300, 3, 3), OIHW))
    assert (along.run, along.needs_panels) == (128 * 300 * 9, False)
    across = initializer.drawn_together(Box.whole((3, 3, 300, 200), HWIO))
    assert (across.run, across.needs_panels) == (300 * 200, True)
    outside = Box((3, 3, 300, 200), HWIO, (range(1), range(3), range(300), range(200)))
    assert list(initializer.drawings(outside)) == []
    assert len(list(initializer.drawings(Box.whole((3, 3, 300, 200), HWIO)))) == 2


@pytest.mark.parametrize("dtype", ["<i8", "<i4", "<f4"])
def test_arange_counts_along_the_last_axis(dtype: str) -> None:
    out = np.empty((2, 5), dtype)
    Arange(CHOICE).fill(out, Box((2, 9), (0, 1), (range(2), range(3, 8))))
    assert out.tolist() == [[3, 4, 5, 6, 7]] * 2
