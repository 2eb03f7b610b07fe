"""One network in PyTorch, Flax and Keras, from one start: python one_network.py [URL].

The rules give every tensor the key that its values are drawn under: PyTorch's name.
"""

import os
import sys
from collections.abc import Mapping
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import jax
import keras
import numpy as np
import torch
from flax import linen
from flax.traverse_util import flatten_dict, unflatten_dict
from safetensors.numpy import load
from torch import nn

from fanin import entries, read

BLOCKS, WIDTH, CLASSES = 4, 16, 10
STARTS = {"weight": {"activation": "relu"}, "bias": {"scheme": "fixed", "std": 0.1, "distribution": "uniform"}}


def rule(kind: str, match: str, axes: str, **keys: str) -> dict[str, object]:
    """Return a rule for a weight or a bias."""
    return {"match": match, "axes": axes, **keys, **STARTS[kind]}


RULES = {
    "torch": [
        rule("weight", "conv.weight", "OIHW"),
        rule("weight", "*.weight", "OI"),
        rule("bias", "*.bias", "O"),
    ],
    "flax": [
        rule("weight", "params/conv/kernel", "HWIO", key="conv.weight"),
        # A scan holds the copies of a layer in one tensor, on its first axis.
        rule("weight", "params/blocks/dense/kernel", "BIO", copy_key="blocks.$b.weight"),
        rule("bias", "params/blocks/dense/bias", "BO", copy_key="blocks.$b.bias"),
        rule("weight", "params/*/kernel", "IO", key="$1.weight"),
        rule("bias", "params/*/bias", "O", key="$1.bias"),
    ],
    "keras": [
        rule("weight", "conv/kernel", "HWIO", key="conv.weight"),
        rule("weight", "*/kernel", "IO", key="$1.weight"),
        rule("bias", "*/bias", "O", key="$1.bias"),
    ],
}  # fmt: skip


class Torch(nn.Module):
    """A convolution, blocks with a shortcut, and a head."""

    def __init__(self) -> None:
        """Make the layers."""
        super().__init__()
        self.conv = nn.Conv2d(3, WIDTH, 3, padding=1)
        self.blocks = nn.ModuleList(nn.Linear(WIDTH, WIDTH) for _ in range(BLOCKS))
        self.head = nn.Linear(WIDTH, CLASSES)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return scores of pixels in NCHW."""
        hidden = self.conv(pixels).relu().mean((2, 3))
        for block in self.blocks:
            hidden = hidden + block(hidden).relu()
        return self.head(hidden)


class Block(linen.Module):
    """One step of the scan."""

    @linen.compact
    def __call__(self, hidden: jax.Array, _: None) -> tuple[jax.Array, None]:
        """Return what the next step takes."""
        return hidden + linen.relu(linen.Dense(WIDTH, name="dense")(hidden)), None


class Flax(linen.Module):
    """The same; the blocks are a scan."""

    @linen.compact
    def __call__(self, pixels: jax.Array) -> jax.Array:
        """Return scores of pixels in NHWC."""
        hidden = linen.relu(linen.Conv(WIDTH, (3, 3), name="conv")(pixels)).mean((1, 2))
        scan = linen.scan(Block, variable_axes={"params": 0}, split_rngs={"params": True}, length=BLOCKS)
        hidden, _ = scan(name="blocks")(hidden, None)
        return linen.Dense(CLASSES, name="head")(hidden)


def keras_model() -> keras.Model:
    """Return the same, made of layers with PyTorch's names."""
    pixels = keras.Input((8, 8, 3))
    hidden = keras.layers.Conv2D(WIDTH, 3, padding="same", activation="relu", name="conv")(pixels)
    hidden = keras.layers.GlobalAveragePooling2D()(hidden)
    for number in range(BLOCKS):
        block = keras.layers.Dense(WIDTH, activation="relu", name=f"blocks.{number}")
        hidden = keras.layers.Add()([hidden, block(hidden)])
    return keras.Model(pixels, keras.layers.Dense(CLASSES, name="head")(hidden))


def weights(service: str, framework: str, arrays: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return values for a framework's own names and shapes."""
    description = {"seed": 42, "rules": RULES[framework], "tensors": entries(arrays)}
    return load(read(f"{service}/model/weights.safetensors", description))


def by_torch(service: str, pixels: np.ndarray) -> np.ndarray:
    """Return the scores that PyTorch computes."""
    network = Torch()
    values = weights(service, "torch", network.state_dict())
    network.load_state_dict({name: torch.from_numpy(array) for name, array in values.items()})
    with torch.no_grad():
        return network(torch.from_numpy(pixels).permute(0, 3, 1, 2)).numpy()


def by_flax(service: str, pixels: np.ndarray) -> np.ndarray:
    """Return the scores that Flax computes; only shapes are made before the weights come."""
    network = Flax()
    shapes = flatten_dict(jax.eval_shape(network.init, jax.random.key(0), pixels), sep="/")
    return np.asarray(network.apply(unflatten_dict(weights(service, "flax", shapes), sep="/"), pixels))


def by_keras(service: str, pixels: np.ndarray) -> np.ndarray:
    """Return the scores that Keras computes."""
    network = keras_model()
    variables = {variable.path: variable for variable in network.weights}
    for name, array in weights(service, "keras", variables).items():
        variables[name].assign(array)
    return keras.ops.convert_to_numpy(network(pixels))


def main(service: str) -> None:
    """Print how far the outputs of the frameworks are apart."""
    pixels = np.random.default_rng(1).standard_normal((32, 8, 8, 3), np.float32)
    scores = {by.__name__: by(service, pixels) for by in (by_torch, by_flax, by_keras)}
    print(f"std of the scores {scores['by_torch'].std():.3f}")
    for name, values in scores.items():
        print(f"{name}: {np.abs(values - scores['by_torch']).max():.0e} from PyTorch's")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000")
