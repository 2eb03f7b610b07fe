"""Our weights for a library's own list of names and shapes."""

from collections.abc import Mapping
from typing import Any

import httpx
import safetensors.numpy
import torch
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[Any]]


def description(arrays: Arrays, **head: object) -> dict[str, object]:
    """Return what a client would send: names, shapes and dtypes, and a family beside what no shape holds."""
    tensors = [{"name": name, "shape": array.shape, "dtype": array.dtype.name} for name, array in arrays.items()]
    return {"tensors": tensors, **head}


def weights(client: httpx.Client, described: Mapping[str, object], seed: int) -> dict[str, NDArray[Any]]:
    """Return the weights that the service sends for a description, by name."""
    answer = client.post("/model/weights.safetensors", json={**described, "seed": seed})
    assert answer.status_code == 200, answer.text
    return safetensors.numpy.load(answer.content)


def arrays(module: torch.nn.Module) -> dict[str, NDArray[Any]]:
    """Return a module's state dict, copied."""
    return {name: tensor.numpy(force=True).copy() for name, tensor in module.state_dict().items()}
