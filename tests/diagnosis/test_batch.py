"""Figures of a batch of inputs, against plain NumPy in float64."""

import numpy as np
import pytest

from service.diagnosis.batch import input_figures


@pytest.mark.parametrize("samples", [2, 3, 20, 256])
@pytest.mark.parametrize("offset", [0.0, 100.0])
def test_figures_of_inputs_are_numpy_s(samples: int, offset: float) -> None:
    inputs = np.random.default_rng(1).standard_normal((samples, 30), np.float32) + np.float32(offset)
    figures, wide = input_figures(inputs), inputs.astype(np.float64)
    squares = np.square(wide).mean(axis=1)
    assert figures.rms == pytest.approx(np.sqrt(np.square(wide).mean()))
    assert figures.variance == pytest.approx(wide.var(axis=0).mean(), rel=1e-6)
    # Groups are of equal size, so that their mean is that of all.
    assert figures.lengths.mean() == pytest.approx(squares.mean())
    assert (figures.lengths >= squares.min() - 1e-9).all()
    directions = wide / np.linalg.norm(wide, axis=1, keepdims=True)
    cosines = (directions @ directions.T)[~np.eye(samples, dtype=bool)]
    assert figures.mean_cosine == pytest.approx(cosines.mean(), abs=1e-12)
    assert figures.cosine_square == pytest.approx(np.square(cosines).mean(), abs=1e-12)


def test_lengths_of_few_samples_are_their_own() -> None:
    inputs = np.array([[3.0, 4.0], [1.0, 0.0], [0.0, 0.0]], np.float32)
    assert input_figures(inputs).lengths == pytest.approx([0.0, 0.5, 12.5])


def test_a_batch_of_one_direction_has_rank_1() -> None:
    inputs = np.outer(np.arange(1, 101), [1.0, 2.0, -1.0]).astype(np.float32)
    # Corrected for 100 samples, 1 becomes 1 / (1 - 1 / 99).
    assert input_figures(inputs).effective_rank == pytest.approx(99 / 98)


def test_equal_samples_have_no_rank() -> None:
    assert input_figures(np.ones((10, 3), np.float32)).effective_rank is None
