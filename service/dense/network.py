"""From a description to its dense layers: names, shapes and spreads, computed without drawing a number."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from pydantic import MISSING

from service.dense.names import BIAS, WEIGHT, weight_name
from service.dense.passes import DrawnLayer
from service.describe.network import Bias, Layout, Network, OwnNetwork
from service.describe.url import query_of
from service.errors import FieldError, InvalidRequest, TooLarge, shortened
from service.initializers import matrix_choices
from service.initializers.constant import Constant
from service.initializers.fans import Fan
from service.initializers.initializer import Initializer
from service.initializers.kernels import Identity
from service.initializers.matrices import MatrixAxes
from service.initializers.orthogonal import Orthogonal
from service.initializers.random import Random
from service.initializers.schemes import ZEROS, Options, SchemeName, choose, cut
from service.numerics.activations import Activation, Function, function_of
from service.numerics.dtypes import DTYPES, TensorDType
from service.numerics.recipe.distributions import Cut, DistributionName
from service.tensors.plan import Plan
from service.tensors.tensor import Tensor

# Sizes and offsets, a header included, stay within what every language's integers hold.
LARGEST_BYTES = 2**62
LARGEST_ITEM_BYTES = max(number.size for number in DTYPES.values())
MATRIX = MatrixAxes(copies=0, rows=1)
# Axes of a weight in the file's order, as places in the canonical order (fan_in, fan_out).
ORDERS = {Layout.IN_OUT: (0, 1), Layout.OUT_IN: (1, 0)}


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a network may be, whatever part of it is asked for."""

    layers: int  # node counts in the list
    width: int  # nodes in one layer

    def check_count(self, sizes: int) -> None:
        """Raise TooLarge for so many sizes in `layers`: to be known before each of them is looked at."""
        if sizes > self.layers:
            raise TooLarge("sizes in layers", sizes, self.layers, "layers")


@dataclass(frozen=True, slots=True)
class Layer:
    """One dense layer: activation(inputs @ weight + bias), undrawn."""

    name: str
    key: str  # the name that the recipe draws the weight under
    weight: Tensor
    bias: Tensor | None  # None where the layer has none
    activation: Function

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """The layer's tensors, in the order of the files."""
        return (self.weight,) if self.bias is None else (self.weight, self.bias)

    def draw(self, weight: npt.NDArray[np.float32]) -> DrawnLayer:
        """Return the layer with its values, rounded to its dtype, the weight's in `weight`, which is flat."""
        bias = None if self.bias is None else _drawn(self.bias, np.empty(self.bias.elements, np.float32))
        has_bias = bias is not None and bias.any()
        return DrawnLayer(self.name, _drawn(self.weight, weight), bias if has_bias else None, self.activation)


def _drawn(tensor: Tensor, values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return all values of a tensor with its axes in canonical order, in the memory of `values`."""
    if tensor.dtype is TensorDType.FLOAT32:
        tensor.whole().fill(values, 0)
    else:
        values[:] = tensor.whole().read(0, tensor.elements)
    return values.reshape(tensor.shape).transpose(tensor.order)


@dataclass(frozen=True)
class DenseNetwork:
    """A description, seed included, and what it describes."""

    description: Network
    seed: int
    layers: tuple[Layer, ...]

    @cached_property
    def plan(self) -> Plan:
        """All tensors, in the order of the files."""
        return Plan(tuple(tensor for layer in self.layers for tensor in layer.tensors))

    @cached_property
    def activations(self) -> Mapping[str, Activation]:
        """What each weight feeds, by its name."""
        return {layer.weight.name: layer.activation.name for layer in self.layers}

    @cached_property
    def keys(self) -> Mapping[str, str]:
        """What the recipe draws each weight under, by its name."""
        return {layer.weight.name: layer.key for layer in self.layers}

    def drawn(self) -> Iterator[DrawnLayer]:
        """Yield the layers with their values, as float32, which the forward pass takes."""
        sizes = [layer.weight.elements for layer in self.layers]
        # The system gives one large array in large pages, in a third of the time that many take.
        free = np.empty(sum(sizes), np.float32)
        for layer, size in zip(self.layers, sizes, strict=True):
            weight, free = np.split(free, [size])
            yield layer.draw(weight)

    @property
    def metadata(self) -> Mapping[str, str]:
        """What safetensors files state of the network itself."""
        description = self.description
        # Own names in PyTorch's layout are those of a module there, whose readers ask for this.
        is_module = description.names is not MISSING and description.layout is Layout.OUT_IN
        return {"fanin": self.query} | ({"format": "pt"} if is_module else {})

    @cached_property
    def query(self) -> str:
        """The canonical query string, which every permanent URL of the network has."""
        return query_of(self.description, self.seed)


def dense_network(description: Network, seed: int, limits: Limits) -> DenseNetwork:
    """Return the layers that a description, with or without this seed, stands for; raise TooLarge beyond the limits."""
    _check(description, limits)
    activations = activations_of(description, len(description.layers) - 1)
    named = enumerate(zip(description.layer_names, activations, strict=True))
    layers = tuple(_layer(description, seed, index, name, activation) for index, (name, activation) in named)
    return DenseNetwork(description, seed, layers)


def activations_of(asked: Network | OwnNetwork, count: int) -> list[Function]:
    """Return the activation of each of `count` layers."""
    activation = function_of(asked.activation, asked.slope, asked.alpha)
    if asked.output_activation is MISSING:
        return [activation] * count
    return [activation] * (count - 1) + [function_of(asked.output_activation, asked.slope, asked.alpha)]


def _check(network: Network, limits: Limits) -> None:
    widest = max(network.layers)
    if widest > limits.width:
        raise TooLarge("nodes in one layer", widest, limits.width, "width")
    if widest * (widest + 1) * len(network.layers) * LARGEST_ITEM_BYTES > LARGEST_BYTES:
        _check_bytes(network)


def _check_bytes(network: Network) -> None:
    asked = DTYPES[network.dtype].size * sum((fan_in + 1) * width for fan_in, width in pairwise(network.layers))
    if asked > LARGEST_BYTES:
        message = f"must make at most {LARGEST_BYTES} bytes of values in all"
        raise InvalidRequest((FieldError("layers", message, str(asked)),))


def _layer(network: Network, seed: int, index: int, name: str, activation: Function) -> Layer:
    inputs, outputs = network.layers[index : index + 2]
    fan = Fan(inputs, outputs)
    key = weight_name(index)
    order, dtype = ORDERS[network.layout], TensorDType(network.dtype)
    shape = (inputs, outputs) if network.layout is Layout.IN_OUT else (outputs, inputs)
    weight = Tensor(
        f"{name}.{WEIGHT}", shape, order, dtype, fan, _initializer(network, seed, key, fan, activation.name)
    )
    bias = None
    if network.bias is Bias.ZEROS:
        bias = Tensor(f"{name}.{BIAS}", (outputs,), (0,), dtype, fan, Constant(ZEROS, 0.0))
    return Layer(name, key, weight, bias, activation)


def _initializer(network: Network, seed: int, key: str, fan: Fan, activation: Activation) -> Initializer:
    inputs, outputs = int(fan.inputs), int(fan.outputs)
    match network.scheme:
        case SchemeName.ORTHOGONAL:
            choice = matrix_choices.orthogonal(inputs, outputs, network.gain)
            _check_overflow(network, network.gain)
            return Orthogonal(choice, seed, key, MATRIX, network.gain)
        case SchemeName.IDENTITY:
            choice = matrix_choices.identity(inputs, outputs, 1, network.gain)
            _check_overflow(network, network.gain)
            return Identity(choice, MATRIX, 0, network.gain)
    options = Options(network.gain, network.fan, network.slope, network.alpha)
    choice = choose(network.scheme, activation, fan, 0.0 if network.std is MISSING else network.std, options)
    _check_overflow(network, choice.std)
    where_cut = Cut(network.cut, network.cut_std)
    if network.distribution is DistributionName.TRUNCATED_NORMAL:
        choice = cut(choice, where_cut)
    return Random(choice, network.distribution, seed, key, where_cut)


def _check_overflow(network: Network, spread: float) -> None:
    largest = DTYPES[network.dtype].largest_std
    if spread > largest:
        message = f"must not lead to a standard deviation over {largest:g}, so that no {network.dtype} overflows"
        raise InvalidRequest((FieldError("gain", message, shortened(network.gain)),))
