"""From a network to its tensors: names, shapes and spreads, computed without drawing a number."""

from dataclasses import dataclass
from functools import cached_property

from pydantic import MISSING

from service.errors import TooLarge, UnknownTensor
from service.numerics.sampler import Stream
from service.numerics.schemes import ZEROS, Fan, choose
from service.spec import Bias, Layout, Network
from service.tensor import Tensor


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a network may be, whatever part of it is asked for."""

    layers: int  # node counts in the list
    width: int  # nodes in one layer


@dataclass(frozen=True)
class Plan:
    """A network with its seed, and all its tensors in the order of the files."""

    network: Network
    seed: int
    tensors: tuple[Tensor, ...]

    @cached_property
    def elements(self) -> int:
        """Number of values in all tensors."""
        return sum(tensor.elements for tensor in self.tensors)

    @cached_property
    def byte_count(self) -> int:
        """Size of all values in bytes."""
        return sum(tensor.byte_count for tensor in self.tensors)

    def tensor(self, name: str) -> Tensor:
        """Return the tensor of this name; raise UnknownTensor if there is none."""
        for tensor in self.tensors:
            if tensor.name == name:
                return tensor
        raise UnknownTensor(name, tuple(tensor.name for tensor in self.tensors))


def plan_of(network: Network, seed: int, limits: Limits) -> Plan:
    """Return the plan of a network; raise TooLarge if it exceeds the limits."""
    _check(network, limits)
    tensors: list[Tensor] = []
    offset = 0
    for index in range(len(network.layers) - 1):
        for tensor in _tensors_of_layer(network, seed, index, offset):
            tensors.append(tensor)
            offset += tensor.elements
    return Plan(network, seed, tuple(tensors))


def _check(network: Network, limits: Limits) -> None:
    if len(network.layers) > limits.layers:
        raise TooLarge("sizes in layers", len(network.layers), limits.layers, "layers")
    widest = max(network.layers)
    if widest > limits.width:
        raise TooLarge("nodes in one layer", widest, limits.width, "width")


def _tensors_of_layer(network: Network, seed: int, index: int, offset: int) -> list[Tensor]:
    fan = Fan(*network.layers[index : index + 2])
    activation = network.activation
    is_last = index == len(network.layers) - 2
    if is_last and network.output_activation is not MISSING:
        activation = network.output_activation
    choice = choose(network.scheme, activation, fan, 0.0 if network.std is MISSING else network.std)
    name = f"layers.{index}.weight"
    shape = (fan.inputs, fan.outputs) if network.layout is Layout.IN_OUT else (fan.outputs, fan.inputs)
    stream = Stream.of(seed, name, network.distribution, choice.std)
    weight = Tensor(name, shape, network.dtype, network.layout, fan, choice, offset, stream)
    if network.bias is Bias.NONE:
        return [weight]
    bias = Tensor(
        f"layers.{index}.bias",
        (fan.outputs,),
        network.dtype,
        network.layout,
        fan,
        ZEROS,
        offset + weight.elements,
        None,
    )
    return [weight, bias]
