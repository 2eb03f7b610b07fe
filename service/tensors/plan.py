"""A list of tensors, in the order in which files hold them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from service.errors import UnknownTensor
from service.tensors.tensor import Tensor


@dataclass(frozen=True)
class Plan:
    """All tensors of a network, undrawn."""

    tensors: tuple[Tensor, ...]

    @cached_property
    def elements(self) -> int:
        """Number of values in all tensors."""
        return sum(tensor.elements for tensor in self.tensors)

    @cached_property
    def byte_count(self) -> int:
        """Size of all values in bytes."""
        return sum(tensor.byte_count for tensor in self.tensors)

    @property
    def drawing_bytes(self) -> int:
        """Memory that drawing one tensor takes beside its values, at most."""
        return max(tensor.whole().drawing_bytes for tensor in self.tensors)

    @cached_property
    def offsets(self) -> Mapping[str, int]:
        """Bytes of values before each tensor, by name."""
        ends = accumulate(tensor.byte_count for tensor in self.tensors)
        return {tensor.name: end - tensor.byte_count for tensor, end in zip(self.tensors, ends, strict=True)}

    def tensor(self, name: str) -> Tensor:
        """Return the tensor of this name; raise UnknownTensor if there is none."""
        try:
            return self._by_name[name]
        except KeyError:
            raise UnknownTensor(name, tuple(self._by_name)) from None

    @cached_property
    def _by_name(self) -> dict[str, Tensor]:
        return {tensor.name: tensor for tensor in self.tensors}
