from typing import Any

import numpy as np
import pytest

from service.numerics.dtypes import DTYPES, DType, Values
from service.numerics.recipe import backend as chosen_backend
from service.numerics.recipe import distributions, known_answers, reference
from service.numerics.recipe.distributions import DistributionName, Stream
from tests.numerics.recipe.backends import BACKENDS, COLUMN_BACKENDS
from tests.numerics.recipe.known_vectors import CASES, VECTORS


@pytest.mark.parametrize("distribution", DistributionName)
def test_the_answers_in_the_code_are_the_given_ones(distribution: DistributionName) -> None:
    first = CASES[0]
    assert (first.seed, first.tensor, first.start) == (known_answers.SEED, known_answers.TENSOR, 0)
    assert tuple(int(bits, 16) for bits in known_answers.BITS[distribution].split()) == first.bits[distribution]


@pytest.mark.parametrize("backend", BACKENDS)
def test_this_machine_gives_the_known_answers(monkeypatch: pytest.MonkeyPatch, backend: str) -> None:
    monkeypatch.setattr(chosen_backend, "fill_rows", BACKENDS[backend])
    assert known_answers.arithmetic_is_exact()


def test_the_orthogonal_answer_in_the_code_is_the_given_one() -> None:
    first = VECTORS["orthogonal"][0]
    assert (first["seed"], first["key"], first["gain"]) == (known_answers.SEED, known_answers.TENSOR, 1)
    assert known_answers.ORTHOGONAL_BITS.upper().split() == [bits for row in first["bits"] for bits in row]


@pytest.mark.parametrize("backend", COLUMN_BACKENDS)
def test_a_backend_whose_matrix_is_off_by_one_bit_is_noticed(monkeypatch: pytest.MonkeyPatch, backend: str) -> None:
    def draw_columns(out: Values, *columns: Any) -> None:
        COLUMN_BACKENDS[backend](out, *columns)
        out.view(np.uint32)[-1, -1] ^= 1

    monkeypatch.setattr(chosen_backend, "draw_columns", COLUMN_BACKENDS[backend])
    assert known_answers.arithmetic_is_exact()
    monkeypatch.setattr(chosen_backend, "draw_columns", draw_columns)
    assert not known_answers.arithmetic_is_exact()


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
            distributions, "CUT_STDS", {2.0: distributions.CUT_STDS[2] * (1 + 2**-22)}, id="truncated normal alone"
        ),
    ],
)
def test_arithmetic_that_is_off_by_a_little_is_noticed(
    monkeypatch: pytest.MonkeyPatch, module: object, name: str, wrong: object
) -> None:
    # The compiled backend took its constants when it was compiled.
    monkeypatch.setattr(chosen_backend, "fill_rows", BACKENDS["numpy"])
    monkeypatch.setattr(module, name, wrong)
    assert not known_answers.arithmetic_is_exact()


LAYOUTS = ("one run", "rows apart", "columns", "columns apart")


def layout_of(out: Values, stride: int) -> str:
    in_order = "one run" if out.shape[1] == stride else "rows apart"
    if out.flags.c_contiguous:
        return in_order
    return "columns" if in_order == "one run" else "columns apart"


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DType)
@pytest.mark.parametrize("distribution", DistributionName)
def test_a_backend_that_is_off_by_one_bit_in_one_case_is_noticed(
    monkeypatch: pytest.MonkeyPatch, distribution: DistributionName, dtype: DType, layout: str, backend: str
) -> None:
    def fill_rows(out: Values, source: Stream, start: int, stride: int) -> None:
        BACKENDS[backend](out, source, start, stride)
        wanted = (distribution, DTYPES[dtype].numpy, layout)
        if (source.distribution, out.dtype, layout_of(out, stride)) == wanted:
            out.view(f"u{out.itemsize}")[-1, -1] ^= 1

    monkeypatch.setattr(chosen_backend, "fill_rows", fill_rows)
    assert not known_answers.arithmetic_is_exact()
