"""A rule: which tensors it takes by their names, and how they start."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, Self

from service.describe.effects import TAKES, check_effects
from service.describe.fields import (
    LARGEST_SIDE,
    MOST_AXES,
    TENSOR_FIELDS,
    Field,
    Spelling,
    one_of,
    read_fields,
    refused,
    text,
    whole,
)
from service.describe.model.patterns import MOST_STARS, highest_place
from service.describe.tensor import DEFAULTS, one_stride
from service.errors import FieldError, InvalidRequest
from service.initializers.schemes import CONSTANTS, TensorSchemeName


class DepthScale(StrEnum):
    """What a residual output's spread is divided by: sqrt(2 * layers), or sqrt(2 * (index + 1))."""

    NONE = "none"
    TOTAL = "total"
    INDEX = "index"


def _switch(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")  # noqa: TRY004  # readers raise ValueError alone
    return value


def _place(value: object) -> str:
    if not isinstance(value, str) or value not in PLACES:
        raise ValueError(f"must be one of {', '.join(PLACES)}: what that * of match stands for")
    return value


def _pattern(value: object) -> str:
    read = text(value)
    if read.count("*") > MOST_STARS:
        raise ValueError(f"must have at most {MOST_STARS} stars")
    return read


PLACES: Final = tuple(f"${number}" for number in range(1, MOST_STARS + 1))
OWN_FIELDS: Final[Mapping[str, Field]] = MappingProxyType(
    {
        "match": Field(Spelling.TEXT, _pattern),
        "rank": Field(Spelling.INTEGER, whole(0, MOST_AXES)),
        "depth_scale": Field(Spelling.TEXT, one_of(DepthScale)),
        "layer_count": Field(Spelling.INTEGER, whole(1, LARGEST_SIDE)),
        "depth_index": Field(Spelling.TEXT, _place),
        "tie": Field(Spelling.TEXT, text),
        "skip": Field(Spelling.SWITCH, _switch),
        "optional": Field(Spelling.SWITCH, _switch),
    }
)
RULE_FIELDS: Final[Mapping[str, Field]] = MappingProxyType({**OWN_FIELDS, **TENSOR_FIELDS})
RULE_DEFAULTS: Final[Mapping[str, object]] = MappingProxyType(
    {**DEFAULTS, "rank": None, "depth_scale": DepthScale.NONE, "layer_count": None, "depth_index": None}
    | {"tie": None, "skip": False, "optional": False}
)
TEMPLATES: Final = ("key", "copy_key", "tie", "depth_index")
# What a model may say for all rules that leave it open.
SHARED: Final = ("scheme", "activation", "distribution", "dtype")


@dataclass(frozen=True, slots=True)
class Rule:
    """What a rule says, in its one spelling: what is at its default, or at the model's, is left out."""

    match: str
    pattern: tuple[str, ...]  # the texts between its stars
    said: Mapping[str, Any]  # fields of RULE_FIELDS but match
    values: Mapping[str, Any]  # fields of TENSOR_FIELDS, with what the model says for all
    shared: frozenset[str]  # the fields that come from the model

    @classmethod
    def of(cls, found: Mapping[str, object], shared: Mapping[str, Any], prefix: str) -> Self:
        """Return the rule that a JSON object states; raise InvalidRequest, its fields named behind the prefix."""
        said: dict[str, Any] = read_fields(RULE_FIELDS, found, prefix)
        if "match" not in said:
            raise refused(f"{prefix}match", "is required: a name, in which * stands for any run of characters")
        match = said.pop("match")
        try:
            return cls._checked(match, said, shared)
        except InvalidRequest as error:
            raise _behind(prefix, error) from None

    @classmethod
    def _checked(cls, match: str, said: dict[str, Any], shared: Mapping[str, Any]) -> Self:
        for field in TEMPLATES:
            if highest_place(said.get(field) or "") > match.count("*"):
                raise refused(field, f"must use no $n beyond the {match.count('*')} stars of match", said[field])
        scheme = said.get("scheme", shared.get("scheme", TensorSchemeName.AUTO))
        inherited = {
            field: value for field, value in shared.items() if field in TAKES[scheme] or field in {"scheme", "dtype"}
        }
        own = {field: value for field, value in said.items() if field in TENSOR_FIELDS}
        values = inherited | own
        _check_own(said, scheme)
        if "tie" not in said and not ("skip" in said and not own):
            check_effects(values)
        canonical = _canonical(said, values, shared)
        if "transposed_stride" in canonical:
            canonical["transposed_stride"] = one_stride(canonical["transposed_stride"])
        values = _canonical(values, values, {})
        return cls(match, tuple(match.split("*")), canonical, values, frozenset(inherited) - canonical.keys())

    @property
    def rank(self) -> int | None:
        """How many axes the tensors have that it takes; None where any number will do."""
        rank: int | None = self.said.get("rank")
        return rank

    @property
    def depth_scale(self) -> DepthScale:
        """How the spread depends on the layer."""
        scale: DepthScale = self.said.get("depth_scale", DepthScale.NONE)
        return scale

    @property
    def tie(self) -> str | None:
        """The template of the name whose values the tensors have; None where they have their own."""
        tie: str | None = self.said.get("tie")
        return tie

    @property
    def skips(self) -> bool:
        """Whether the tensors are left out of the file."""
        return "skip" in self.said

    @property
    def may_take_none(self) -> bool:
        """Whether it is no error that the rule takes no tensor."""
        return "optional" in self.said


def _check_own(said: Mapping[str, Any], scheme: TensorSchemeName) -> None:
    scale = said.get("depth_scale", DepthScale.NONE)
    errors = []
    if "tie" in said:
        others = said.keys() - {"rank", "tie", "optional"}
        errors += [FieldError(field, "has no effect with tie: everything comes from its target") for field in others]
    elif scale is not DepthScale.NONE and "gain" not in TAKES[scheme]:
        errors.append(FieldError("depth_scale", f"has no effect with scheme={scheme}: leave it out", scale))
    if "layer_count" in said and scale is not DepthScale.TOTAL:
        errors.append(FieldError("layer_count", "goes with depth_scale total, and only with it"))
    if "depth_index" in said and (scale is DepthScale.NONE or "layer_count" in said):
        errors.append(FieldError("depth_index", "goes with a depth_scale that has no layer_count"))
    if errors:
        raise InvalidRequest(tuple(errors))


def _canonical(said: Mapping[str, Any], values: Mapping[str, Any], shared: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields in their one spelling."""
    fields = dict(said)
    if values.get("scheme") is TensorSchemeName.CONSTANT:
        for scheme, value in CONSTANTS.items():
            if fields.get("value") == value:
                fields = {field: old for field, old in fields.items() if field != "value"}
                fields["scheme"] = TensorSchemeName(scheme)
    defaults = {**RULE_DEFAULTS, **shared}
    return {field: value for field, value in fields.items() if value != defaults[field]}


def _behind(prefix: str, error: InvalidRequest) -> InvalidRequest:
    return InvalidRequest(tuple(FieldError(f"{prefix}{e.field}", e.message, e.value) for e in error.errors))
