import numpy as np
import pytest

from service.numerics import known_answers, reference, sampler
from service.numerics.sampler import DistributionName
from tests.numerics.known_vectors import CASES


@pytest.mark.parametrize("distribution", DistributionName)
def test_the_answers_in_the_code_are_the_given_ones(distribution: DistributionName) -> None:
    first = CASES[0]
    assert (first.seed, first.tensor, first.start) == (known_answers.SEED, known_answers.TENSOR, 0)
    assert tuple(int(bits, 16) for bits in known_answers.BITS[distribution].split()) == first.bits[distribution]


def test_this_machine_gives_the_known_answers() -> None:
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
        pytest.param(sampler, "TRUNCATED_STD", sampler.TRUNCATED_STD * (1 + 2**-22), id="truncated normal alone"),
    ],
)
def test_arithmetic_that_is_off_by_a_little_is_noticed(
    monkeypatch: pytest.MonkeyPatch, module: object, name: str, wrong: object
) -> None:
    monkeypatch.setattr(module, name, wrong)
    assert not known_answers.arithmetic_is_exact()
