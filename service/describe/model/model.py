"""A model: tensors, and the rules that say how they start. Read strictly from JSON."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from service.describe.fields import (
    TENSOR_FIELDS,
    Field,
    Spelling,
    number,
    read_fields,
    read_query,
    refused,
    text,
    whole,
)
from service.describe.model.families import FAMILIES, FIELDS
from service.describe.model.families.family import Family, Kind
from service.describe.model.patterns import Names
from service.describe.model.rule import SHARED, Rule
from service.describe.network import RECIPE
from service.describe.tensor import DEFAULTS, RECIPES, SEED, SHAPE, checked_name, checked_shape
from service.errors import MalformedBody, TooLarge, shortened
from service.numerics.dtypes import TensorDType


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one model may hold."""

    tensors: int
    rules: int  # of the client


class Entry(NamedTuple):
    """One tensor of the list."""

    name: str
    shape: tuple[int, ...]
    dtype: TensorDType | None  # None: the rule's, or the model's


@dataclass(frozen=True)
class Model:
    """What a client says of a model: names made from ranges, the family's rules behind the client's own."""

    seed: int | None  # None: the service draws one
    recipe: int
    shared: Mapping[str, Any]  # what rules leave open; without what is at its default
    format: str | None  # what safetensors files state as their format
    entries: tuple[Entry, ...]
    rules: tuple[Rule, ...]
    family: str | None  # whose rules stand behind the client's
    own_rules: int  # the client's


def _format(value: object) -> str:
    if value not in FORMATS:
        raise ValueError(f"must be one of {', '.join(FORMATS)}")
    return str(value)


def _family(value: object) -> str:
    if not isinstance(value, str) or value not in FAMILIES:
        raise ValueError(f"must be one of {', '.join(FAMILIES)}")
    return value


FORMATS: Final = ("pt", "tf", "flax", "np", "mlx")
KINDS: Final[Mapping[Kind, Field]] = MappingProxyType(
    {
        Kind.COUNT: Field(Spelling.INTEGER, whole(1, 2**31 - 1)),
        Kind.NUMBER: Field(Spelling.NUMBER, number(0)),
        Kind.SWITCH: Field(Spelling.INTEGER, whole(0, 1)),
    }
)
HEAD_FIELDS: Final[Mapping[str, Field]] = MappingProxyType(
    {"seed": SEED, "recipe": RECIPES}
    | {field: TENSOR_FIELDS[field] for field in SHARED}
    | {"format": Field(Spelling.TEXT, _format), "family": Field(Spelling.TEXT, _family)}
    | {name: KINDS[field.kind] for name, field in FIELDS.items()}
)
ENTRY_REQUIRED: Final = frozenset({"name", "shape"})
ENTRY_READERS: Final[Mapping[str, Field]] = MappingProxyType({"shape": SHAPE, "dtype": TENSOR_FIELDS["dtype"]})
ENTRY_FIELDS: Final = ENTRY_REQUIRED | ENTRY_READERS.keys()
LISTS: Final = ("tensors", "rules")


def model_in_body(body: bytes, limits: Limits) -> Model:
    """Return the model that a JSON object describes; raise MalformedBody, InvalidRequest or TooLarge."""
    try:
        found = json.loads(body, object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError) as error:
        raise MalformedBody(f"The body cannot be read as JSON: {error}.") from None
    if not isinstance(found, dict):
        raise MalformedBody(f"The body must be a JSON object, not {shortened(found)}.")
    tensors, rules = found.pop("tensors", None), found.pop("rules", [])
    known = f"must be a list; known fields are {', '.join((*LISTS, *HEAD_FIELDS))}"
    if not isinstance(tensors, list) or not tensors:
        raise refused("tensors", f"must be a list of objects with name and shape, not empty; {known}", "")
    if not isinstance(rules, list):
        raise refused("rules", known, rules)
    return _model(read_fields(HEAD_FIELDS, found), _entries(tensors, limits), rules, limits)


def model_of_tensors(found: Mapping[str, str], entries: Iterable[Entry], limits: Limits) -> Model:
    """Return the model of these tensors whose family, seed and defaults are query parameters."""
    tensors = tuple(entries)
    if not tensors:
        raise refused("tensors", "must be at least one")
    for entry in tensors:
        checked_name(entry.name)
        checked_shape(entry.shape, entry.name)
    return _model(read_query(HEAD_FIELDS, found), tensors, [], limits)


def _model(head: Mapping[str, Any], entries: tuple[Entry, ...], own: Sequence[object], limits: Limits) -> Model:
    if len(entries) > limits.tensors:
        raise TooLarge("tensors in one model", len(entries), limits.tensors, "model_tensors")
    if len(own) > limits.rules:
        raise TooLarge("rules in one model", len(own), limits.rules, "model_rules")
    _check_names([entry.name for entry in entries])
    shared = {field: head[field] for field in SHARED if field in head and head[field] != DEFAULTS[field]}
    rules = []
    for number_of, rule in enumerate(own):
        if not isinstance(rule, dict):
            raise refused(f"rules.{number_of}", "must be an object with match and other fields", rule)
        rules.append(Rule.of(rule, shared, f"rules.{number_of}."))
    family = FAMILIES[head["family"]] if "family" in head else None
    values = _family_values(head, family)
    if family is not None:
        rules += [_of_family(family, rule, shared) for rule in family.rules_for(values)]
    return Model(
        head.get("seed"),
        head.get("recipe", RECIPE),
        shared,
        head.get("format", family.format if family else None),
        entries,
        tuple(rules),
        family.name if family else None,
        len(own),
    )


def _family_values(head: Mapping[str, Any], family: Family | None) -> Mapping[str, float]:
    """Return what the family takes beside the shapes."""
    given = {field: head[field] for field in FIELDS if field in head}
    takes = family.fields if family else ()
    for field, value in given.items():
        if field not in takes:
            which = f"the family {family.name} does not take it" if family else "it goes with a family"
            raise refused(field, f"has no effect: {which}", value)
    values = {**(family.defaults if family else {}), **given}
    for field in takes:
        if field not in values:
            raise refused(field, f"is required with this family: {FIELDS[field].meaning}")
    return values


def _of_family(family: Family, found: Mapping[str, object], shared: Mapping[str, Any]) -> Rule:
    """Return a rule that stands behind the client's, and so may take no tensor."""
    fields = {field: list(value) if isinstance(value, tuple) else value for field, value in found.items()}
    return Rule.of({**fields, "optional": True}, shared, f"family {family.name}, {found['match']}: ")


def _entries(tensors: list[object], limits: Limits) -> tuple[Entry, ...]:
    """Return the tensors of a list, their ranges counted before a name is made."""
    reader = _EntryReader()
    read = [reader.entry(place, tensor) for place, tensor in enumerate(tensors)]
    count = sum(names.how_many for names, _, _ in read)
    if count > limits.tensors:
        raise TooLarge("tensors in one model", count, limits.tensors, "model_tensors")
    return tuple(Entry(checked_name(name), shape, dtype) for names, shape, dtype in read for name in names.each())


class _EntryReader:
    """Reads entries; what is spelled alike in many is read once."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, str], Any] = {}

    def entry(self, place: int, tensor: object) -> tuple[Names, tuple[int, ...], TensorDType | None]:
        if not isinstance(tensor, dict) or not ENTRY_FIELDS >= tensor.keys() >= ENTRY_REQUIRED:
            raise refused(f"tensors.{place}", "must be an object with name, shape and, at will, dtype", tensor)
        name = tensor["name"]
        try:
            names = Names.of(text(name))
        except ValueError as error:
            raise refused(f"tensors.{place}.name", str(error), name) from None
        shape = self._value(place, "shape", tensor["shape"])
        return names, shape, self._value(place, "dtype", tensor["dtype"]) if "dtype" in tensor else None

    def _value(self, place: int, field: str, value: object) -> Any:
        spelled = field, repr(value)
        if spelled not in self.known:
            try:
                read: Any = ENTRY_READERS[field].read(value)
            except ValueError as error:
                raise refused(f"tensors.{place}.{field}", str(error), value) from None
            self.known[spelled] = checked_shape(read, f"tensors.{place}.shape") if field == "shape" else read
        return self.known[spelled]


def _check_names(names: Sequence[str]) -> None:
    """Raise InvalidRequest where two tensors have one name, or a name would be a folder of another."""
    known = set(names)
    if len(known) < len(names):
        seen: set[str] = set()
        repeated = next(name for name in names if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise refused("tensors", "must have different names", repeated)
    # Before every other character, so that what a name is a folder of follows it at once.
    ordered = sorted(name.replace("/", "\0") for name in names)
    for folder, name in pairwise(ordered):
        if name.startswith(f"{folder}\0"):
            message = f"must not hold {_shown(folder)}, which is a prefix of another at a /"
            raise refused("tensors", message, _shown(name))


def _shown(name: str) -> str:
    return shortened(name.replace("\0", "/"))


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        repeated = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise refused(shortened(repeated), "must be given once")
    return found
