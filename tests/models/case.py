"""A module of a library, and what a client says to get its start."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch


@dataclass(frozen=True)
class Case:
    """A module that can be made again, what is said beside its names and shapes, and a forward pass."""

    make: Callable[[], Any]
    head: Mapping[str, object]
    forward: Callable[[Any], torch.Tensor]

    def seeded(self, seed: int) -> Any:
        """Return the module as the library starts it."""
        torch.manual_seed(seed)
        return self.make().eval()
