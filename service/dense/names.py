"""How the tensors of dense layers are usually called: layers.N.weight and layers.N.bias, N from 0 on."""

import re
from dataclasses import dataclass
from typing import Final, Literal

WEIGHT: Final = "weight"
BIAS: Final = "bias"
LAYER_TENSOR: Final = re.compile(r"layers\.(0|[1-9][0-9]{0,8})\.(weight|bias)", re.ASCII)


@dataclass(frozen=True, slots=True)
class LayerTensor:
    """Which tensor of which layer."""

    index: int  # of the layer
    kind: Literal["weight", "bias"]


def layer_name(index: int) -> str:
    """Return the name of a layer."""
    return f"layers.{index}"


def weight_name(index: int) -> str:
    """Return the name of a layer's weight."""
    return f"{layer_name(index)}.{WEIGHT}"


def bias_name(index: int) -> str:
    """Return the name of a layer's bias."""
    return f"{layer_name(index)}.{BIAS}"


def layer_tensor(name: str) -> LayerTensor | None:
    """Return which tensor a name means; None for any other name."""
    match = LAYER_TENSOR.fullmatch(name)
    return None if match is None else LayerTensor(int(match[1]), "weight" if match[2] == "weight" else "bias")
