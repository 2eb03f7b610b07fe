"""Orthogonal matrices drawn by all cores, and over HTTP: against PyTorch, and some columns against the whole."""

import os
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from itertools import count

import numpy as np

from benchmarks.client import discarded
from benchmarks.libraries import torch_orthogonal
from benchmarks.rounds import median_seconds
from benchmarks.rows import Row
from benchmarks.sizes import Sizes
from harness.running import Service, running
from service.describe.network import Layout
from service.initializers.drawn_panels import DrawnPanels
from service.initializers.matrices import MatrixAxes
from service.initializers.orthogonal import Orthogonal
from service.initializers.schemes import ZEROS
from service.numerics.box import Box

MOST_OF_TORCH, MOST_OF_WHOLE = 1.2, 0.1


def measure(sizes: Sizes) -> list[Row]:
    """Return the milliseconds that a square matrix takes, and those of a 64th of another."""
    side, large = sizes.orthogonal_side, 2 * sizes.orthogonal_side
    last = range(large - large // 64, large)
    with ThreadPoolExecutor(os.cpu_count()) as workers, running() as service:
        seeds = count(1)
        calls: dict[str, Callable[[], object]] = {
            "whole": partial(_draw, workers, side, range(side)),
            "large": partial(_draw, workers, large, range(large)),
            "columns": partial(_draw, workers, large, last),
            "out_in": lambda: _take(service, side, next(seeds), Layout.OUT_IN),
            "in_out": lambda: _take(service, side, next(seeds), Layout.IN_OUT),
        }
        if torch := torch_orthogonal(side):
            calls["PyTorch"] = torch
        took = {name: 1000 * seconds for name, seconds in median_seconds(calls, sizes.rounds).items()}
    peer = "PyTorch" if "PyTorch" in took else "PyTorch not installed"
    return [
        Row(
            f"orthogonal {side} x {side}, all cores", took["whole"], "ms", peer, took.get("PyTorch"),
            largest_ratio=MOST_OF_TORCH,
        ),
        *(
            Row(
                f"orthogonal {side} x {side}, .bin over HTTP, {layout}", took[layout], "ms", peer, took.get("PyTorch"),
                largest_ratio=MOST_OF_TORCH,
            )
            for layout in ("out_in", "in_out")
        ),
        Row(
            f"columns {last.start} to {last.stop} of {large} x {large}", took["columns"], "ms", "whole", took["large"],
            largest_ratio=MOST_OF_WHOLE,
        ),
    ]  # fmt: skip


def _take(service: Service, side: int, seed: int, layout: Layout) -> None:
    # A seed of its own each time: nothing is kept of it.
    query = f"layers={side},{side}&activation=relu&scheme=orthogonal&bias=none&layout={layout}&seed={seed}"
    for _ in discarded(service.port, f"/weights/layers.0.weight.bin?{query}"):
        pass


def _draw(workers: Executor, side: int, columns: range) -> None:
    # A cache of its own each time: nothing is there yet.
    orthogonal = Orthogonal(ZEROS, 1, "layers.0.weight", MatrixAxes(0, 1), panels=DrawnPanels(4 * side * side))
    box = Box((side, side), (0, 1), (range(side), columns))
    for drawn in [workers.submit(drawing) for drawing in orthogonal.drawings(box)]:
        drawn.result()
    orthogonal.fill(np.empty(box.shape, np.float32), box)
