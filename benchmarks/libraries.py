"""Other libraries that make initial weights, where they are installed: the group `bench`."""

import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module

import numpy as np

from harness.running import ROOT

Fill = Callable[[], object]

# Programs that are read, and copied, as they lie there.
sys.path.append(str(ROOT / "openapi/examples/frameworks"))


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


def torch_orthogonal(side: int) -> Fill | None:
    """Return PyTorch's orthogonal initialization of a square matrix, with all its threads; None without PyTorch."""
    try:
        torch = import_module("torch")
    except ImportError:
        return None
    out = torch.ones(side, side)
    return lambda: torch.nn.init.orthogonal_(out)


def transformers_gpt2() -> Fill | None:
    """Return how transformers builds GPT-2 small with its initial weights; None without transformers or PyTorch."""
    try:
        import_module("harness.torchvision_operators")
        transformers = import_module("transformers")
        return partial(transformers.GPT2LMHeadModel, transformers.GPT2Config())
    except ImportError:
        return None


def transformers_gpt2_from(url: str) -> Fill | None:
    """Return how a GPT-2 small that is there already is started from a service; None without the libraries."""
    build = transformers_gpt2()
    return None if build is None else partial(import_module("state_dict").load, build(), url, seed=42, family="gpt2")


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
