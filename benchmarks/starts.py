"""The table of docs/learn.md: how fast networks learn from four starts, over ten seeds: python -m benchmarks.starts."""

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from statistics import median
from typing import Any

from service.dense.network import Limits, dense_network
from service.dense.threads import one_thread
from service.describe.learning import LearningRequest
from service.learning.courses import training
from service.learning.outcome import LEARNED

SEEDS = range(1, 11)
LIMITS = Limits(layers=100, width=10_000)
LAYERS = (64, 100, 100, 100, 100, 100, 10)
STARTS: dict[str, dict[str, Any]] = {
    "std 1": {"scheme": "fixed", "std": 1.0},
    "std 0.01": {"scheme": "fixed", "std": 0.01},
    "Xavier": {"scheme": "xavier"},
    "He": {"scheme": "he"},
}
SGD: dict[str, Any] = {"optimizer": "sgd", "learning_rate": 0.01}
ADAM: dict[str, Any] = {"optimizer": "adam", "learning_rate": 0.001}
WAYS: dict[str, dict[str, Any]] = {
    "relu, SGD 0.01": {"activation": "relu"} | SGD,
    "relu, Adam 0.001": {"activation": "relu"} | ADAM,
    "relu, batch normalization, SGD 0.01": {"activation": "relu", "normalization": "batch"} | SGD,
    "tanh, SGD 0.01": {"activation": "tanh"} | SGD,
    "sigmoid, SGD 0.01": {"activation": "sigmoid"} | SGD,
    "sigmoid, Adam 0.001": {"activation": "sigmoid"} | ADAM,
    "sigmoid, batch normalization, SGD 0.01": {"activation": "sigmoid", "normalization": "batch"} | SGD,
}


@dataclass(frozen=True, slots=True)
class Result:
    """How one training went."""

    steps_to_90: int | None
    best: float  # test accuracy, up to there


def result(asked: LearningRequest, seed: int) -> Result:
    """Train until 90 % of the test samples are right, or to the end."""
    best = 0.0
    with one_thread():
        for point in training(asked, dense_network(asked.network(), seed, LIMITS)).points():
            best = max(best, point.test_accuracy)
            if point.test_accuracy >= LEARNED:
                return Result(point.step, best)
    return Result(None, best)


def cell(way: str, start: str, seed: int) -> Result:
    return result(LearningRequest.of({"layers": LAYERS, "seed": seed} | WAYS[way] | STARTS[start]), seed)


def shown(results: list[Result]) -> str:
    """Return the median and the range of the steps; where not all learned, how many did; in brackets the best."""
    steps = sorted(found.steps_to_90 for found in results if found.steps_to_90 is not None)
    bests = sorted(found.best for found in results)
    accuracy = f"({median(bests):.2f}; {bests[0]:.2f}–{bests[-1]:.2f})"
    if not steps:
        return accuracy
    spread = f"{median(steps):g}; {steps[0]}–{steps[-1]}"
    return spread if len(steps) == len(results) else f"{spread}, {len(steps)} of {len(results)} {accuracy}"


def main() -> None:
    """Print the table, a row when it is known."""
    print("| | " + " | ".join(STARTS) + " |\n" + "|---" * (1 + len(STARTS)) + "|", flush=True)
    with ProcessPoolExecutor(2) as processes:
        for way in WAYS:
            row = [
                shown(list(processes.map(cell, [way] * len(SEEDS), [start] * len(SEEDS), SEEDS))) for start in STARTS
            ]
            print(f"| {way} | " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
