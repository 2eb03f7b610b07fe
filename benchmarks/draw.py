"""Values drawn in a second on one core: both twins against NumPy, PyTorch and JAX."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial

import numpy as np

from benchmarks.libraries import jax_he, numpy_normal, torch_kaiming
from benchmarks.rounds import median_seconds, one_core
from benchmarks.rows import Row
from benchmarks.sizes import Sizes
from service.numerics import interpreted
from service.numerics.activations import Activation
from service.numerics.distributions import DistributionName, Source
from service.numerics.dtypes import Values
from service.plan import Limits, plan_of
from service.spec import LARGEST_WIDTH, Bias, Layout, Network
from service.tensor import PANEL_BYTES, Block

FillRows = Callable[[Values, Source, int, int], None]
compiled: FillRows | None = None
with suppress(ImportError):
    from service.numerics.compiled import fill_rows as compiled
LEAST_AGAINST_TORCH, LEAST_AGAINST_NUMPY = 1.8, 1.8
MISSING = "not installed"
PEERS = ("NumPy", "PyTorch", "JAX")


def measure(sizes: Sizes) -> list[Row]:
    """Return the rates of both twins, of all distributions and of both layouts."""
    with one_core():
        return [*_distributions(sizes), *_layouts(sizes)]


def _distributions(sizes: Sizes) -> list[Row]:
    values = sizes.values
    out = np.ones((1, values), np.float32)  # written once: no round may pay for pages that the system has yet to make
    twins: Mapping[str, FillRows | None] = {
        "numba": compiled,
        "numpy": interpreted.fill_rows,
    }
    calls: dict[str, Callable[[], object]] = {"NumPy": numpy_normal(values)}
    if torch := torch_kaiming(values):
        calls["PyTorch"] = torch
    for twin, fill in twins.items():
        for distribution in DistributionName:
            source = Source.of(1, "layers.0.weight", distribution, 1.0)
            if fill:
                calls[f"{twin} {distribution}"] = partial(fill, out, source, 0, values)
    seconds = median_seconds(calls, sizes.rounds)
    if jax := jax_he(values):
        # Alone, since its threads stay busy for a while after its work is done.
        seconds |= median_seconds({"JAX": jax}, sizes.rounds)
    rates = {name: values / 1e6 / took for name, took in seconds.items()}
    limits = {"numba PyTorch": LEAST_AGAINST_TORCH, "numpy NumPy": LEAST_AGAINST_NUMPY}
    rows = []
    for twin in twins:
        for distribution in DistributionName:
            if f"{twin} {distribution}" not in rates:
                rows.append(Row(f"draw {distribution}, {twin} {MISSING}", 0.0, "M/s"))
                continue
            for peer in PEERS if distribution is DistributionName.NORMAL else PEERS[:1]:
                title = f"draw {distribution} with {twin}, {values / 2**20:g} Mi float32"
                peer_name = f"{peer} normal" if peer in rates else f"{peer} {MISSING}"
                limit = limits.get(f"{twin} {peer}") if distribution is DistributionName.NORMAL else None
                rate = rates[f"{twin} {distribution}"]
                rows.append(Row(title, rate, "M/s", peer_name, rates.get(peer), smallest_ratio=limit))
    return rows


def _layouts(sizes: Sizes) -> list[Row]:
    side = sizes.panel_side
    blocks = {layout: _block(layout, side) for layout in Layout}
    out = np.ones(PANEL_BYTES // 4, np.float32)
    calls = {str(layout): partial(_read, block, sizes.values, out) for layout, block in blocks.items()}
    seconds = median_seconds(calls, sizes.rounds)
    out_in, in_out = (sizes.values / 1e6 / seconds[layout] for layout in (Layout.OUT_IN, Layout.IN_OUT))
    return [Row(f"read out_in, {sizes.values / 2**20:g} Mi of {side} x {side}", out_in, "M/s", "in_out", in_out)]


def _block(layout: Layout, side: int) -> Block:
    network = Network(layers=(side, side), activation=Activation.RELU, layout=layout, bias=Bias.NONE)
    return plan_of(network, 1, Limits(layers=2, width=LARGEST_WIDTH)).tensors[0].whole()


def _read(block: Block, count: int, out: Values) -> None:
    """Draw the first `count` elements as the service does, one unit after the other in the same memory."""
    for start, stop in block.units(0, count):
        block.fill(out[: stop - start], start)
