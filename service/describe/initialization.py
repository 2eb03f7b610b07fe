"""How a tensor starts: all that decides its values beside seed, key and shape."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Self

from service.describe.effects import MATRICES, ONE_VALUE
from service.describe.fields import refused
from service.initializers import matrix_choices
from service.initializers.compound import BLANK
from service.initializers.fans import KERNEL, Fan, Number, canonical_order, fan_of
from service.initializers.matrices import MatrixAxes, matrix_axes
from service.initializers.schemes import (
    CONSTANTS,
    Choice,
    FanName,
    FanUse,
    Options,
    TensorSchemeName,
    choose,
    constant,
    cut,
    fan_use,
)
from service.numerics.activations import LEAK, Activation
from service.numerics.dtypes import DTYPES, TensorDType
from service.numerics.recipe.distributions import CUT_AT_TWO, Cut, CutStd, DistributionName

# Two readings of a file's axes, by rank: that of PyTorch and that of JAX and Keras.
READINGS = {2: ("OI", "IO"), 3: ("OIW", "WIO"), 4: ("OIHW", "HWIO"), 5: ("OIDHW", "DHWIO")}


@dataclass(frozen=True, slots=True)
class Initialization:
    """What is said of a tensor's start; None and empty where nothing is."""

    axes: str | None = None  # a letter for each axis of the file
    groups: int = 1
    transposed_stride: tuple[int, ...] = ()  # one for all kernel axes, or one each; empty: not transposed
    parts: tuple[str, ...] = ()
    part_sizes: tuple[int, ...] = ()  # empty: equal ones
    activation: Activation | None = None
    scheme: TensorSchemeName = TensorSchemeName.AUTO
    std: float | None = None
    gain: float = 1.0
    value: float | None = None
    fan_in: float | None = None
    fan_out: float | None = None
    distribution: DistributionName = DistributionName.NORMAL
    dtype: TensorDType = TensorDType.FLOAT32
    cut: float = CUT_AT_TWO.at
    cut_std: CutStd = CUT_AT_TWO.std
    fan: FanName = FanName.IN
    slope: float = LEAK  # of leaky_relu
    alpha: float = 1.0  # of elu
    part_values: tuple[float, ...] = ()  # one for each part; empty where the tensor has one value

    @property
    def where_cut(self) -> Cut:
        """How truncated_normal is cut."""
        return Cut(self.cut, self.cut_std)

    @property
    def matrices(self) -> MatrixAxes:
        """Which axes number rows and columns; `axes` must be known."""
        return matrix_axes(self.axes or "", self.groups, is_transposed=bool(self.transposed_stride))

    @property
    def centre(self) -> MatrixAxes:
        """The same of the centre of a kernel, which has none of its axes."""
        return matrix_axes(self.axes or "", self.groups, is_transposed=bool(self.transposed_stride), has_kernel=False)

    @property
    def spread(self) -> DistributionName:
        """The distribution of the values: the one asked for, or that of the scheme."""
        is_default = self.scheme is TensorSchemeName.FRAMEWORK_DEFAULT
        return DistributionName.UNIFORM if is_default else self.distribution

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """Return what these fields say, which `check_effects` has seen."""
        values = dict(values)
        value = values.get("value")
        for scheme, same in CONSTANTS.items():
            if value == same:
                values |= {"scheme": TensorSchemeName(scheme), "value": None}
        return cls(**values)


@dataclass(frozen=True, slots=True)
class PartStart:
    """One of the tensors that lie behind each other in a file's tensor, or all of it."""

    name: str | None  # None: the whole tensor
    size: int  # along the axis of the parts
    fan_in: Number | None  # None where neither the axes nor the client say it
    fan_out: Number | None
    choice: Choice

    @property
    def fan(self) -> Fan | None:
        """Both fans, where both are known."""
        return None if self.fan_in is None or self.fan_out is None else Fan(self.fan_in, self.fan_out)


@dataclass(frozen=True, slots=True)
class Start:
    """An initialization applied to one shape."""

    axes: str | None  # None where they are not known: elements are numbered in the file's own order
    order: tuple[int, ...]  # the file's axes in canonical order
    part_axis: int | None  # None where the tensor has no parts
    parts: tuple[PartStart, ...]


def start_of(initialization: Initialization, shape: tuple[int, ...], copy_key: str | None = None) -> Start:
    """Return how a tensor of this shape starts; raise InvalidRequest where what is said does not fit it."""
    number = DTYPES[initialization.dtype]
    if initialization.part_values:
        return _constant_parts(initialization, shape)
    if initialization.scheme in ONE_VALUE or initialization.scheme is TensorSchemeName.ARANGE:
        choice = _one_value(initialization) if initialization.scheme in ONE_VALUE else _arange(initialization, shape)
        return Start(None, tuple(range(len(shape))), None, (PartStart(None, 1, None, None, choice),))
    if initialization.scheme is TensorSchemeName.IDENTITY:
        _check_value("gain", initialization.gain, initialization.dtype)
    elif not number.is_float:
        scheme = initialization.scheme
        message = f"must be a float type with scheme={scheme}: integers and bool hold constants and tables only"
        raise refused("dtype", message, initialization.dtype)
    axes = _axes(initialization, shape, copy_key)
    order = tuple(range(len(shape))) if axes is None else canonical_order(axes)
    names = initialization.parts or (None,)
    part_axis, sizes = _part_sizes(initialization, axes, shape)
    parts = []
    for name, size in zip(names, sizes, strict=True):
        sides = shape if part_axis is None else (*shape[:part_axis], size, *shape[part_axis + 1 :])
        parts.append(_part_start(initialization, name, size, axes, sides))
    most = max(part.choice.std for part in parts)
    if initialization.scheme in MATRICES:
        most = initialization.gain  # a single value can be as large
    if most > number.largest_std and number.is_float:
        message = f"must not lead to a standard deviation over {number.largest_std:g}, so that no value overflows"
        field = "std" if initialization.gain == 1 and initialization.std is not None else "gain"
        raise refused(field, f"{message} {initialization.dtype}", f"{most:g}")
    return Start(axes, order, part_axis, tuple(parts))


def _one_value(initialization: Initialization) -> Choice:
    scheme = initialization.scheme
    value = CONSTANTS[scheme] if initialization.value is None else initialization.value
    _check_value("value", value, initialization.dtype)
    return constant(scheme, value)


def _constant_parts(initialization: Initialization, shape: tuple[int, ...]) -> Start:
    """Return how a tensor starts that has one value in each of its parts."""
    axes = _axes(initialization, shape, None)
    axis, sizes = _part_sizes(initialization, axes, shape)
    parts = []
    for name, size, value in zip(initialization.parts, sizes, initialization.part_values, strict=True):
        _check_value("part_values", value, initialization.dtype)
        parts.append(PartStart(name, size, None, None, constant(initialization.scheme, value)))
    return Start(axes, canonical_order(axes or ""), axis, tuple(parts))


def _arange(initialization: Initialization, shape: tuple[int, ...]) -> Choice:
    if not shape:
        raise refused("scheme", "must be another for a scalar: arange counts along the last axis", "arange")
    if shape[-1] - 1 > DTYPES[initialization.dtype].largest:
        raise refused("dtype", f"must hold whole numbers up to {shape[-1] - 1}", initialization.dtype)
    return matrix_choices.arange(shape[-1])


def _check_value(field: str, value: float, dtype: TensorDType) -> None:
    number = DTYPES[dtype]
    if not number.smallest <= value <= number.largest or (not number.is_float and value != math.floor(value)):
        kind = "number" if number.is_float else "whole number"
        message = f"must be a {kind} from {number.smallest:.17g} to {number.largest:.17g} for {dtype}"
        raise refused(field, message, value)


def _axes(initialization: Initialization, shape: tuple[int, ...], copy_key: str | None) -> str | None:
    axes = initialization.axes
    if axes is None and len(shape) < 2:
        axes = "O"[: len(shape)]
    if axes is not None and len(axes) != len(shape):
        raise refused("axes", f"must have a letter for each of the {len(shape)} axes of {list(shape)}", axes)
    known = axes or ""
    if initialization.parts and "O" not in known:
        raise refused("parts", "needs axes with an O: parts lie behind each other on it", axes or "")
    if copy_key is not None and ("B" not in known or BLANK not in copy_key):
        message = f"needs axes with a B, and {BLANK} where the number of the copy is to stand"
        raise refused("copy_key", message, copy_key)
    kernel_axes = sum(map(known.count, KERNEL))
    strides = initialization.transposed_stride
    if strides and (not kernel_axes or len(strides) not in {1, kernel_axes}):
        message = "must be one number, or one for each kernel axis, of which there is at least one: D, H, W in axes"
        raise refused("transposed_stride", message, list(strides))
    if initialization.groups > 1 and axes is None:
        raise refused("groups", "needs axes, which say what is divided into them", initialization.groups)
    return axes


def _strides(initialization: Initialization, axes: str) -> tuple[int, ...]:
    strides = initialization.transposed_stride
    return strides * sum(map(axes.count, KERNEL)) if len(strides) == 1 else strides


def _part_sizes(
    initialization: Initialization, axes: str | None, shape: tuple[int, ...]
) -> tuple[int | None, tuple[int, ...]]:
    """Return the axis of the parts and their sizes along it."""
    parts, sizes = initialization.parts, initialization.part_sizes
    if not parts:
        return None, (1,)
    axis = (axes or "").index("O")
    side = shape[axis]
    if not sizes:
        if side % len(parts):
            message = f"must divide the {side} outputs into equal parts, or come with part_sizes"
            raise refused("parts", message, ",".join(parts))
        return axis, (side // len(parts),) * len(parts)
    if len(sizes) != len(parts) or sum(sizes) != side:
        message = f"must be a size for each of the {len(parts)} parts, {side} together"
        raise refused("part_sizes", message, list(sizes))
    return axis, sizes


def _part_start(
    initialization: Initialization, name: str | None, size: int, axes: str | None, shape: tuple[int, ...]
) -> PartStart:
    scheme, groups = initialization.scheme, initialization.groups
    fan_in, fan_out = _exact(initialization.fan_in), _exact(initialization.fan_out)
    if axes is not None and len(axes) > 1:
        strides = _strides(initialization, axes)
        letter = "I" if strides else "O"
        divided = math.prod(side for axis, side in zip(axes, shape, strict=True) if axis == letter)
        if divided % groups:
            which = "inputs" if strides else f"outputs{' of each part' if name else ''}"
            raise refused("groups", f"must divide the {divided} {which}", groups)
        fan = fan_of(axes, shape, groups, strides)
        fan_in, fan_out = fan_in or fan.inputs, fan_out or fan.outputs
    elif groups > 1:
        raise refused("groups", "must be 1 for a tensor with fewer than two axes", groups)
    if scheme in MATRICES or scheme is TensorSchemeName.IDENTITY:
        return PartStart(name, size, fan_in, fan_out, _matrix_choice(initialization, shape))
    _check_fans(initialization, shape, fan_in, fan_out)
    choice = _chosen(initialization, Fan(fan_in or 1, fan_out or 1))
    if initialization.spread is DistributionName.TRUNCATED_NORMAL:
        choice = cut(choice, initialization.where_cut)
    if axes is None:
        choice = replace(choice, reason=f"{choice.reason}; without axes, elements are numbered in the file's own order")
    return PartStart(name, size, fan_in, fan_out, choice)


def _chosen(initialization: Initialization, fan: Fan) -> Choice:
    options = Options(initialization.gain, initialization.fan, initialization.slope, initialization.alpha)
    return choose(initialization.scheme, initialization.activation, fan, initialization.std or 0.0, options)


def _matrix_choice(initialization: Initialization, shape: tuple[int, ...]) -> Choice:
    """Return what is said of a tensor of matrices, or of one of its parts."""
    scheme, axes = initialization.scheme, initialization.axes
    if axes is None or len(axes) < 2:
        message = f"is required, a letter for each of at least two axes: {scheme} needs to know rows and columns"
        raise refused("axes", message, axes or "")
    sides = tuple(shape[axis] for axis in canonical_order(axes))
    matrices = initialization.matrices
    if matrices.grouped is not None and sides[matrices.grouped] % matrices.groups:
        message = f"must divide the first axis of what they divide, {sides[matrices.grouped]}"
        raise refused("groups", message, matrices.groups)
    own = matrices.sides_in_group(sides)
    first_column = matrices.copies + matrices.rows
    rows, columns = math.prod(own[:first_column]), math.prod(own[first_column:])
    kernel = sum(map(axes.count, KERNEL))
    positions = math.prod(own[matrices.copies : matrices.copies + kernel])
    if scheme is TensorSchemeName.ORTHOGONAL:
        return matrix_choices.orthogonal(rows, columns, initialization.gain)
    if scheme is TensorSchemeName.IDENTITY:
        return matrix_choices.identity(rows, columns, positions, initialization.gain)
    if not kernel or rows // positions > columns:
        message = (
            "must be another: delta_orthogonal needs a kernel axis (D, H, W in axes), and no more inputs than outputs"
        )
        raise refused("scheme", message, f"{rows // positions} inputs and {columns} outputs of {axes}")
    return matrix_choices.delta_orthogonal(positions, columns, initialization.gain)


def _exact(number: float | None) -> Number | None:
    if number is None:
        return None
    return int(number) if number == int(number) else Fraction(number)


def _check_fans(
    initialization: Initialization, shape: tuple[int, ...], fan_in: Number | None, fan_out: Number | None
) -> None:
    """Raise InvalidRequest where the scheme counts connections that are not known."""
    scheme = initialization.scheme
    uses = fan_use(scheme, initialization.fan)
    if uses is None:
        return
    if (fan_in is not None or uses is FanUse.OUT) and (fan_out is not None or uses is FanUse.IN):
        return
    if len(shape) < 2:
        needed = "fan_in and fan_out" if uses is FanUse.BOTH else uses
        message = (
            f"must be constant, zeros or ones for a tensor with {len(shape)} axes, or come with {needed}: "
            f"{scheme} counts connections, which its shape does not say"
        )
        raise refused("scheme", message, scheme)
    raise refused("axes", _which_reading(initialization, shape), "")


def _which_reading(initialization: Initialization, shape: tuple[int, ...]) -> str:
    message = f"is required: {initialization.scheme} counts the connections of {list(shape)}, which depend on it"
    if len(shape) not in READINGS:
        return message
    readings = []
    for axes in READINGS[len(shape)]:
        fan = fan_of(axes, shape)
        choice = _chosen(initialization, fan)
        readings.append(f"{axes} means fan_in {fan.inputs}, fan_out {fan.outputs} and std {choice.std:.6g}")
    return f"{message}; {', '.join(readings)}"
