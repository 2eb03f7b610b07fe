"""A diagnosis against the bare matrix products of the same passes, and the drawing of the same weights."""

from collections.abc import Callable
from functools import partial
from statistics import median
from time import perf_counter

import numpy as np

from benchmarks.rows import Row
from benchmarks.sizes import Sizes
from service.dense.network import DenseNetwork, Limits, dense_network
from service.describe.network import DiagnosisRequest
from service.diagnosis.experiments import diagnose_network

LIMITS = Limits(layers=100, width=10_000)
LARGEST_RATIOS = {"full": 1.5, "summary": 1.2}
JACOBIANS = 1  # samples: each takes as long again


def measure(sizes: Sizes) -> list[Row]:
    """Return the time of a diagnosis, of a summary and of Jacobians, with the bare products in the same rounds."""
    widths = [784] + [sizes.diagnosis_width] * 10
    fields = {"layers": widths, "activation": "relu", "seed": 1}
    experiments = {name: DiagnosisRequest.of(fields | {"report": name}) for name in LARGEST_RATIOS}
    experiments["with Jacobians"] = DiagnosisRequest.of(fields | {"report": "summary", "jacobian": JACOBIANS})
    network = dense_network(experiments["full"].network(), 1, LIMITS)
    inputs = np.random.default_rng(1).standard_normal((experiments["full"].samples, widths[0]), np.float32)
    seconds: dict[str, list[float]] = {name: [] for name in ("bare", *experiments)}
    for number in range(sizes.rounds + 1):
        found = {"bare": _seconds(lambda: _bare(network, inputs))}
        for name, experiment in experiments.items():
            found[name] = _seconds(partial(diagnose_network, experiment, network))
        if number:  # the first round warms up
            for name, value in found.items():
                seconds[name].append(value)
    bare = median(seconds["bare"])
    of_jacobians = [more - less for more, less in zip(seconds["with Jacobians"], seconds["summary"], strict=True)]
    return [
        Row(
            f"{name} diagnosis of 784 -> 10 x {sizes.diagnosis_width}, 1000 samples",
            median(seconds[name]),
            "s",
            "bare products and drawing",
            bare,
            largest_ratio=largest,
        )
        for name, largest in LARGEST_RATIOS.items()
    ] + [
        Row(
            "Jacobian of one sample, beside a summary",
            median(of_jacobians),
            "s",
            "bare products and drawing",
            bare,
        )
    ]


def _bare(network: DenseNetwork, inputs: np.ndarray) -> None:
    """Do what no implementation can do without: draw the weights, and multiply once forward and twice back."""
    weights = [layer.weight for layer in network.drawn()]
    entering = [inputs]
    for weight in weights:
        entering.append(entering[-1] @ weight)
    gradient = entering[-1]
    for weight, values in zip(weights[:0:-1], entering[-2:0:-1], strict=True):
        values.T @ gradient
        gradient = gradient @ weight.T
    entering[0].T @ gradient


def _seconds(work: Callable[[], object]) -> float:
    start = perf_counter()
    work()
    return perf_counter() - start
