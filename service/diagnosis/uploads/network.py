"""The weights that a client sends: a safetensors file or an .npz archive, checked before anything is allocated."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import prod

import numpy as np

from service.diagnosis.uploads.npz import ARCHIVE_STARTS, npz_tensors
from service.diagnosis.uploads.safetensors import safetensors_tensors
from service.diagnosis.uploads.tensors import BODY, INPUTS, KNOWN, StoredTensor, kind_of, refusal
from service.errors import TooLarge
from service.numerics.reference import Floats
from service.spec import Layout

FLOAT_BYTES = 4


@dataclass(frozen=True, slots=True)
class OwnWeights:
    """A network that a client sent; all arrays float32, in row-major order, finite; some are read-only."""

    weights: tuple[Floats, ...]  # shape (fan_in, fan_out), from the first layer to the last
    biases: tuple[Floats | None, ...]  # shape (fan_out,), or None where the layer has no bias
    inputs: Floats | None  # shape (samples, fan_in of the first layer), or None where the file has none


def own_weights(body: bytes, layout: Layout, most_bytes: int) -> OwnWeights:
    """Return the network in a safetensors file or an .npz archive, whose weights have the given layout.

    Raises InvalidRequest, with the tensor or `body` as the field, if it is not a whole file of a
    network of dense layers; TooLarge if the values, as declared, take more bytes as float32 than
    allowed.
    """
    declared = npz_tensors(body) if body.startswith(ARCHIVE_STARTS) else safetensors_tensors(body)
    tensors = {tensor.name: tensor for tensor in declared}
    count = _layer_count(tensors)
    _check_shapes(tensors, count, layout)
    asked = FLOAT_BYTES * sum(prod(tensor.shape) for tensor in declared)
    if asked > most_bytes:
        raise TooLarge("bytes of float32 values", asked, most_bytes, "diagnosis_bytes", "A smaller network would fit.")
    weights = [tensors[f"layers.{number}.weight"] for number in range(count)]
    biases = [tensors.get(f"layers.{number}.bias") for number in range(count)]
    inputs = tensors.get(INPUTS)
    return OwnWeights(
        tuple(_read(weight, is_transposed=layout is Layout.OUT_IN) for weight in weights),
        tuple(None if bias is None else _read(bias) for bias in biases),
        None if inputs is None else _read(inputs),
    )


def _read(tensor: StoredTensor, *, is_transposed: bool = False) -> Floats:
    values = tensor.values()
    # A view into the body may start anywhere, which costs every later product time.
    return np.require(values.T if is_transposed else values, np.float32, ["C", "ALIGNED"])


def _layer_count(tensors: Mapping[str, StoredTensor]) -> int:
    """Return the number of layers; raise InvalidRequest unless each of them, up to the last named, has a weight."""
    numbers = [number for kind, number in map(kind_of, tensors) if kind != INPUTS]
    if not numbers:
        raise refusal(BODY, f"must hold at least layers.0.weight: known are {KNOWN}")
    count = max(numbers) + 1
    for number in range(count):
        name = f"layers.{number}.weight"
        if name not in tensors:
            raise refusal(name, "is missing: layers are numbered from 0 without a gap, and each has a weight")
    return count


def _check_shapes(tensors: Mapping[str, StoredTensor], count: int, layout: Layout) -> None:
    """Raise InvalidRequest unless each layer takes what the layer before, or the inputs, give."""
    shapes = [tensors[f"layers.{number}.weight"].shape for number in range(count)]
    fans = shapes if layout is Layout.IN_OUT else [shape[::-1] for shape in shapes]
    for number, ((_, given), (taken, _)) in enumerate(pairwise(fans), start=1):
        if given != taken:
            message = f"must have fan_in {given}, the fan_out of layers.{number - 1}.weight, in the layout {layout}"
            raise refusal(f"layers.{number}.weight", message, f"{taken}, of shape {list(shapes[number])}")
    for number, (_, width) in enumerate(fans):
        name = f"layers.{number}.bias"
        if name in tensors and tensors[name].shape != (width,):
            message = f"must have shape [{width}], the fan_out of layers.{number}.weight in the layout {layout}"
            raise refusal(name, message, list(tensors[name].shape))
    if INPUTS in tensors and tensors[INPUTS].shape[1] != fans[0][0]:
        message = f"must have width {fans[0][0]}, the fan_in of layers.0.weight in the layout {layout}"
        raise refusal(INPUTS, message, f"{tensors[INPUTS].shape[1]}, of shape {list(tensors[INPUTS].shape)}")
