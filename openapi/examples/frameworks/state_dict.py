"""Start any PyTorch module from the service: python state_dict.py [URL]."""

import sys
from typing import Any

import safetensors.torch
import torch
from torch import nn

from fanin import entries, read


def load(module: nn.Module, service: str, **head: Any) -> None:
    """Load weights for a module's own names, shapes and dtypes; `head` is what a model has beside its tensors."""
    description = {"tensors": entries(module.state_dict()), **head}
    values = safetensors.torch.load(read(f"{service}/model/weights.safetensors", description))
    module.load_state_dict(values)


def main(service: str) -> None:
    """Start a small network, and show how its activations are spread."""
    network = nn.Sequential(nn.Conv2d(3, 64, 3), nn.BatchNorm2d(64), nn.ReLU(), nn.Flatten(), nn.Linear(2304, 10))
    rules = [
        {"match": "0.weight", "axes": "OIHW", "activation": "relu"},
        # Nothing in these names says that they are a norm's.
        {"match": "1.weight", "scheme": "ones"},
        {"match": "1.bias", "scheme": "zeros"},
    ]
    load(network, service, seed=42, rules=rules, family="torch")

    with torch.no_grad():
        values = network.eval()[0](torch.randn(100, 3, 8, 8, generator=torch.Generator().manual_seed(1)))
    print(f"std of weights {network[0].weight.std():.3f}, of pre-activations {values.std():.2f}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000")
