"""Which fields say something under which scheme. Any other would be a second spelling of the same tensor."""

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from service.errors import FieldError, InvalidRequest, shortened
from service.initializers.schemes import SCHEMES, FanName, FanUse, TensorSchemeName, fan_use
from service.numerics.activations import Activation
from service.numerics.recipe.distributions import DistributionName

_STRUCTURE = frozenset({"dtype", "gain", "axes", "groups", "transposed_stride", "parts", "part_sizes"})
_DRAWN = _STRUCTURE | {"key", "copy_key"}
_RANDOM = _DRAWN | {"distribution", "cut", "cut_std"}
_FANS = {
    FanUse.IN: frozenset({"fan_in"}),
    FanUse.OUT: frozenset({"fan_out"}),
    FanUse.BOTH: frozenset({"fan_in", "fan_out"}),
}
TAKES: Mapping[str, frozenset[str]] = MappingProxyType(
    {name: _RANDOM | ({"fan"} if row.leaves_fan_open else set()) for name, row in SCHEMES.items()}
    | {
        TensorSchemeName.AUTO: _RANDOM | {"activation"},
        TensorSchemeName.FIXED: _RANDOM | {"std"},
        TensorSchemeName.VARIANCE_PRESERVING: _RANDOM | {"activation", "slope", "alpha", "fan"},
        TensorSchemeName.FRAMEWORK_DEFAULT: _DRAWN,
        TensorSchemeName.ORTHOGONAL: _DRAWN,
        TensorSchemeName.DELTA_ORTHOGONAL: _DRAWN,
        TensorSchemeName.IDENTITY: _STRUCTURE,
        TensorSchemeName.ARANGE: frozenset({"dtype"}),
        TensorSchemeName.CONSTANT: frozenset({"dtype", "value", "axes", "parts", "part_sizes", "part_values"}),
        TensorSchemeName.ZEROS: frozenset({"dtype"}),
        TensorSchemeName.ONES: frozenset({"dtype"}),
    }
)
REQUIRED: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        TensorSchemeName.AUTO: ("activation", "the function of the nodes that the tensor feeds, such as relu"),
        TensorSchemeName.VARIANCE_PRESERVING: (
            "activation", "the function of the nodes that the tensor feeds, such as relu"
        ),
        TensorSchemeName.FIXED: ("std", "a number from 0 on"),
        TensorSchemeName.CONSTANT: ("value", "a number"),
    }
)  # fmt: skip
# Fields that say something beside one value of another field only.
BESIDE: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "cut": ("distribution", DistributionName.TRUNCATED_NORMAL),
        "cut_std": ("distribution", DistributionName.TRUNCATED_NORMAL),
        "slope": ("activation", Activation.LEAKY_RELU),
        "alpha": ("activation", Activation.ELU),
    }
)
ONE_VALUE = frozenset({TensorSchemeName.CONSTANT, TensorSchemeName.ZEROS, TensorSchemeName.ONES})
DRAWS_NOTHING = ONE_VALUE | {TensorSchemeName.IDENTITY, TensorSchemeName.ARANGE}
# Their values depend on each other.
MATRICES = frozenset({TensorSchemeName.ORTHOGONAL, TensorSchemeName.DELTA_ORTHOGONAL})


def takes(scheme: str, fan: FanName = FanName.IN) -> frozenset[str]:
    """Return the fields that say something under a scheme."""
    uses = fan_use(scheme, fan)
    return TAKES[scheme] if uses is None else TAKES[scheme] | _FANS[uses]


def without_effect(scheme: str, said: Mapping[str, Any], others: Collection[object]) -> Iterable[FieldError]:
    """Return what is wrong with fields that are said beside other values: activations and a distribution."""
    known = takes(scheme, said.get("fan", FanName.IN))
    for field, value in said.items():
        if field not in known:
            yield FieldError(field, f"has no effect with scheme={scheme}: leave it out", shortened(value))
    yield from without_other({field: value for field, value in said.items() if field in known}, others)


def without_other(said: Mapping[str, Any], others: Collection[object]) -> Iterable[FieldError]:
    """Return what is wrong with fields that say something beside another value only, which is not among these."""
    for field, value in said.items():
        other, needed = BESIDE.get(field, ("", ""))
        if needed and needed not in others:
            yield FieldError(field, f"has no effect without {other}={needed}: leave it out", shortened(value))


def check_effects(values: Mapping[str, Any]) -> None:
    """Raise InvalidRequest where a field has no effect under the scheme, or one that it needs is missing."""
    scheme = values.get("scheme", TensorSchemeName.AUTO)
    said = {field: value for field, value in values.items() if field != "scheme"}
    errors = list(without_effect(scheme, said, {values.get("activation"), values.get("distribution")}))
    if scheme in REQUIRED:
        field, allowed = REQUIRED[scheme]
        if values.get(field) is None and "part_values" not in values:
            errors.append(FieldError(field, f"is required with scheme={scheme}: {allowed}"))
    if scheme == TensorSchemeName.CONSTANT:
        errors += _of_parts(values)
    if "part_sizes" in values and "parts" not in values:
        errors.append(FieldError("part_sizes", "goes with parts, and only with them"))
    if "key" in values and "copy_key" in values:
        errors.append(FieldError("key", "must be left out where copy_key names each copy's", shortened(values["key"])))
    if errors:
        raise InvalidRequest(tuple(errors))


def _of_parts(values: Mapping[str, Any]) -> Iterable[FieldError]:
    """Return what is wrong with a constant for each part."""
    if "part_values" not in values:
        for field in ("axes", "parts", "part_sizes"):
            if field in values:
                yield FieldError(field, "has no effect without part_values: leave it out", shortened(values[field]))
    elif "value" in values:
        yield FieldError(
            "value", "must be left out where part_values has one for each part", shortened(values["value"])
        )
    elif len(values["part_values"]) != len(values.get("parts", ())):
        yield FieldError("part_values", "must be a number for each of the parts", shortened(values["part_values"]))
