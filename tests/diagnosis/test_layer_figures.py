"""Figures of a layer against NumPy's own, and against cases whose figures are known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from service.dense.scratch import Scratch
from service.diagnosis.layer_figures import (
    MOST_NODES_COMPARED,
    MOST_NODES_IN_SUMMARY,
    activation_figures,
    gradient_sizes,
    mean_and_std,
    node_and_sample_figures,
    saturated_share,
    value_histogram,
)
from service.diagnosis.report import BINS, QUANTILES, ActivationFigures, NodeFigures
from service.numerics.activations import FUNCTIONS, Activation, FloatArray


def test_a_histogram_of_many_values_is_of_evenly_spaced_ones() -> None:
    values = np.random.default_rng(1).standard_normal((1000, 320), np.float32)
    histogram = value_histogram(values)
    assert histogram is not None
    # Every twentieth would be of 16 columns alone.
    counts, _ = np.histogram(values.ravel()[::21], np.array(histogram.edges, np.float32))
    assert histogram.counts == counts.tolist()
    values[0, 0] = np.inf
    assert value_histogram(values) is None


def test_figures_of_many_values_are_of_all_nodes_alike() -> None:
    values = np.tile(np.array([0, 1], np.float32), (1000, 500))
    values[1, 0] = -2.0  # which is not among those that are sorted
    figures = activation_figures(values)
    assert figures.quantiles is not None
    assert figures.histogram is not None
    assert (figures.quantiles[2], figures.quantiles[4]) == (0.0, 1.0)
    assert (figures.min, figures.max, figures.zero_share) == (-2.0, 1.0, 499_999 / 1_000_000)
    assert sum(figures.histogram.counts) == pytest.approx(2**14, rel=0.2)
    assert [figures.histogram.edges[0], figures.histogram.edges[-1]] == [-2.0, 1.0]


def node_figures(values: FloatArray, scale: float, scratch: Scratch) -> NodeFigures:
    return node_and_sample_figures(values, scale, scratch)[0]


BATCHES = arrays(np.float32, st.tuples(st.integers(1, 20), st.integers(1, 9)), elements=st.floats(-1e6, 1e6, width=32))


@given(BATCHES)
def test_figures_of_activations_are_numpy_s(values: FloatArray) -> None:
    figures = activation_figures(values)
    wide = values.astype(np.float64)
    size = np.abs(wide).max() + 1e-30
    assert figures.mean == pytest.approx(wide.mean(), abs=1e-5 * size)
    assert figures.std == pytest.approx(wide.std(), abs=1e-5 * size)
    assert (figures.min, figures.max) == (wide.min(), wide.max())
    assert figures.quantiles == pytest.approx(np.quantile(wide, QUANTILES), abs=1e-6 * size)
    assert figures.zero_share == (values == 0).mean()
    histogram = figures.histogram
    assert histogram is not None
    assert sum(histogram.counts) == values.size
    if wide.min() < wide.max():
        counts, edges = np.histogram(wide, np.array(histogram.edges))
        assert histogram.counts == counts.tolist()
        assert edges == pytest.approx(np.linspace(wide.min(), wide.max(), BINS + 1))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_figures_of_what_is_not_finite_are_left_out(bad: float) -> None:
    values = np.ones((4, 3), np.float32)
    values[2, 1] = bad
    assert activation_figures(values) == ActivationFigures()


def test_std_does_not_overflow_where_its_square_does() -> None:
    values = np.array([[1e30, -1e30], [3e30, 1e30]], np.float32)
    mean, std = mean_and_std(values)
    assert mean == pytest.approx(1e30)
    assert std == pytest.approx(np.std(values.astype(np.float64)))


def test_independent_nodes_have_full_rank_and_no_correlation() -> None:
    nodes = np.random.default_rng(1).standard_normal((20_000, 50), np.float32)
    figures = node_figures(nodes, np.abs(nodes).max(), Scratch())
    # (tr C)^2 / tr C^2 of n independent nodes over s samples is n / (1 + n / s) on average.
    assert figures.effective_rank == pytest.approx(50 / (1 + 50 / 20_000), rel=0.01)
    # The mean of |r| over s samples is sqrt(2 / (pi s)).
    assert figures.mean_correlation == pytest.approx(np.sqrt(2 / (np.pi * 20_000)), rel=0.1)
    assert (figures.dead_share, figures.constant_share) == (0, 0)


def test_copies_of_one_node_have_rank_1_and_correlation_1() -> None:
    node = np.random.default_rng(1).standard_normal((500, 1), np.float32)
    copies = node * np.array([1, -2, 3e8, 0.25], np.float32)
    figures = node_figures(copies, np.abs(copies).max(), Scratch())
    assert figures.effective_rank == pytest.approx(1, rel=1e-5)
    assert figures.mean_correlation == pytest.approx(1, rel=1e-4)


@given(BATCHES)
def test_rank_and_correlation_are_those_of_numpy_s_covariance(values: FloatArray) -> None:
    values = np.round(values / 1e4)  # differences far above rounding
    figures = node_figures(values, np.abs(values).max(), Scratch())
    covariance = np.atleast_2d(np.cov(values.astype(np.float64), rowvar=False, bias=True))
    total = (covariance**2).sum()
    if total == 0:
        assert figures.effective_rank is None
        return
    assert figures.effective_rank == pytest.approx(np.trace(covariance) ** 2 / total, rel=1e-3)
    varying = np.diag(covariance) > 0
    if varying.sum() > 1:
        std = np.sqrt(np.diag(covariance)[varying])
        correlation = np.abs(covariance[np.ix_(varying, varying)] / np.outer(std, std))
        expected = (correlation.sum() - len(std)) / (len(std) * (len(std) - 1))
        assert figures.mean_correlation == pytest.approx(expected, rel=1e-2, abs=1e-3)


def test_dead_and_constant_nodes_are_counted() -> None:
    values = np.array([[0, 5, 1, 0], [0, 5, 2, 1]], np.float32)
    figures = node_figures(values, np.abs(values).max(), Scratch())
    assert (figures.dead_share, figures.constant_share) == (0.25, 0.5)


def test_saturation_of_tanh_begins_at_0_97() -> None:
    activation = np.linspace(-0.999, 0.999, 20_001)
    entering = np.arctanh(activation).astype(np.float32)
    # 1 - a^2 < 0.06 is |a| > sqrt(0.94) = 0.9695.
    assert saturated_share(entering, FUNCTIONS[Activation.TANH]) == pytest.approx(
        (np.abs(activation) > np.sqrt(0.94)).mean(), abs=1e-3
    )
    assert saturated_share(entering, FUNCTIONS[Activation.RELU]) is None


def test_the_rank_of_a_wide_layer_is_that_of_all_its_nodes() -> None:
    values = np.random.default_rng(1).standard_normal((300, 2048), np.float32)
    values[:, 1::2] = 0  # every other node is dead
    figures = node_figures(values, np.abs(values).max(), Scratch())
    assert figures.dead_share == 0.5
    assert figures.effective_rank == pytest.approx(1024 / (1 + 1024 / 300), rel=0.02)


@pytest.mark.parametrize(("most_nodes", "error"), [(MOST_NODES_COMPARED, 0.03), (MOST_NODES_IN_SUMMARY, 0.1)])
def test_some_nodes_stand_for_all_of_a_wide_layer(most_nodes: int, error: float) -> None:
    random = np.random.default_rng(2)
    values = random.standard_normal((1000, 1000), np.float32)
    for _ in range(5):
        sums = values @ random.normal(0, np.sqrt(2 / 1000), (1000, 1000)).astype(np.float32)
        values = np.maximum(sums, sums / 10)  # leaky_relu, of which no node is dead
        nodes, _ = node_and_sample_figures(values, float(values.max()), Scratch(), most_nodes)
        rank, correlation, _, _ = doubles(values)
        assert nodes.effective_rank == pytest.approx(rank, rel=error)
        assert nodes.mean_correlation == pytest.approx(correlation, rel=error)


@pytest.mark.parametrize("exponent", range(-37, 38))
def test_std_of_values_whose_squares_float32_cannot_hold(exponent: int) -> None:
    values = np.random.default_rng(1).standard_normal(10_000).astype(np.float32) * np.float32(10.0**exponent)
    with np.errstate(all="ignore"):  # as the diagnosis does
        std = mean_and_std(values)[1]
    assert std == pytest.approx(values.std(dtype=np.float64), rel=1e-3, abs=0)


def doubles(values: FloatArray) -> tuple[float, float, float, float]:
    """Return effective rank, mean correlation, mean cosine and spread within nodes by plain NumPy in float64."""
    wide = values.astype(np.float64)
    centred = wide - wide.mean(axis=0)
    covariance = centred.T @ centred / len(wide)
    stds = np.sqrt(np.diag(covariance))
    correlation = np.abs(covariance / np.outer(stds, stds))
    pairs = len(stds) * (len(stds) - 1)
    directions = wide / np.linalg.norm(wide, axis=1, keepdims=True)
    cosines = directions @ directions.T
    return (
        np.trace(covariance) ** 2 / np.square(covariance).sum(),
        (correlation.sum() - len(stds)) / pairs,
        (cosines.sum() - len(wide)) / (len(wide) * (len(wide) - 1)),
        np.sqrt(np.mean(stds**2)),
    )


@pytest.mark.parametrize("spread", [1.0, 1e-2, 1e-3, 1e-4])
def test_rank_and_correlation_do_not_drown_in_the_mean(spread: float) -> None:
    random = np.random.default_rng(1)
    values = (0.5 + spread * (random.standard_normal((1000, 20)) @ random.standard_normal((20, 100)))).astype(
        np.float32
    )
    nodes, likeness = node_and_sample_figures(values, float(np.abs(values).max()), Scratch())
    rank, correlation, cosine, within = doubles(values)
    assert nodes.effective_rank == pytest.approx(rank, rel=1e-3)
    assert nodes.mean_correlation == pytest.approx(correlation, rel=1e-3)
    assert likeness.mean_cosine == pytest.approx(cosine, abs=1e-5)
    assert likeness.within_std == pytest.approx(within, rel=1e-3)


def test_rank_and_correlation_of_rounding_are_left_out() -> None:
    values = np.full((100, 20), 0.5, np.float32)
    values[::2] = np.nextafter(np.float32(0.5), np.float32(1))
    nodes, likeness = node_and_sample_figures(values, 0.6, Scratch())
    assert (nodes.effective_rank, nodes.corrected_rank, nodes.mean_correlation) == (None, None, None)
    assert likeness.within_std == pytest.approx(3e-8, rel=0.1)


def test_the_corrected_rank_is_that_of_endless_samples() -> None:
    nodes = np.random.default_rng(1).standard_normal((200, 100), np.float32)
    figures = node_figures(nodes, np.abs(nodes).max(), Scratch())
    assert figures.effective_rank == pytest.approx(100 / (1 + 100 / 200), rel=0.02)
    assert figures.corrected_rank == pytest.approx(100, rel=0.05)


def test_the_corrected_rank_is_left_out_of_few_samples() -> None:
    nodes = np.random.default_rng(1).standard_normal((5, 400), np.float32)
    assert node_figures(nodes, np.abs(nodes).max(), Scratch()).corrected_rank is None


def test_sizes_of_gradients_are_numpy_s() -> None:
    gradient = np.random.default_rng(1).standard_normal((300, 40)).astype(np.float32) ** 5
    rms = float(np.sqrt(np.square(gradient, dtype=np.float64).mean()))
    quantiles, small = gradient_sizes(gradient, rms)
    assert quantiles == pytest.approx(np.quantile(np.abs(gradient.astype(np.float64)), QUANTILES), rel=1e-5)
    assert small == (np.abs(gradient) < 0.01 * rms).mean()


def test_the_flat_left_half_of_relu6_is_by_design() -> None:
    entering = np.array([[-3.0, -1.0, 1.0, 5.0, 7.0]], np.float32)
    assert saturated_share(entering, FUNCTIONS[Activation.RELU6]) == pytest.approx(0.2)
