"""A diagnosis against the bare matrix products of the same passes, and the drawing of the same weights."""

from collections.abc import Callable
from statistics import median
from time import perf_counter

import numpy as np

from benchmarks.rows import Row
from benchmarks.sizes import Sizes
from service.diagnosis.experiments import diagnose_network
from service.plan import Limits, Plan, plan_of
from service.spec import Experiment

LIMITS = Limits(layers=100, width=10_000)
LARGEST_RATIO = 1.5


def measure(sizes: Sizes) -> list[Row]:
    """Return the time of a diagnosis, with the bare products in the same rounds."""
    widths = [784] + [sizes.diagnosis_width] * 10
    experiment = Experiment.of({"layers": widths, "activation": "relu", "seed": 1})
    plan = plan_of(experiment, 1, LIMITS)
    inputs = np.random.default_rng(1).standard_normal((experiment.samples, widths[0]), np.float32)
    ours, bare = [], []
    for number in range(sizes.rounds + 1):
        bare_seconds = _seconds(lambda: _bare(plan, inputs))
        own_seconds = _seconds(lambda: diagnose_network(experiment, plan))
        if number:  # the first round warms up
            bare.append(bare_seconds)
            ours.append(own_seconds)
    name = f"diagnosis of 784 -> 10 x {sizes.diagnosis_width}, 1000 samples"
    return [Row(name, median(ours), "s", "bare products and drawing", median(bare), largest_ratio=LARGEST_RATIO)]


def _bare(plan: Plan, inputs: np.ndarray) -> None:
    """Do what no implementation can do without: draw the weights, and multiply once forward and twice back."""
    weights = [
        tensor.whole().read(0, tensor.elements).reshape(tensor.shape) for tensor in plan.tensors if tensor.stream
    ]
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
