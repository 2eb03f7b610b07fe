import math
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from threading import Barrier

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.numerics.dtypes import DTYPES, DType
from service.numerics.recipe import backend as chosen_backend
from service.numerics.recipe.distributions import CUT_STDS, Cut, CutStd, DistributionName, Stream
from service.numerics.recipe.numpy_backend import LONG_RUN
from service.numerics.recipe.philox import ELEMENTS_PER_BLOCK
from service.numerics.recipe.reference import BLOCKS_PER_CHUNK, Float32s
from tests.numerics.recipe import recipe_by_hand
from tests.numerics.recipe.backends import BACKENDS, HAS_NUMBA, ORDERS, RUN, SEED, STD, TENSOR, Order, drawn, filled
from tests.numerics.recipe.known_vectors import CASES, CUT_CASES, IDS, Case, CutCase

CHUNK = BLOCKS_PER_CHUNK * ELEMENTS_PER_BLOCK

distributions = st.sampled_from(DistributionName)
# A tensor may have this many elements and more; NumPy's own indices end at 2**63.
starts = st.integers(0, 100) | st.integers(0, 2**61)
both_backends = pytest.mark.parametrize("backend", BACKENDS)


def source(distribution: DistributionName, std: float = STD) -> Stream:
    return Stream.of(SEED, TENSOR, distribution, std)


def by_hand(distribution: DistributionName, elements: range, std: float = STD) -> list[int]:
    element = recipe_by_hand.DISTRIBUTIONS[distribution]
    key = recipe_by_hand.key(SEED, TENSOR)
    return [recipe_by_hand.bits(element(key, i, std)) for i in elements]


def same_bits(first: Float32s, second: Float32s) -> bool:
    return first.shape == second.shape and first.tobytes() == second.tobytes()


@both_backends
@pytest.mark.parametrize("distribution", DistributionName)
@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_values_are_the_given_ones(case: Case, distribution: DistributionName, backend: str) -> None:
    given_source = Stream.of(case.seed, case.tensor, distribution, 1.0)
    for shape in ((1, 8), (2, 4), (8, 1)):
        for order in ORDERS:
            values = filled(backend, given_source, shape, case.start, shape[1], order=order)
            assert tuple(np.ravel(values).view(np.uint32).tolist()) == case.bits[distribution]


@both_backends
@given(distributions, starts, st.integers(1, 20), st.floats(0, 1e37))
@example(DistributionName.NORMAL, 7, 9, 1e-40)  # a scale that is subnormal
@example(DistributionName.NORMAL, 0, 9, 1e-37)  # values some of which are
@example(DistributionName.NORMAL, 0, 8, 0.0)  # zeros keep the signs of the values
@example(DistributionName.TRUNCATED_NORMAL, 0, 8, 0.0)
@example(DistributionName.UNIFORM, 0, 8, 0.0)
@example(DistributionName.NORMAL, 2**61 - 20, 20, 1.0)
def test_elements_are_those_of_the_oracle(
    backend: str, distribution: DistributionName, start: int, count: int, std: float
) -> None:
    values = drawn(backend, distribution, start, count, std)
    assert values.view(np.uint32).tolist() == by_hand(distribution, range(start, start + count), std)


@both_backends
@given(distributions, st.integers(0, 2999), st.integers(0, 3000))
@example(DistributionName.NORMAL, 1, 2)
@example(DistributionName.TRUNCATED_NORMAL, 15, 16)
@example(DistributionName.NORMAL, 0, RUN)
@example(DistributionName.NORMAL, 7, RUN - 1)
@example(DistributionName.NORMAL, 7, RUN + 1)
def test_any_run_is_that_run_of_the_whole(backend: str, distribution: DistributionName, start: int, stop: int) -> None:
    stop = max(start, stop)
    whole = drawn(backend, distribution, 0, 3000)
    assert same_bits(drawn(backend, distribution, start, stop - start), whole[start:stop])


@both_backends
@pytest.mark.parametrize("start", [0, 5, 2**40 + 3])
@pytest.mark.parametrize("distribution", DistributionName)
def test_a_run_of_several_chunks_has_no_seams(distribution: DistributionName, start: int, backend: str) -> None:
    values = drawn(backend, distribution, start, 2 * CHUNK + 11)
    # A run that starts inside of a block has its seams at whole blocks, counted from that block.
    block = start // ELEMENTS_PER_BLOCK * ELEMENTS_PER_BLOCK
    for seam in (block + RUN, block + 2 * RUN, block + CHUNK, block + 2 * CHUNK):
        near = range(seam - 9, min(seam + 9, start + len(values)))
        at_seam = values[near.start - start : near.stop - start]
        assert at_seam.view(np.uint32).tolist() == by_hand(distribution, near)
    assert same_bits(values[1000 : CHUNK + 1000], drawn(backend, distribution, start + 1000, CHUNK))


@both_backends
@pytest.mark.parametrize(
    ("element", "attempt"), [(14_678, 3), (81_925, 4), (103_057, 4)]
)  # found among the first million elements
def test_a_value_is_drawn_again_until_it_is_within_two(element: int, attempt: int, backend: str) -> None:
    assert recipe_by_hand.accepted_attempt(recipe_by_hand.key(SEED, TENSOR), element) == attempt
    (expected,) = by_hand(DistributionName.TRUNCATED_NORMAL, range(element, element + 1))
    for start in (element - 1000, element - 3, element):
        values = drawn(backend, DistributionName.TRUNCATED_NORMAL, start, element - start + 5)
        assert values[element - start].view(np.uint32) == expected
    columns = filled(backend, source(DistributionName.TRUNCATED_NORMAL), (5, 3), element - 10, 5, order="F")
    assert columns[2, 0].view(np.uint32) == expected


@both_backends
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("length", [1, 8])
def test_a_run_most_of_whose_values_are_drawn_again_is_right(length: int, order: Order, backend: str) -> None:
    # Of this block, seven of eight values are beyond two: no other of the first three million has so many.
    start = 8 * 143_853
    key = recipe_by_hand.key(SEED, TENSOR)
    assert sum(recipe_by_hand.accepted_attempt(key, start + i) > 0 for i in range(8)) == 7
    again_and_again = filled(
        backend, source(DistributionName.TRUNCATED_NORMAL), (600, length), start, stride=0, order=order
    )
    row = by_hand(DistributionName.TRUNCATED_NORMAL, range(start, start + length))
    assert np.ascontiguousarray(again_and_again).view(np.uint32).tolist() == [row] * 600


def rows_one_by_one(
    backend: str, distribution: DistributionName, shape: tuple[int, int], start: int, stride: int
) -> Float32s:
    rows, length = shape
    return np.stack([drawn(backend, distribution, start + row * stride, length) for row in range(rows)])


@both_backends
@given(
    distribution=distributions,
    start=starts,
    shape=st.tuples(st.integers(1, 40), st.integers(1, 60)),
    gap=st.integers(0, 60) | st.integers(0, 2**31),
    order=st.sampled_from(ORDERS),
)
@example(distribution=DistributionName.TRUNCATED_NORMAL, start=3, shape=(5, 17), gap=0, order="F")
@example(distribution=DistributionName.NORMAL, start=2**61, shape=(17, 9), gap=2**31, order="F")
def test_short_rows_are_rows_of_the_whole(
    *, backend: str, distribution: DistributionName, start: int, shape: tuple[int, int], gap: int, order: Order
) -> None:
    stride = shape[1] + gap
    values = filled(backend, source(distribution), shape, start, stride, order=order)
    assert same_bits(values, rows_one_by_one(backend, distribution, shape, start, stride))


@both_backends
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    ("shape", "gap"),
    [
        pytest.param((3, LONG_RUN), 5, id="shortest long row"),
        pytest.param((3, LONG_RUN - 1), 5, id="longest short row"),
        pytest.param((2, LONG_RUN + 1), 0, id="long rows without a gap"),
        pytest.param((CHUNK // 16 + 900, 2), 3, id="more short rows than one chunk holds"),
        pytest.param((40, 1000), 1, id="several chunks of middling rows"),
        pytest.param((600, 1), 0, id="one column"),
        pytest.param((600, 1), 2**40, id="one column, far apart"),
        pytest.param((1, 3 * RUN), 7, id="one row"),
        *(
            pytest.param((3, length), 9, id=f"rows of a run and {length - RUN}")
            for length in (RUN - 14, RUN - 8, RUN - 7, RUN - 6, RUN - 1, RUN, RUN + 1, 2 * RUN - 14, 2 * RUN + 1)
        ),
        *(
            pytest.param((rows, columns), 3, id=f"tiles of {rows} by {columns}")
            for rows in (15, 16, 17, 33)
            for columns in (511, 512, 513, 1025)
        ),
    ],
)
def test_rows_of_any_length_are_rows_of_the_whole(shape: tuple[int, int], gap: int, order: Order, backend: str) -> None:
    stride, start = shape[1] + gap, 7
    for distribution in (DistributionName.NORMAL, DistributionName.TRUNCATED_NORMAL):
        values = filled(backend, source(distribution), shape, start, stride, order=order)
        assert same_bits(values, rows_one_by_one(backend, distribution, shape, start, stride))


@both_backends
@pytest.mark.parametrize("length", [6, LONG_RUN + 3])
@pytest.mark.parametrize("distribution", DistributionName)
def test_rows_can_be_written_to_a_part_of_an_array(distribution: DistributionName, length: int, backend: str) -> None:
    array = np.full((4, length + 2), np.nan, np.float32)
    BACKENDS[backend](array[:, 1:-1], source(distribution), 0, length)
    assert same_bits(array[:, 1:-1], drawn(backend, distribution, 0, 4 * length).reshape(4, length))
    assert np.isnan(array[:, [0, -1]]).all()


@pytest.mark.parametrize("dtype", DType)
def test_a_stream_is_its_source_written_to_runs_and_rows(dtype: DType) -> None:
    stream = Stream.of(SEED, TENSOR, DistributionName.NORMAL, STD)
    run, rows = np.empty(20, DTYPES[dtype].numpy), np.empty((3, 4), DTYPES[dtype].numpy)
    chosen_backend.fill_run(run, stream, 5)
    chosen_backend.fill_rows(rows, stream, 5, 8)
    expected = drawn("numpy", DistributionName.NORMAL, 5, 20).astype(DTYPES[dtype].numpy)
    assert run.tobytes() == expected.tobytes()
    assert rows.tobytes() == np.stack([expected[at : at + 4] for at in (0, 8, 16)]).tobytes()


def test_the_numba_backend_draws_where_numba_is() -> None:
    expected = "numba" if HAS_NUMBA else "numpy"
    assert vars(chosen_backend)["fill_rows"] is BACKENDS[expected]


@both_backends
def test_threads_that_draw_at_once_give_the_bits_of_one(backend: str) -> None:
    together = Barrier(2)

    def draw(distribution: DistributionName, start: int) -> Float32s:
        together.wait(timeout=30)
        return drawn(backend, distribution, start, 12 * CHUNK)

    runs = [(DistributionName.NORMAL, 0), (DistributionName.TRUNCATED_NORMAL, 2**33 + 1)]
    with ThreadPoolExecutor(2) as threads:
        at_once = list(threads.map(draw, *zip(*runs, strict=True)))
    for (distribution, start), values in zip(runs, at_once, strict=True):
        assert same_bits(values, drawn(backend, distribution, start, 12 * CHUNK))


@both_backends
def test_streams_of_other_seeds_and_names_differ(backend: str) -> None:
    pairs = [(42, "layers.0.weight"), (43, "layers.0.weight"), (42, "layers.1.weight")]
    sources = [Stream.of(seed, tensor, DistributionName.NORMAL, STD) for seed, tensor in pairs]
    runs = [filled(backend, one, (1, 64), 0, 64) for one in sources]
    assert len(np.unique(np.concatenate(runs))) == 3 * 64


@pytest.mark.parametrize("cut", CUT_STDS)
def test_std_of_a_cut_normal_is_its_closed_form(cut: float) -> None:
    density = math.exp(-cut * cut / 2) / math.sqrt(2 * math.pi)
    share = math.erf(cut / math.sqrt(2))
    assert pytest.approx(math.sqrt(1 - 2 * cut * density / share), rel=1e-14) == CUT_STDS[cut]


def test_the_nine_cuts_are_all_there() -> None:
    assert list(CUT_STDS) == [0.5, 1, 1.5, 2, 2.5, 3, 4, 5, 6]
    assert Cut() == (2, CutStd.AFTER)


@both_backends
@pytest.mark.parametrize("std", CutStd)
@pytest.mark.parametrize("cut", CUT_STDS)
def test_values_of_any_cut_are_those_of_the_oracle(cut: float, std: CutStd, backend: str) -> None:
    stream = Stream.of(SEED, TENSOR, DistributionName.TRUNCATED_NORMAL, 1.0, Cut(cut, std))
    divisor = CUT_STDS[cut] if std is CutStd.AFTER else 1.0
    key = recipe_by_hand.key(SEED, TENSOR)
    expected = [recipe_by_hand.bits(recipe_by_hand.cut_normal(key, i, cut, divisor)) for i in range(3, 203)]
    for shape, order in product(((1, 200), (20, 10)), ORDERS):
        values = filled(backend, stream, shape, 3, shape[1], order=order)
        assert np.ravel(values).view(np.uint32).tolist() == expected


@both_backends
@pytest.mark.parametrize("std", CutStd)
@pytest.mark.parametrize("cut", CUT_STDS)
def test_std_and_range_of_a_cut_normal_are_as_asked(cut: float, std: CutStd, backend: str) -> None:
    stream = Stream.of(SEED, TENSOR, DistributionName.TRUNCATED_NORMAL, 3.0, Cut(cut, std))
    count = 200_000
    values = filled(backend, stream, (1, count), 0, count)[0].astype(np.float64)
    after = 3 if std is CutStd.AFTER else 3 * CUT_STDS[cut]
    # The kurtosis of a cut normal is between 9 / 5, that of uniform values, and 3.
    assert abs(values.std() / after - 1) < 5 * math.sqrt(2 / (4 * count))
    assert np.abs(values).max() <= after / CUT_STDS[cut] * cut * (1 + 2**-22)


@both_backends
@pytest.mark.parametrize("case", CUT_CASES, ids=lambda case: f"{case.cut}-{case.start}")
def test_values_of_a_cut_are_the_given_ones(case: CutCase, backend: str) -> None:
    stream = Stream.of(case.seed, case.tensor, DistributionName.TRUNCATED_NORMAL, 1.0, Cut(case.cut))
    values = filled(backend, stream, (1, 8), case.start, 8)[0]
    assert tuple(values.view(np.uint32).tolist()) == case.bits
