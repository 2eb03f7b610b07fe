"""The backends write the same bytes, in every dtype and orientation; rounding is that of NumPy and ml_dtypes."""

import importlib
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from service.numerics.dtypes import DTYPES, DType
from service.numerics.recipe.distributions import DistributionName, Stream
from service.numerics.recipe.reference import Float32s
from tests.numerics.recipe.backends import BACKENDS, ORDERS, RUN, SEED, STD, TENSOR, Order, filled, needs_numba

SHORT = (DType.FLOAT16, DType.BFLOAT16)
SMALLEST_NORMAL_HALF, SMALLEST_HALF = 2.0**-14, 2.0**-24

# Sides below, at and above those of the compiled backend's tiles, and of its runs.
rows = st.integers(1, 40) | st.integers(250, 260)
lengths = st.integers(1, 120) | st.integers(505, 520) | st.integers(RUN - 16, RUN + 16) | st.integers(4090, 4100)
shapes = st.tuples(rows, lengths).filter(lambda shape: shape[0] * shape[1] < 2**17)
gaps = st.just(0) | st.integers(0, 60) | st.integers(0, 2**31)
starts = st.integers(0, 100) | st.integers(0, 2**61)
# 1e-40 is subnormal in float32; from 1e-7 on, values are partly, then all subnormal in float16.
stds = st.sampled_from([0.0, 1e-40, 1e-37, 1e-7, 1e-6, 1e-5, STD, 1.0, 8000.0]) | st.floats(0, 8000)


def module() -> Any:
    return importlib.import_module("service.numerics.recipe.numba_backend")


@needs_numba
def test_the_sizes_that_the_tests_aim_at_are_those_of_the_numba_backend() -> None:
    assert (module().RUN, module().LINE, module().COLUMNS) == (RUN, 16, 56)


@needs_numba
@settings(max_examples=200)
@given(
    distribution=st.sampled_from(DistributionName),
    dtype=st.sampled_from(DType),
    shape=shapes,
    start=starts,
    gap=gaps,
    order=st.sampled_from(ORDERS),
    std=stds,
    seed=st.integers(0, 2**53 - 1),
)
@example(
    distribution=DistributionName.TRUNCATED_NORMAL, dtype=DType.FLOAT16, shape=(17, 513), start=3, gap=5, order="F",
    std=1e-7, seed=0,
)  # fmt: skip
@example(
    distribution=DistributionName.UNIFORM, dtype=DType.BFLOAT16, shape=(1, RUN + 1), start=2**61, gap=0, order="C",
    std=1e37, seed=1,
)  # fmt: skip
@example(
    distribution=DistributionName.NORMAL, dtype=DType.FLOAT64, shape=(257, 1), start=2**61, gap=2**31, order="F",
    std=1e37, seed=2**53 - 1,
)  # fmt: skip
def test_both_backends_give_the_same_bytes(
    *, distribution: DistributionName, dtype: DType, shape: tuple[int, int], start: int, gap: int, order: Order,
    std: float, seed: int,
) -> None:  # fmt: skip
    source = Stream.of(seed, TENSOR, distribution, std)
    both = [
        filled(backend, source, shape, start, shape[1] + gap, dtype=dtype, order=order)
        for backend in ("numpy", "numba")
    ]
    assert both[0].tobytes() == both[1].tobytes()


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("gap", [0, 3])
@pytest.mark.parametrize("distribution", DistributionName)
@pytest.mark.parametrize("dtype", DType)
def test_a_dtype_is_the_float32_value_rounded_as_numpy_rounds(
    dtype: DType, distribution: DistributionName, gap: int, order: Order, backend: str
) -> None:
    for std in (0.0, 1e-40, 1e-7, 1e-6, 1e-5, 3e-5, 1e-4, STD, 1.0, DTYPES[dtype].largest_std):
        source = Stream.of(SEED, TENSOR, distribution, std)
        for shape in ((1, 2100), (3, 700), (35, 60)):
            place = (source, shape, 5, shape[1] + gap)
            exact = filled(backend, *place, order=order)
            rounded = filled(backend, *place, dtype=dtype, order=order)
            assert rounded.tobytes() == exact.astype(DTYPES[dtype].numpy).tobytes()
            assert np.isfinite(rounded.astype(np.float64)).all()


def test_the_stds_above_give_subnormal_halves_and_zeros_of_either_sign() -> None:
    def halves(std: float) -> npt.NDArray[np.float64]:
        source = Stream.of(SEED, TENSOR, DistributionName.NORMAL, std)
        return filled("numpy", source, (1, 2100), 5, 2100, dtype=DType.FLOAT16).astype(np.float64)

    for std in (0.0, 1e-7):
        values = halves(std)
        assert set(np.signbit(values[values == 0])) == {False, True}
    assert set(np.unique(np.abs(halves(1e-7)))) >= {0.0, SMALLEST_HALF, 2 * SMALLEST_HALF}
    assert 0 < np.abs(halves(1e-6)).max() < SMALLEST_NORMAL_HALF
    assert np.abs(halves(3e-5)).min() < SMALLEST_NORMAL_HALF < np.abs(halves(3e-5)).max()


def numbers_near_ties(dtype: DType) -> Float32s:
    """Return every finite number from 0 on of a 16-bit type, every tie of two of them, and the ties' neighbours."""
    patterns = np.arange(2**15, dtype=np.uint16)
    numbers = patterns.view(DTYPES[dtype].numpy).astype(np.float32)
    numbers = numbers[np.isfinite(numbers)]
    with np.errstate(under="ignore"):
        ties = ((numbers[:-1].astype(np.float64) + numbers[1:]) / 2).astype(np.float32)
    around = [np.nextafter(ties, np.float32(towards)) for towards in (0, np.inf)]
    return np.concatenate([numbers, ties, *around])


@needs_numba
@pytest.mark.parametrize("dtype", SHORT)
def test_every_tie_and_its_neighbours_are_rounded_as_numpy_rounds(dtype: DType) -> None:
    rounded = {DType.FLOAT16: "_half", DType.BFLOAT16: "_bfloat"}[dtype]
    bits_of = getattr(module(), rounded)
    positive = numbers_near_ties(dtype)
    numbers = np.concatenate([positive, -positive])
    expected = numbers.astype(DTYPES[dtype].numpy).view(np.uint16)
    assert [bits_of(number) for number in numbers] == expected.tolist()


@pytest.mark.parametrize("backend", BACKENDS)
def test_nothing_is_written_outside_of_the_array(backend: str) -> None:
    for dtype, transposed, (height, length) in product(DType, (False, True), ((1, RUN + 3), (3, 5), (18, 515))):
        kind, margin = DTYPES[dtype].numpy, 64
        storage = np.zeros(height * length + 2 * margin, kind)
        inside = storage[margin:-margin]
        out = inside.reshape(length, height).T if transposed else inside.reshape(height, length)
        BACKENDS[backend](out, Stream.of(SEED, TENSOR, DistributionName.NORMAL, 1.0), 3, length + 1)
        assert not storage[:margin].any()
        assert not storage[-margin:].any()
        assert np.count_nonzero(inside) > 0.99 * inside.size


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", DType)
def test_no_elements_are_no_work(dtype: DType, backend: str) -> None:
    source = Stream.of(SEED, TENSOR, DistributionName.TRUNCATED_NORMAL, 1.0)
    assert filled(backend, source, (1, 0), 9, 0, dtype=dtype).size == 0
