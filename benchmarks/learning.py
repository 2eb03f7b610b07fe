"""A training beside the same in PyTorch, step by step as its users write it; and four starts side by side."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.util import find_spec
from itertools import pairwise
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.rows import Row
from benchmarks.sizes import Sizes
from service.dense.network import Limits, dense_network
from service.describe.learning import LearningRequest
from service.learning.courses import Watching, learn_network
from service.learning.train import steps_between

LIMITS = Limits(layers=100, width=10_000)
LAYERS = (64, 100, 100, 100, 100, 100, 10)
STARTS: tuple[dict[str, Any], ...] = (
    {"scheme": "fixed", "std": 0.1},
    {"scheme": "fixed", "std": 0.01},
    {"scheme": "xavier"},
    {"scheme": "he"},
)
STEPS = 2000
CORES = 2


def measure(sizes: Sizes) -> list[Row]:
    """Return the time of 2,000 steps with each optimizer beside PyTorch's, and that of four starts on two threads."""
    rows = []
    for optimizer, rate in (("sgd", 0.01), ("adam", 0.001)):
        ways: dict[str, Callable[[], object]] = {"ours": partial(_learn, optimizer=optimizer, learning_rate=rate)}
        if find_spec("torch"):
            ways["torch"] = partial(_learn_in_torch, optimizer, rate)
        seconds: dict[str, list[float]] = {way: [] for way in ways}
        for number in range(sizes.rounds + 1):
            found = {way: _seconds(learn) for way, learn in ways.items()}
            if number:  # the first round warms up
                for way, value in found.items():
                    seconds[way].append(value)
        peer = median(seconds["torch"]) if "torch" in seconds else None
        name = f"training of 64 -> 5 x 100 -> 10, {STEPS} steps of {optimizer}, one thread"
        rows.append(Row(name, median(seconds["ours"]), "s", "PyTorch", peer, largest_ratio=1.0))
    side_by_side = median(_seconds(_learn_side_by_side) for _ in range(sizes.rounds))
    return [*rows, Row("four of them with sgd side by side on two threads", side_by_side, "s", value_below=5.0)]


def _learn(**fields: object) -> None:
    asked = LearningRequest.of(
        {"layers": LAYERS, "activation": "relu", "scheme": "he", "seed": 1, "steps": STEPS} | fields
    )
    learn_network(asked, dense_network(asked.network(), 1, LIMITS), Watching())


def _learn_side_by_side() -> None:
    with ThreadPoolExecutor(CORES) as workers:
        for training in [workers.submit(partial(_learn, **start)) for start in STARTS]:
            training.result()


def _learn_in_torch(optimizer: str, rate: float) -> None:
    """Do the same: as many steps, and as many looks at all samples."""
    import torch  # noqa: PLC0415

    torch.set_num_threads(1)
    modules = [module for pair in pairwise(LAYERS) for module in (torch.nn.Linear(*pair), torch.nn.ReLU())][:-1]
    network = torch.nn.Sequential(*modules)
    kind = torch.optim.Adam if optimizer == "adam" else torch.optim.SGD
    steps = kind(network.parameters(), lr=rate)
    generator = np.random.default_rng(1)
    inputs = torch.from_numpy(generator.standard_normal((1797, LAYERS[0]), np.float32))
    labels = torch.from_numpy(generator.integers(0, LAYERS[-1], 1797))
    loss = torch.nn.functional.cross_entropy
    for step in range(STEPS):
        if step % steps_between(STEPS) == 0:
            with torch.no_grad():
                loss(network(inputs), labels).item()
        batch = torch.from_numpy(generator.integers(0, 1437, 100))
        steps.zero_grad()
        loss(network(inputs[batch]), labels[batch]).backward()
        steps.step()


def _seconds(work: Callable[[], object]) -> float:
    start = perf_counter()
    work()
    return perf_counter() - start
