import math
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.numerics.reference import BLOCKS_PER_CHUNK, ELEMENTS_PER_BLOCK, Floats
from service.numerics.sampler import LONG_RUN, TRUNCATED_STD, DistributionName, Stream
from tests.numerics import recipe_by_hand
from tests.numerics.known_vectors import CASES, IDS, Case

SEED, TENSOR, STD = 42, "layers.0.weight", 0.0505
CHUNK = BLOCKS_PER_CHUNK * ELEMENTS_PER_BLOCK

distributions = st.sampled_from(DistributionName)
# A tensor may have this many elements and more; NumPy's own indices end at 2**63.
starts = st.integers(0, 100) | st.integers(0, 2**61)


def drawn(distribution: DistributionName, start: int, count: int, std: float = STD) -> Floats:
    values = np.full(count, np.nan, np.float32)
    Stream.of(SEED, TENSOR, distribution, std).fill(values, start)
    return values


def by_hand(distribution: DistributionName, elements: range, std: float = STD) -> list[int]:
    element = recipe_by_hand.DISTRIBUTIONS[distribution]
    key = recipe_by_hand.key(SEED, TENSOR)
    return [recipe_by_hand.bits(element(key, i, std)) for i in elements]


def same_bits(first: Floats, second: Floats) -> bool:
    return first.tobytes() == second.tobytes()


@pytest.mark.parametrize("distribution", DistributionName)
@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_values_are_the_given_ones(case: Case, distribution: DistributionName) -> None:
    values = np.empty(8, np.float32)
    Stream.of(case.seed, case.tensor, distribution, 1.0).fill(values, case.start)
    assert tuple(values.view(np.uint32).tolist()) == case.bits[distribution]


@given(distributions, starts, st.integers(1, 20), st.floats(0, 1e37))
@example(DistributionName.NORMAL, 7, 9, 1e-40)  # a scale that is subnormal
@example(DistributionName.UNIFORM, 0, 8, 0.0)  # zeros keep the signs of the values
def test_elements_are_those_of_the_oracle(distribution: DistributionName, start: int, count: int, std: float) -> None:
    values = drawn(distribution, start, count, std)
    assert values.view(np.uint32).tolist() == by_hand(distribution, range(start, start + count), std)


WHOLE = {distribution: drawn(distribution, 0, 3000) for distribution in DistributionName}


@given(distributions, st.integers(0, 2999), st.integers(0, 3000))
@example(DistributionName.NORMAL, 1, 2)
@example(DistributionName.TRUNCATED_NORMAL, 15, 16)
def test_any_run_is_that_run_of_the_whole(distribution: DistributionName, start: int, stop: int) -> None:
    stop = max(start, stop)
    assert same_bits(drawn(distribution, start, stop - start), WHOLE[distribution][start:stop])


@pytest.mark.parametrize("start", [0, 5, 2**40 + 3])
@pytest.mark.parametrize("distribution", DistributionName)
def test_a_run_of_several_chunks_has_no_seams(distribution: DistributionName, start: int) -> None:
    values = drawn(distribution, start, 2 * CHUNK + 11)
    # A run that starts inside of a block has its seams at whole blocks, counted from that block.
    first_seam = start // ELEMENTS_PER_BLOCK * ELEMENTS_PER_BLOCK + CHUNK
    for seam in (first_seam, first_seam + CHUNK):
        near = range(seam - 9, min(seam + 9, start + len(values)))
        at_seam = values[near.start - start : near.stop - start]
        assert at_seam.view(np.uint32).tolist() == by_hand(distribution, near)
    assert same_bits(values[1000 : CHUNK + 1000], drawn(distribution, start + 1000, CHUNK))


def rows_one_by_one(distribution: DistributionName, shape: tuple[int, int], start: int, stride: int) -> Floats:
    rows, length = shape
    return np.stack([drawn(distribution, start + row * stride, length) for row in range(rows)])


@given(distributions, starts, st.integers(1, 12), st.integers(1, 60), st.integers(0, 60) | st.integers(0, 2**31))
@example(DistributionName.TRUNCATED_NORMAL, 3, 5, 17, 0)
def test_short_rows_are_rows_of_the_whole(
    distribution: DistributionName, start: int, rows: int, length: int, gap: int
) -> None:
    values = np.full((rows, length), np.nan, np.float32)
    Stream.of(SEED, TENSOR, distribution, STD).fill_rows(values, start, length + gap)
    assert same_bits(values, rows_one_by_one(distribution, (rows, length), start, length + gap))


@pytest.mark.parametrize("distribution", DistributionName)
@pytest.mark.parametrize(
    ("shape", "gap"),
    [
        pytest.param((3, LONG_RUN), 5, id="shortest long row"),
        pytest.param((3, LONG_RUN - 1), 5, id="longest short row"),
        pytest.param((2, LONG_RUN + 1), 0, id="long rows without a gap"),
        pytest.param((CHUNK // 16 + 900, 2), 3, id="more short rows than one chunk holds"),
        pytest.param((40, 1000), 1, id="several chunks of middling rows"),
    ],
)
def test_rows_of_any_length_are_rows_of_the_whole(
    distribution: DistributionName, shape: tuple[int, int], gap: int
) -> None:
    rows, length = shape
    stride, start = length + gap, 7
    whole = drawn(distribution, start, rows * stride).reshape(rows, stride)
    values = np.full(shape, np.nan, np.float32)
    Stream.of(SEED, TENSOR, distribution, STD).fill_rows(values, start, stride)
    assert same_bits(values, whole[:, :length])


@pytest.mark.parametrize("length", [6, LONG_RUN + 3])
@pytest.mark.parametrize("distribution", DistributionName)
def test_rows_can_be_written_to_a_part_of_an_array(distribution: DistributionName, length: int) -> None:
    array = np.full((4, length + 2), np.nan, np.float32)
    Stream.of(SEED, TENSOR, distribution, STD).fill_rows(array[:, 1:-1], 0, length)
    assert same_bits(array[:, 1:-1], drawn(distribution, 0, 4 * length).reshape(4, length))
    assert np.isnan(array[:, [0, -1]]).all()


def test_threads_that_draw_at_once_give_the_bits_of_one() -> None:
    together = Barrier(2)

    def draw(distribution: DistributionName, start: int) -> Floats:
        together.wait(timeout=30)
        return drawn(distribution, start, 12 * CHUNK)

    runs = [(DistributionName.NORMAL, 0), (DistributionName.TRUNCATED_NORMAL, 2**33 + 1)]
    with ThreadPoolExecutor(2) as threads:
        at_once = list(threads.map(draw, *zip(*runs, strict=True)))
    for (distribution, start), values in zip(runs, at_once, strict=True):
        assert same_bits(values, drawn(distribution, start, 12 * CHUNK))


def test_streams_of_other_seeds_and_names_differ() -> None:
    pairs = [(42, "layers.0.weight"), (43, "layers.0.weight"), (42, "layers.1.weight")]
    runs = []
    for seed, tensor in pairs:
        values = np.empty(64, np.float32)
        Stream.of(seed, tensor, DistributionName.NORMAL, STD).fill(values, 0)
        runs.append(values)
    assert len(np.unique(np.concatenate(runs))) == 3 * 64


def test_truncated_std_is_its_closed_form() -> None:
    density_at_two = math.exp(-2) / math.sqrt(2 * math.pi)
    within_two = math.erf(math.sqrt(2))
    assert pytest.approx(math.sqrt(1 - 4 * density_at_two / within_two), rel=1e-15) == TRUNCATED_STD
