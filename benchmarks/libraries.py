"""Other libraries that make initial weights, where they are installed: `pip install '.[bench]'`."""

from collections.abc import Callable
from importlib import import_module

import numpy as np

Fill = Callable[[], object]


def numpy_normal(values: int) -> Fill:
    """Return NumPy's own normal values, from the same Philox."""
    generator = np.random.Generator(np.random.Philox(1))
    out = np.ones(values, np.float32)
    return lambda: generator.standard_normal(dtype=np.float32, out=out)


def torch_kaiming(values: int) -> Fill | None:
    """Return PyTorch's He initialization of a tensor that is there already; None without PyTorch."""
    try:
        torch = import_module("torch")
    except ImportError:
        return None
    out = torch.ones(values // 1024, 1024)
    return lambda: torch.nn.init.kaiming_normal_(out)


def jax_he(values: int) -> Fill | None:
    """Return JAX's He initialization, compiled; None without JAX."""
    try:
        jax = import_module("jax")
    except ImportError:
        return None
    initializer = jax.nn.initializers.he_normal()
    key = jax.random.key(1)
    draw = jax.jit(lambda key: initializer(key, (values // 1024, 1024), "float32"))
    return lambda: draw(key).block_until_ready()
