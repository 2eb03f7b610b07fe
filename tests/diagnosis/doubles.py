"""The figures of a diagnosis by plain NumPy in float64, from the weights and the streams that the recipe documents."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from service.dense.network import Limits, dense_network
from service.describe.network import DiagnosisRequest
from service.describe.url import parameters, request_of
from service.numerics.recipe.backend import fill_run
from service.numerics.recipe.distributions import DistributionName, Stream

Doubles = npt.NDArray[np.float64]
QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
VALUES: dict[str, Callable[[Doubles], Doubles]] = {
    "sigmoid": lambda u: 1 / (1 + np.exp(-u)),
    "tanh": np.tanh,
    "relu": lambda u: np.maximum(u, 0),
    "identity": lambda u: u,
}
SLOPES: dict[str, Callable[[Doubles], Doubles]] = {
    "sigmoid": lambda u: 1 / (2 + np.exp(u) + np.exp(-u)),
    "tanh": lambda u: 1 / np.cosh(u) ** 2,
    "relu": lambda u: (u > 0).astype(float),
    "identity": np.ones_like,
}


def batch(seed: int, name: str, shape: tuple[int, int], distribution: str = "normal") -> Doubles:
    """Return a stream of the recipe, section 17."""
    values = np.empty(shape, np.float32)
    fill_run(values.reshape(-1), Stream.of(seed, name, DistributionName(distribution), 1.0), 0)
    return values.astype(np.float64)


@dataclass(frozen=True)
class LayerDoubles:
    """Figures of one layer."""

    std: float
    within_std: float
    mean_cosine: float
    effective_rank: float
    mean_correlation: float
    gradient_std: float
    gradient_ratio: float
    weight_gradient_std: float
    gradient_quantiles: list[float]
    small_share: float


def figures(query: str, seed: int = 1) -> list[LayerDoubles]:
    """Return the figures of each layer, without normalization."""
    asked = request_of(DiagnosisRequest, parameters(query))
    network = dense_network(asked, seed, Limits(1000, 10_000))
    weights = [layer.weight.astype(np.float64) for layer in network.drawn()]
    x = batch(seed, "inputs", (asked.samples, asked.layers[0]), asked.input)
    entered, sums, values = [], [], []
    for weight in weights:
        entered.append(x)
        sums.append(x @ weight)
        x = VALUES[asked.activation](sums[-1])
        values.append(x)
    gradient = batch(seed, "upstream", x.shape)
    back: list[tuple[Doubles, Doubles]] = []
    for weight, u, before in zip(weights[::-1], sums[::-1], entered[::-1], strict=True):
        gradient = gradient * SLOPES[asked.activation](u)
        back.append((gradient, before.T @ gradient / len(gradient)))
        gradient = gradient @ weight.T
    last = back[0][0].std()
    return [_layer(value, *gradients, float(last)) for value, gradients in zip(values, back[::-1], strict=True)]


def _layer(values: Doubles, gradient: Doubles, weight_gradient: Doubles, last: float) -> LayerDoubles:
    centred = values - values.mean(axis=0)
    covariance = centred.T @ centred / len(values)
    stds = np.sqrt(np.diag(covariance))
    with np.errstate(all="ignore"):
        correlation = np.abs(covariance / np.outer(stds, stds))[np.ix_(stds > 0, stds > 0)]
        directions = values / np.linalg.norm(values, axis=1, keepdims=True)
        rank = float(np.trace(covariance) ** 2 / np.square(covariance).sum())
    nodes, samples = len(correlation), len(values)
    sizes, rms = np.abs(gradient), float(np.sqrt(np.square(gradient).mean()))
    return LayerDoubles(
        std=float(values.std()),
        within_std=float(np.sqrt(np.mean(stds**2))),
        mean_cosine=float(((directions @ directions.T).sum() - samples) / (samples * (samples - 1))),
        effective_rank=rank,
        mean_correlation=float((correlation.sum() - nodes) / (nodes * (nodes - 1))),
        gradient_std=float(gradient.std()),
        gradient_ratio=float(gradient.std()) / last,
        weight_gradient_std=float(weight_gradient.std()),
        gradient_quantiles=[float(value) for value in np.quantile(sizes, QUANTILES)],
        small_share=float((sizes < 0.01 * rms).mean()),
    )
