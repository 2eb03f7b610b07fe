import numpy as np
import pytest

from service.numerics import distributions, known_answers, reference, sampler
from service.numerics.distributions import DistributionName, Source
from service.numerics.dtypes import DTYPES, DType, Values
from tests.numerics.known_vectors import CASES
from tests.numerics.twins import TWINS


@pytest.mark.parametrize("distribution", DistributionName)
def test_the_answers_in_the_code_are_the_given_ones(distribution: DistributionName) -> None:
    first = CASES[0]
    assert (first.seed, first.tensor, first.start) == (known_answers.SEED, known_answers.TENSOR, 0)
    assert tuple(int(bits, 16) for bits in known_answers.BITS[distribution].split()) == first.bits[distribution]


@pytest.mark.parametrize("twin", TWINS)
def test_this_machine_gives_the_known_answers(monkeypatch: pytest.MonkeyPatch, twin: str) -> None:
    monkeypatch.setattr(sampler, "fill_rows", TWINS[twin])
    assert known_answers.arithmetic_is_exact()


def _next_float(number: np.ndarray[tuple[()], np.dtype[np.float32]]) -> object:
    return np.array(np.nextafter(number, np.float32(4)), np.float32)


@pytest.mark.parametrize(
    ("module", "name", "wrong"),
    [
        pytest.param(reference, "LN2", _next_float(reference.LN2), id="logarithm"),
        pytest.param(reference, "ANGLE", _next_float(reference.ANGLE), id="angle"),
        pytest.param(reference, "SIN", reference.SIN[:-1], id="sine"),
        pytest.param(reference, "COS", reference.COS[:-1], id="cosine"),
        pytest.param(reference, "INT32_TO_UNIT", _next_float(reference.INT32_TO_UNIT), id="uniform alone"),
        pytest.param(
            distributions, "TRUNCATED_STD", distributions.TRUNCATED_STD * (1 + 2**-22), id="truncated normal alone"
        ),
    ],
)
def test_arithmetic_that_is_off_by_a_little_is_noticed(
    monkeypatch: pytest.MonkeyPatch, module: object, name: str, wrong: object
) -> None:
    # The compiled twin took its constants when it was compiled.
    monkeypatch.setattr(sampler, "fill_rows", TWINS["interpreted"])
    monkeypatch.setattr(module, name, wrong)
    assert not known_answers.arithmetic_is_exact()


LAYOUTS = ("one run", "rows apart", "columns", "columns apart")


def layout_of(out: Values, stride: int) -> str:
    in_order = "one run" if out.shape[1] == stride else "rows apart"
    if out.flags.c_contiguous:
        return in_order
    return "columns" if in_order == "one run" else "columns apart"


@pytest.mark.parametrize("twin", TWINS)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DType)
@pytest.mark.parametrize("distribution", DistributionName)
def test_a_twin_that_is_off_by_one_bit_in_one_case_is_noticed(
    monkeypatch: pytest.MonkeyPatch, distribution: DistributionName, dtype: DType, layout: str, twin: str
) -> None:
    def fill_rows(out: Values, source: Source, start: int, stride: int) -> None:
        TWINS[twin](out, source, start, stride)
        wanted = (distribution, DTYPES[dtype].numpy, layout)
        if (source.distribution, out.dtype, layout_of(out, stride)) == wanted:
            out.view(f"u{out.itemsize}")[-1, -1] ^= 1

    monkeypatch.setattr(sampler, "fill_rows", fill_rows)
    assert not known_answers.arithmetic_is_exact()
