"""Values drawn in a second on one core: both backends against NumPy, PyTorch and JAX."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from math import prod

import numpy as np

from benchmarks.libraries import jax_he, numpy_normal, torch_kaiming
from benchmarks.rounds import median_seconds, one_core
from benchmarks.rows import Row
from benchmarks.sizes import Sizes
from service.dense.network import Limits, dense_network
from service.describe.network import LARGEST_WIDTH, Bias, Layout, Network
from service.describe.tensor import tensor_in_query
from service.numerics.activations import Activation
from service.numerics.dtypes import Values
from service.numerics.recipe import numpy_backend
from service.numerics.recipe.distributions import DistributionName, Stream
from service.tensors.build import build
from service.tensors.tensor import PANEL_BYTES, TensorBox

FillRows = Callable[[Values, Stream, int, int], None]
compiled: FillRows | None = None
with suppress(ImportError):
    from service.numerics.recipe.numba_backend import fill_rows as compiled
LEAST_OF_OIHW, LEAST_OF_LONG_OUTPUTS = 0.6, 0.1  # of the speed of IO
LEAST_AGAINST_TORCH, LEAST_AGAINST_NUMPY = 1.8, 1.8
MISSING = "not installed"
PEERS = ("NumPy", "PyTorch", "JAX")


def measure(sizes: Sizes) -> list[Row]:
    """Return the rates of both backends, of all distributions and of both layouts."""
    with one_core():
        return [*_distributions(sizes), *_layouts(sizes), *_kernels(sizes)]


def _distributions(sizes: Sizes) -> list[Row]:
    values = sizes.values
    out = np.ones((1, values), np.float32)  # written once: no round may pay for pages that the system has yet to make
    backends: Mapping[str, FillRows | None] = {
        "numba": compiled,
        "numpy": numpy_backend.fill_rows,
    }
    calls: dict[str, Callable[[], object]] = {"NumPy": numpy_normal(values)}
    if torch := torch_kaiming(values):
        calls["PyTorch"] = torch
    for backend, fill in backends.items():
        for distribution in DistributionName:
            source = Stream.of(1, "layers.0.weight", distribution, 1.0)
            if fill:
                calls[f"{backend} {distribution}"] = partial(fill, out, source, 0, values)
    seconds = median_seconds(calls, sizes.rounds)
    if jax := jax_he(values):
        # Alone, since its threads stay busy for a while after its work is done.
        seconds |= median_seconds({"JAX": jax}, sizes.rounds)
    rates = {name: values / 1e6 / took for name, took in seconds.items()}
    limits = {"numba PyTorch": LEAST_AGAINST_TORCH, "numpy NumPy": LEAST_AGAINST_NUMPY}
    rows = []
    for backend in backends:
        for distribution in DistributionName:
            if f"{backend} {distribution}" not in rates:
                rows.append(Row(f"draw {distribution}, {backend} {MISSING}", 0.0, "M/s"))
                continue
            for peer in PEERS if distribution is DistributionName.NORMAL else PEERS[:1]:
                title = f"draw {distribution} with {backend}, {values / 2**20:g} Mi float32"
                peer_name = f"{peer} normal" if peer in rates else f"{peer} {MISSING}"
                limit = limits.get(f"{backend} {peer}") if distribution is DistributionName.NORMAL else None
                rate = rates[f"{backend} {distribution}"]
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


def _kernels(sizes: Sizes) -> list[Row]:
    """Return how fast a kernel is read in PyTorch's order of the axes, beside the order of the numbering."""
    kernels = {
        (512, 512, 3, 3): LEAST_OF_OIHW,
        (4096, 1024, 3, 3): LEAST_OF_OIHW,
        (4000, 1_200_000, 3, 3): LEAST_OF_LONG_OUTPUTS,
    }
    out = np.ones(PANEL_BYTES // 4, np.float32)
    rows = []
    for shape, least in kernels.items():
        outputs, inputs = shape[0], prod(shape[1:])
        boxes = {"OIHW": _tensor(shape, "OIHW"), "IO": _tensor((inputs, outputs), "IO")}
        count = min(sizes.values, prod(shape))
        seconds = median_seconds({axes: partial(_read, box, count, out) for axes, box in boxes.items()}, sizes.rounds)
        rates = {axes: count / 1e6 / took for axes, took in seconds.items()}
        title = f"read OIHW, {' x '.join(map(str, shape))}"
        rows.append(Row(title, rates["OIHW"], "M/s", "IO", rates["IO"], smallest_ratio=least))
    return rows


def _tensor(shape: tuple[int, ...], axes: str) -> TensorBox:
    query = {"shape": ",".join(map(str, shape)), "axes": axes, "activation": "relu"}
    return build(tensor_in_query("kernel", query).tensor, 1).whole()


def _block(layout: Layout, side: int) -> TensorBox:
    network = Network(layers=(side, side), activation=Activation.RELU, layout=layout, bias=Bias.NONE)
    return dense_network(network, 1, Limits(layers=2, width=LARGEST_WIDTH)).plan.tensors[0].whole()


def _read(block: TensorBox, count: int, out: Values) -> None:
    """Draw the first `count` elements as the service does, one unit after the other in the same memory."""
    for start, stop, *_ in block.units(0, count):
        block.fill(out[: stop - start], start)
