"""From a model's rules to the description of each of its tensors, each of which then stands alone.

1. The first rule that matches a name, and the rank where it states one, takes the tensor.
2. A rule's fields, with the numbers that the names give (`$n`, the layer), describe the tensors that it takes.
3. A bias under framework_default takes the fan_in of the one weight with its prefix.
4. A tied tensor takes all but its name from its target.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, NamedTuple

from service.describe.effects import DRAWS_NOTHING, check_effects
from service.describe.fields import refused, text
from service.describe.initialization import Initialization, Start, start_of
from service.describe.model.model import Entry, Model
from service.describe.model.patterns import filled, matched
from service.describe.model.rule import DepthScale, Rule
from service.describe.tensor import TensorDescription
from service.errors import FieldError, InvalidRequest, shortened
from service.initializers.schemes import TensorSchemeName
from service.numerics.dtypes import TensorDType

MOST_NAMES_SHOWN: Final = 5
LAYER = re.compile(r"(?:^|[./])([0-9]+)(?=[./]|$)")


class Taken(NamedTuple):
    """Which rule took a tensor, and what its stars matched."""

    rule: int
    found: tuple[str, ...]


class ResolvedTensor(NamedTuple):
    """One tensor of the model's file."""

    tensor: TensorDescription
    rule: int  # that took it


@dataclass(frozen=True)
class ResolvedModel:
    """A model whose tensors all stand alone."""

    model: Model
    takings: tuple[Taken, ...]  # of all tensors of the model's list
    tensors: tuple[ResolvedTensor, ...]  # without those left out of the file
    dtypes: Mapping[int, TensorDType]  # of all that have one of their own or of a rule, by place in the model's list

    @cached_property
    def counts(self) -> Mapping[int, int]:
        """How many tensors each rule took."""
        return Counter(taken.rule for taken in self.takings)


def resolved(model: Model) -> ResolvedModel:
    """Return the description of each tensor; raise InvalidRequest where a rule or a tensor is left over."""
    return _Resolving(model, _takings(model)).resolved()


def _takings(model: Model) -> tuple[Taken, ...]:
    conditions = [(rule.pattern, rule.rank) for rule in model.rules]
    takings: list[Taken] = []
    left = []
    for entry in model.entries:
        for number, (pattern, rank) in enumerate(conditions):
            if rank in {None, len(entry.shape)} and (found := matched(pattern, entry.name)) is not None:
                takings.append(Taken(number, found))
                break
        else:
            left.append(entry.name)
    if left:
        message = f"must take every tensor; none matches {_some(left)}"
        raise refused("rules", message, len(left))
    used = {taken.rule for taken in takings}
    unused = [n for n, rule in enumerate(model.rules) if n not in used and not rule.may_take_none]
    if unused:
        raise InvalidRequest(tuple(_takes_none(model, takings, number) for number in unused[:20]))
    return tuple(takings)


def _takes_none(model: Model, takings: Sequence[Taken], number: int) -> FieldError:
    rule = model.rules[number]
    names = [
        place
        for place, entry in enumerate(model.entries)
        if rule.rank in {None, len(entry.shape)} and matched(rule.pattern, entry.name) is not None
    ]
    with_rank = "" if rule.rank is None else f" of a tensor with {rule.rank} axes"
    message = f"must take a tensor: it matches no name{with_rank}"
    if names:
        earlier = sorted({takings[place].rule for place in names})
        which = ", ".join(f"rules.{n} ({model.rules[n].match})" for n in earlier[:MOST_NAMES_SHOWN])
        message = f"must take a tensor: all that it matches are taken before, by {which}"
    return FieldError(f"rules.{number}.match", message, shortened(rule.match))


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(map(shortened, names[:MOST_NAMES_SHOWN]))
    return shown if len(names) <= MOST_NAMES_SHOWN else f"{shown} and {len(names) - MOST_NAMES_SHOWN} more"


class _Resolving:
    """The work on one model: descriptions by place in its list."""

    def __init__(self, model: Model, takings: tuple[Taken, ...]) -> None:
        self.model = model
        self.takings = takings
        self.places = {entry.name: place for place, entry in enumerate(model.entries)}
        self.described: dict[int, TensorDescription] = {}
        # Tensors of one rule, shape and dtype start alike but for their names.
        self.starts: dict[tuple[object, ...], tuple[Initialization, Start]] = {}
        self.layer_counts: dict[int, int] = {}

    def resolved(self) -> ResolvedModel:
        # Told once for each rule, of which there are few.
        skips = [rule.skips for rule in self.model.rules]
        ties = [rule.tie is not None for rule in self.model.rules]
        kept = [place for place, taken in enumerate(self.takings) if not skips[taken.rule]]
        biases = []
        for place in kept:
            if not ties[self.takings[place].rule]:
                if self._needs_weight(place):
                    biases.append(place)
                else:
                    self._describe(place)
        for place in biases:
            self._describe(place, self._fan_of_weight(place))
        for place in kept:
            if place not in self.described:
                self.described[place] = self._tied(place)
        if not kept:
            raise refused("rules", "must leave a tensor in the file: all are skipped")
        tensors = tuple(ResolvedTensor(self.described[place], self.takings[place].rule) for place in kept)
        dtypes = {place: tensor.initialization.dtype for place, tensor in self.described.items()}
        return ResolvedModel(self.model, self.takings, tensors, dtypes)

    def _needs_weight(self, place: int) -> bool:
        if len(self.model.entries[place].shape) > 1:
            return False
        values = self.model.rules[self.takings[place].rule].values
        return values.get("scheme") is TensorSchemeName.FRAMEWORK_DEFAULT and "fan_in" not in values

    def _describe(self, place: int, fan_in: float | None = None) -> TensorDescription:
        """Describe a tensor that its rule gives values of its own."""
        entry, taken = self.model.entries[place], self.takings[place]
        rule = self.model.rules[taken.rule]
        gain = self._gain(place, rule) if "depth_scale" in rule.said else rule.values.get("gain", 1.0)
        kind = (taken.rule, entry.shape, entry.dtype, gain, fan_in)
        if kind not in self.starts:
            self.starts[kind] = self._start(entry, taken.rule, gain, fan_in)
        initialization, start = self.starts[kind]
        key, copy_key = self._named(rule, "key", taken), self._named(rule, "copy_key", taken)
        described = TensorDescription(entry.name, entry.shape, initialization, start, key, copy_key)
        self.described[place] = described
        return described

    def _start(self, entry: Entry, number: int, gain: float, fan_in: float | None) -> tuple[Initialization, Start]:
        values: dict[str, Any] = {k: v for k, v in self.model.rules[number].values.items() if k != "copy_key"}
        copy_key = self.model.rules[number].values.get("copy_key")
        values.pop("key", None)
        if gain != 1:
            values["gain"] = gain
        if fan_in is not None:
            values["fan_in"] = fan_in
        if entry.dtype is not None:
            values["dtype"] = entry.dtype
        try:
            check_effects(values)
            initialization = Initialization(**values)
            return initialization, start_of(initialization, entry.shape, copy_key)
        except InvalidRequest as error:
            raise self._of_tensor(error, entry, number) from None

    def _of_tensor(self, error: InvalidRequest, entry: Entry, number: int) -> InvalidRequest:
        where = f"for {shortened(entry.name)}, which the rule {shortened(self.model.rules[number].match)} takes"
        return InvalidRequest(
            tuple(FieldError(f"rules.{number}.{e.field}", f"{e.message} ({where})", e.value) for e in error.errors)
        )

    def _named(self, rule: Rule, field: str, taken: Taken) -> str | None:
        template = rule.values.get(field)
        if template is None:
            return None
        try:
            return text(filled(template, taken.found))
        except ValueError as error:
            raise refused(f"rules.{taken.rule}.{field}", str(error), template) from None

    # Layers

    def _gain(self, place: int, rule: Rule) -> float:
        gain: float = rule.values.get("gain", 1.0)
        if rule.depth_scale is DepthScale.INDEX:
            layers = self._layer(place)[1] + 1
        else:
            layers = self._layers(self.takings[place].rule)
        # One number, since a tensor's link has one: the base is multiplied by it.
        return gain * (1 / math.sqrt(2 * layers))

    def _layers(self, number: int) -> int:
        """Return how many layers the tensors of a rule belong to."""
        if number not in self.layer_counts:
            stated: int | None = self.model.rules[number].said.get("layer_count")
            places = (place for place, taken in enumerate(self.takings) if taken.rule == number)
            self.layer_counts[number] = stated or len({self._layer(place) for place in places})
        return self.layer_counts[number]

    def _layer(self, place: int) -> tuple[str, int]:
        """Return the layer of a tensor: the text before its number, and the number."""
        entry, taken = self.model.entries[place], self.takings[place]
        rule = self.model.rules[taken.rule]
        if "depth_index" in rule.said:
            star = int(rule.said["depth_index"][1:]) - 1
            number = taken.found[star]
            before = sum(map(len, rule.pattern[: star + 1])) + sum(map(len, taken.found[:star]))
            if number.isascii() and number.isdigit():
                return entry.name[:before], int(number)
            message = f"must name a * that matches digits alone, not as in {shortened(entry.name)}"
            raise refused(f"rules.{taken.rule}.depth_index", message, number)
        match = LAYER.search(entry.name)
        if match is None:
            message = (
                f"needs a layer's number in the name, digits between . or /, which {shortened(entry.name)} "
                "does not have; depth_index names another place"
            )
            raise refused(f"rules.{taken.rule}.depth_scale", message, rule.depth_scale)
        return entry.name[: match.start(1)], int(match[1])

    # Biases

    @cached_property
    def _weights(self) -> Mapping[str, list[int]]:
        """Places of tensors with two axes or more, by the prefix of their names."""
        weights: dict[str, list[int]] = defaultdict(list)
        for place, entry in enumerate(self.model.entries):
            if len(entry.shape) > 1:
                weights[_prefix(entry.name)].append(place)
        return weights

    def _fan_of_weight(self, place: int) -> float:
        """Return the fan_in of the one weight that has a bias's prefix."""
        entry = self.model.entries[place]
        weights = self._weights.get(_prefix(entry.name), [])
        if len(weights) == 1:
            weight = self.described.get(weights[0]) or self._resolve(weights[0])
            fan_in = weight.start.parts[0].fan_in
            if fan_in is not None:
                return float(fan_in)
            message = f"of {weight.name} is not known: say its axes, or fan_in here"
        else:
            names = _some([self.model.entries[weight].name for weight in weights]) or "none"
            message = (
                f"is required: framework_default takes it from the one weight beside {entry.name}; there are {names}"
            )
        raise refused(f"rules.{self.takings[place].rule}.fan_in", message, "")

    def _resolve(self, place: int) -> TensorDescription:
        """Describe a tensor that is tied, or left out of the file."""
        if place in self.described:
            return self.described[place]
        if self.model.rules[self.takings[place].rule].tie is not None:
            return self._tied(place)
        return self._describe(place, self._fan_of_weight(place) if self._needs_weight(place) else None)

    # Ties

    def _tied(self, place: int) -> TensorDescription:
        """Return the description of a tied tensor: its target's, under its own name."""
        entry = self.model.entries[place]
        passed = [place]
        while (template := self.model.rules[self.takings[passed[-1]].rule].tie) is not None:
            taken = self.takings[passed[-1]]
            field, name = f"rules.{taken.rule}.tie", filled(template, taken.found)
            if name not in self.places:
                message = f"must name a tensor of the model, for {self.model.entries[passed[-1]].name}"
                raise refused(field, message, name)
            if self.places[name] in passed:
                raise refused(field, f"must not lead back to {name}", template)
            passed.append(self.places[name])
            if self.model.entries[passed[-1]].shape != entry.shape:
                message = f"must have the shape of {entry.name}, {list(entry.shape)}"
                raise refused(field, message, f"{name}: {list(self.model.entries[passed[-1]].shape)}")
        target = self._resolve(passed[-1])
        dtype = target.initialization.dtype
        for other in passed[:-1]:
            own = self.model.entries[other].dtype
            if own not in {None, dtype}:
                message = f"must be left out or {dtype}, as that of {target.name}, to which it is tied"
                raise refused(f"tensors, {self.model.entries[other].name}, dtype", message, own)
        draws_by_name = target.copy_key is None and target.initialization.scheme not in DRAWS_NOTHING
        key = target.key or (target.name if draws_by_name else None)
        return target._replace(name=entry.name, key=key)


def _prefix(name: str) -> str:
    return name[: max(name.rfind("."), name.rfind("/")) + 1]
