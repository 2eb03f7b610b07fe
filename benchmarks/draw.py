"""Time to draw on one thread, against NumPy's own normal values from the same Philox."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from statistics import median
from time import perf_counter

import numpy as np

from benchmarks.rows import Row
from benchmarks.sizes import Sizes
from service.numerics.activations import Activation
from service.numerics.reference import Floats
from service.numerics.sampler import DistributionName, Stream
from service.plan import Limits, plan_of
from service.spec import LARGEST_WIDTH, Bias, Layout, Network
from service.tensor import Block

LARGEST_RATIO = 0.65


def measure(sizes: Sizes) -> list[Row]:
    """Return the times of all distributions and of both layouts."""
    with one_core():
        out = np.zeros(sizes.values, np.float32)
        out.fill(1.0)  # zeros come on pages that the system has yet to make: no round may pay for them
        return [*_distributions(out, sizes), _transposed(sizes)]


@contextmanager
def one_core() -> Iterator[None]:
    """Keep this process on one core, where the system can, so that no round pays for a move."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def _distributions(out: Floats, sizes: Sizes) -> Iterator[Row]:
    generator = np.random.Generator(np.random.Philox(1))
    limits = {DistributionName.NORMAL: LARGEST_RATIO}
    for name in DistributionName:
        stream = Stream.of(1, "layers.0.weight", name, std=1.0)
        own, peer = _medians(
            partial(stream.fill, out, 0),
            partial(generator.standard_normal, dtype=np.float32, out=out),
            sizes.rounds,
        )
        title = f"draw {name}, {sizes.values / 2**20:g} Mi float32"
        yield Row(title, own, "s", "NumPy normal", peer, limits.get(name))


def _transposed(sizes: Sizes) -> Row:
    out_in, in_out = (_block(layout, sizes.panel_side) for layout in (Layout.OUT_IN, Layout.IN_OUT))
    own, peer = _medians(lambda: _read(out_in, sizes.values), lambda: _read(in_out, sizes.values), sizes.rounds)
    side = sizes.panel_side
    return Row(f"read out_in, {sizes.values / 2**20:g} Mi of {side} x {side}", own, "s", "in_out", peer)


def _block(layout: Layout, side: int) -> Block:
    network = Network(layers=(side, side), activation=Activation.RELU, layout=layout, bias=Bias.NONE)
    return plan_of(network, 1, Limits(layers=2, width=LARGEST_WIDTH)).tensors[0].whole()


def _read(block: Block, count: int) -> None:
    """Draw the first `count` elements as the service does, one unit after the other."""
    for start, stop in block.units(0, count):
        block.read(start, stop)


def _medians(first: Callable[[], object], second: Callable[[], object], rounds: int) -> tuple[float, float]:
    """Return the median seconds of each, called in turns so that a slow spell of the machine falls on both."""
    first()
    second()
    times = [(_seconds(first), _seconds(second)) for _ in range(rounds)]
    return median(own for own, _ in times), median(peer for _, peer in times)


def _seconds(call: Callable[[], object]) -> float:
    start = perf_counter()
    call()
    return perf_counter() - start
