"""What a family is: the rules that one library follows for one kind of model."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

# A rule as a client would write it in JSON: field names to texts, numbers, booleans, and lists of texts or integers.
RuleFields = Mapping[str, object]
Rules = tuple[RuleFields, ...]


class Kind(StrEnum):
    """Which numbers a field takes."""

    COUNT = "count"  # a whole number from 1 on
    NUMBER = "number"  # any from 0 on
    SWITCH = "switch"  # 0 or 1


@dataclass(frozen=True, slots=True)
class Field:
    """What no shape holds."""

    kind: Kind
    meaning: str


@dataclass(frozen=True, slots=True)
class Family:
    """Rules that stand behind a client's own; the first that matches a tensor's name takes it."""

    name: str
    follows: str  # library, version, and the files in it that the rules were read from
    format: str | None  # what safetensors files of the library state as their format; None where it writes none
    fields: tuple[str, ...]  # what no shape holds: names of FIELDS, which a client gives beside `family`
    rules: Rules | Callable[[Mapping[str, float]], Rules]  # fixed, or made from the values of `fields`
    defaults: Mapping[str, float] = field(default_factory=dict)  # of those of `fields` that may be left out

    def rules_for(self, values: Mapping[str, float]) -> Rules:
        """Return the rules; `values` has a number for each of `fields`."""
        return self.rules(values) if callable(self.rules) else self.rules
