"""The weights that a client sends: a safetensors file or an .npz archive, checked before anything is allocated."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from service.dense.names import bias_name, layer_tensor, weight_name
from service.dense.passes import always_wanted
from service.describe.network import FEWEST_SAMPLES, MOST_SAMPLES, Layout
from service.files.npz.read import ARCHIVE_STARTS, npz_tensors
from service.files.safetensors.read import safetensors_tensors
from service.files.stored import BODY, StoredTensor, refusal
from service.numerics.recipe.reference import Float32s as Floats

MOST_LAYERS = 1000
INPUTS = "inputs"
KNOWN = "layers.N.weight, layers.N.bias (N counts from 0) and inputs"
AXES = {"weight": ("fan_in", "fan_out"), "bias": ("width",), INPUTS: ("samples", "width")}


@dataclass(frozen=True, slots=True)
class OwnWeights:
    """A network that a client sent; all arrays float32, in row-major order, finite; some are read-only."""

    weights: tuple[Floats, ...]  # shape (fan_in, fan_out), from the first layer to the last
    biases: tuple[Floats | None, ...]  # shape (fan_out,), or None where the layer has no bias
    inputs: Floats | None  # shape (samples, fan_in of the first layer), or None where the file has none


@dataclass(frozen=True, slots=True)
class DeclaredWeights:
    """A network that a client sent, as the headers of its file declare it; no value has been looked at."""

    weights: tuple[StoredTensor, ...]
    biases: tuple[StoredTensor | None, ...]
    inputs: StoredTensor | None
    layout: Layout

    @property
    def widths(self) -> tuple[int, ...]:
        """Node counts from input to output."""
        fan_in, fan_out = (0, 1) if self.layout is Layout.IN_OUT else (1, 0)
        return (self.weights[0].shape[fan_in], *(weight.shape[fan_out] for weight in self.weights))

    @property
    def samples(self) -> int | None:
        """Number of samples in the file, None where it holds no inputs."""
        return None if self.inputs is None else self.inputs.shape[0]

    def read(self, check_wanted: Callable[[], None] = always_wanted) -> OwnWeights:
        """Return the values; raise InvalidRequest, with the tensor as the field, for one that is damaged or not finite.

        They take four bytes each, and the largest tensor four more for a while.
        """
        is_transposed = self.layout is Layout.OUT_IN
        return OwnWeights(
            tuple(_read(weight, check_wanted, is_transposed=is_transposed) for weight in self.weights),
            tuple(None if bias is None else _read(bias, check_wanted) for bias in self.biases),
            None if self.inputs is None else _read(self.inputs, check_wanted),
        )


def declared_weights(body: bytes, layout: Layout) -> DeclaredWeights:
    """Return the network that a safetensors file or an .npz archive declares, whose weights have the given layout.

    Raises InvalidRequest, with the tensor or `body` as the field, if it is not a whole file of a
    network of dense layers.
    """
    declared = npz_tensors(body) if body.startswith(ARCHIVE_STARTS) else safetensors_tensors(body)
    for tensor in declared:
        _check_axes(tensor)
    tensors = {tensor.name: tensor for tensor in declared}
    count = _layer_count(tensors)
    _check_shapes(tensors, count, layout)
    return DeclaredWeights(
        tuple(tensors[weight_name(number)] for number in range(count)),
        tuple(tensors.get(bias_name(number)) for number in range(count)),
        tensors.get(INPUTS),
        layout,
    )


def _read(tensor: StoredTensor, check_wanted: Callable[[], None], *, is_transposed: bool = False) -> Floats:
    values = tensor.float32s(check_wanted)
    return np.ascontiguousarray(values.T if is_transposed else values)


def _check_axes(tensor: StoredTensor) -> None:
    """Raise InvalidRequest unless the name is known, and the tensor has the axes that such a name stands for."""
    known = layer_tensor(tensor.name)
    if known is None and tensor.name != INPUTS:
        raise refusal(tensor.name, f"is not a tensor that is known here: known are {KNOWN}")
    if known is not None and known.index >= MOST_LAYERS:
        raise refusal(tensor.name, f"is one layer too many: at most {MOST_LAYERS} layers are diagnosed")
    axes = AXES[INPUTS if known is None else known.kind]
    if len(tensor.shape) != len(axes):
        many = "one axis" if len(axes) == 1 else "two axes"
        shape = ", ".join(map(str, tensor.shape[: len(AXES) + 1]))
        raise refusal(tensor.name, f"must have {many}, {' and '.join(axes)}", f"{len(tensor.shape)}: [{shape}]")


def _layer_count(tensors: Mapping[str, StoredTensor]) -> int:
    """Return the number of layers; raise InvalidRequest unless each of them, up to the last named, has a weight."""
    indices = [known.index for known in map(layer_tensor, tensors) if known is not None]
    if not indices:
        raise refusal(BODY, f"must hold at least {weight_name(0)}: known are {KNOWN}")
    count = max(indices) + 1
    for index in range(count):
        name = weight_name(index)
        if name not in tensors:
            raise refusal(name, "is missing: layers are numbered from 0 without a gap, and each has a weight")
    return count


def _check_shapes(tensors: Mapping[str, StoredTensor], count: int, layout: Layout) -> None:
    """Raise InvalidRequest unless each layer takes what the layer before, or the inputs, give."""
    shapes = [tensors[weight_name(number)].shape for number in range(count)]
    fans = shapes if layout is Layout.IN_OUT else [shape[::-1] for shape in shapes]
    for number, ((_, given), (taken, _)) in enumerate(pairwise(fans), start=1):
        if given != taken:
            message = f"must have fan_in {given}, the fan_out of {weight_name(number - 1)}, in the layout {layout}"
            raise refusal(weight_name(number), message, f"{taken}, of shape {list(shapes[number])}")
    for number, (_, width) in enumerate(fans):
        name = bias_name(number)
        if name in tensors and tensors[name].shape != (width,):
            message = f"must have shape [{width}], the fan_out of {weight_name(number)} in the layout {layout}"
            raise refusal(name, message, list(tensors[name].shape))
    if INPUTS not in tensors:
        return
    if not FEWEST_SAMPLES <= tensors[INPUTS].shape[0] <= MOST_SAMPLES:
        message = f"must have from {FEWEST_SAMPLES} to {MOST_SAMPLES} samples"
        raise refusal(INPUTS, message, f"{tensors[INPUTS].shape[0]}, of shape {list(tensors[INPUTS].shape)}")
    if tensors[INPUTS].shape[1] != fans[0][0]:
        message = f"must have width {fans[0][0]}, the fan_in of {weight_name(0)} in the layout {layout}"
        raise refusal(INPUTS, message, f"{tensors[INPUTS].shape[1]}, of shape {list(tensors[INPUTS].shape)}")
