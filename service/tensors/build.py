"""From a tensor's description to the tensor: nothing is drawn."""

from service.describe.effects import ONE_VALUE
from service.describe.initialization import Initialization, Start
from service.describe.tensor import TensorDescription
from service.initializers.arange import Arange
from service.initializers.compound import Copies, Part, Parts
from service.initializers.constant import Constant
from service.initializers.delta_orthogonal import DeltaOrthogonal
from service.initializers.fans import KERNEL
from service.initializers.initializer import Initializer, Keyed
from service.initializers.kernels import Identity
from service.initializers.orthogonal import Orthogonal
from service.initializers.random import Random
from service.initializers.schemes import CONSTANTS, Choice, TensorSchemeName
from service.tensors.tensor import Tensor


def build(tensor: TensorDescription, seed: int) -> Tensor:
    """Return the tensor that a valid description stands for."""
    start = tensor.start
    return Tensor(
        tensor.name,
        tensor.shape,
        start.order,
        tensor.initialization.dtype,
        start.parts[0].fan,
        _initializer(tensor, start, seed),
    )


def _initializer(tensor: TensorDescription, start: Start, seed: int) -> Initializer:
    said = tensor.initialization
    if said.part_values and start.part_axis is not None:
        constants = (
            Part(part.name or "", part.size, Constant(part.choice, value))
            for part, value in zip(start.parts, said.part_values, strict=True)
        )
        return Parts(start.parts[0].choice, start.part_axis, tuple(constants))
    if said.scheme in ONE_VALUE:
        value = CONSTANTS[said.scheme] if said.value is None else said.value
        return Constant(start.parts[0].choice, value)
    if said.scheme is TensorSchemeName.ARANGE:
        return Arange(start.parts[0].choice)
    key = tensor.name if tensor.key is None else tensor.key
    drawn: Keyed
    if start.part_axis is None:
        drawn = _drawn(said, start.parts[0].choice, seed, key)
    else:
        parts = (
            Part(part.name or "", part.size, _drawn(said, part.choice, seed, f"{key}#{part.name}"))
            for part in start.parts
        )
        drawn = Parts(start.parts[0].choice, start.part_axis, tuple(parts))
    if tensor.copy_key is None:
        return drawn
    copies = tuple(axis for axis, letter in enumerate(start.axes or "") if letter == "B")
    return Copies(copies, tensor.copy_key, drawn)


def _drawn(said: Initialization, choice: Choice, seed: int, key: str) -> Keyed:
    """Return what draws one tensor, or one of its parts."""
    kernel = sum(map((said.axes or "").count, KERNEL))
    match said.scheme:
        case TensorSchemeName.ORTHOGONAL:
            return Orthogonal(choice, seed, key, said.matrices, said.gain)
        case TensorSchemeName.DELTA_ORTHOGONAL:
            copies = said.matrices.copies
            return DeltaOrthogonal(
                range(copies, copies + kernel), Orthogonal(choice, seed, key, said.centre, said.gain)
            )
        case TensorSchemeName.IDENTITY:
            return Identity(choice, said.matrices, kernel, said.gain)
        case _:
            return Random(choice, said.spread, seed, key, said.where_cut)
