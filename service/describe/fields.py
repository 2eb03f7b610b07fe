"""The fields of tensors and rules, one row each: how a value is read, strictly, from JSON or from a query.

A reader raises ValueError with what is allowed. Lists are lists in JSON, and joined by commas in a query.
"""

import math
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from service.errors import FieldError, InvalidRequest, shortened
from service.initializers.fans import CANONICAL, KERNEL
from service.initializers.schemes import FanName, TensorSchemeName
from service.numerics.activations import Activation
from service.numerics.dtypes import TensorDType
from service.numerics.recipe.distributions import CUT_STDS, CutStd, DistributionName

INTEGER = re.compile(r"0|-?[1-9][0-9]{0,30}")
NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,4})?")
PART = re.compile(r"[A-Za-z0-9_.\-]{1,64}")
# Names that need no closer look, as nearly all are.
PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_.\-]{0,500}")
# C0, DEL and C1.
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")

LARGEST_SIDE: Final = 2**31 - 1
MOST_PARTS: Final = 256
MOST_AXES: Final = 8
MOST_NAME_BYTES: Final = 512
MOST_SLOPE: Final = 1e6  # of leaky_relu, and alpha of elu

Read = Callable[[object], object]


class Spelling(StrEnum):
    """What a field is in JSON, and so how its text in a query is cut."""

    TEXT = "text"
    NUMBER = "number"
    INTEGER = "integer"
    TEXTS = "texts"
    INTEGERS = "integers"
    NUMBERS = "numbers"
    SWITCH = "switch"


@dataclass(frozen=True, slots=True)
class Field:
    """How one field is read and written."""

    spelling: Spelling
    read: Read  # from JSON; raises ValueError with what is allowed


def refused(field: str, message: str, value: object = "") -> InvalidRequest:
    """Return the failure of one field."""
    return InvalidRequest((FieldError(field, message, shortened(value)),))


def number_text(number: float) -> str:
    """Return a finite number as JSON's canonical form writes it (RFC 8785, section 3.2.2.3)."""
    if number == int(number) and abs(number) < 1e21:
        return str(int(number))
    mantissa, _, exponent = repr(float(number)).partition("e")
    if exponent and not 1e-6 <= abs(number) < 1e21:
        return f"{mantissa}e{int(exponent):+d}"
    return format(Decimal(repr(float(number))), "f")


def from_text(text: str, spelling: Spelling) -> object:
    """Return a query's text as JSON would have it; what is not canonical stays text, which its reader refuses."""
    match spelling:
        case Spelling.INTEGER:
            return _integer(text)
        case Spelling.NUMBER:
            return _number(text)
        case Spelling.NUMBERS:
            return [_number(part) for part in text.split(",")] if text else []
        case Spelling.INTEGERS:
            return [_integer(part) for part in text.split(",")] if text else []
        case Spelling.TEXTS:
            return text.split(",") if text else []
        case _:
            return text


def to_text(value: object) -> str:
    """Return a value as a query has it."""
    if isinstance(value, tuple):
        return ",".join(map(to_text, value))
    return number_text(value) if isinstance(value, int | float) else str(value)


def _number(text: str) -> float | str:
    return float(text) if NUMBER.fullmatch(text) else text


def _integer(text: str) -> int | str:
    return int(text) if INTEGER.fullmatch(text) else text


def whole(least: int, most: int) -> Read:
    """Return the reader of a whole number."""

    def read(value: object) -> int:
        if type(value) is not int or not least <= value <= most:
            raise ValueError(f"must be a whole number from {least} to {most}, digits only")
        return value

    return read


def wholes(least: int, most: int, longest: int) -> Read:
    """Return the reader of a list of whole numbers."""

    def read(value: object) -> tuple[int, ...]:
        if not isinstance(value, list) or len(value) > longest:
            raise ValueError(f"must be a list of at most {longest} whole numbers")
        if not all(type(item) is int and least <= item <= most for item in value):
            raise ValueError(f"must be whole numbers from {least} to {most}, digits only")
        return tuple(value)

    return read


def some(read: Read) -> Read:
    """Return the reader of a list that must not be empty."""

    def read_some(value: object) -> object:
        if not value:
            raise ValueError("must not be empty")
        return read(value)

    return read_some


def number(least: float, most: float = sys.float_info.max) -> Read:
    """Return the reader of a finite number within these bounds."""
    bounds = "of any sign" if least == -most else f"from {least:g} " + ("on" if most > 1e300 else f"to {most:g}")

    def read(value: object) -> float:
        if isinstance(value, int | float) and not isinstance(value, bool):
            try:
                real = float(value)
            except OverflowError:
                real = math.inf
            if least <= real <= most:
                return real + 0.0  # makes -0.0, which would be another spelling of 0, 0.0
        raise ValueError(f"must be a finite number {bounds}, such as 0.01 or 1e-3")

    return read


def cut(value: object) -> float:
    """Read where truncated_normal is cut."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value not in CUT_STDS:
        raise ValueError(f"must be one of {', '.join(map(number_text, CUT_STDS))}")
    return float(value)


def numbers(longest: int) -> Read:
    """Return the reader of a list of finite numbers."""
    read_one = number(-sys.float_info.max)

    def read(value: object) -> tuple[float, ...]:
        if not isinstance(value, list) or not 0 < len(value) <= longest:
            raise ValueError(f"must be a list of 1 to {longest} numbers")
        return tuple(read_one(item) for item in value)  # type: ignore[misc]

    return read


def one_of(names: type[StrEnum]) -> Read:
    """Return the reader of one of some names."""
    members = {str(name): name for name in names}

    def read(value: object) -> StrEnum:
        if not isinstance(value, str) or value not in members:
            raise ValueError(f"must be one of {', '.join(members)}")
        return members[value]

    return read


def axes(value: object) -> str:
    """Read the letters of a tensor's axes."""
    if not isinstance(value, str) or not set(value) <= CANONICAL.keys() or len(value) > MOST_AXES:
        raise ValueError(f"must be a letter for each axis of the file, at most {MOST_AXES}, of {', '.join(CANONICAL)}")
    if any(value.count(letter) > 1 for letter in KERNEL):
        raise ValueError("must have each of D, H and W at most once")
    return value


def parts(value: object) -> tuple[str, ...]:
    """Read the names of a tensor's parts."""
    if not isinstance(value, list) or not 0 < len(value) <= MOST_PARTS:
        raise ValueError(f"must be a list of 1 to {MOST_PARTS} names, in the order of the file")
    if not all(isinstance(part, str) and PART.fullmatch(part) for part in value):
        raise ValueError("must be names of up to 64 letters, digits, and the signs _ . -")
    if len(set(value)) != len(value):
        raise ValueError("must be different names")
    return tuple(value)


def text(value: object) -> str:
    """Read a name, or a template or a pattern of names."""
    if not isinstance(value, str) or not value:
        raise ValueError("must be a text that is not empty")
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        raise ValueError("must be Unicode text") from None
    if size > MOST_NAME_BYTES:
        raise ValueError(f"must have at most {MOST_NAME_BYTES} bytes in UTF-8")
    if CONTROL.search(value):
        raise ValueError("must have no control characters")
    return value


def name(value: object) -> str:
    """Read the name of a tensor."""
    if isinstance(value, str) and PLAIN.fullmatch(value):
        return value
    read = text(value)
    for segment in read.split("/"):
        if segment in {"", ".", ".."} or segment.startswith("__"):
            raise ValueError("must have no part between / that is empty, . or .., or that begins with __")
    return read


# What a client may say of a tensor beside its name, its shape, the seed and the recipe.
TENSOR_FIELDS: Mapping[str, Field] = MappingProxyType(
    {
        "axes": Field(Spelling.TEXT, axes),
        "groups": Field(Spelling.INTEGER, whole(1, LARGEST_SIDE)),
        "transposed_stride": Field(Spelling.INTEGERS, some(wholes(1, LARGEST_SIDE, len(KERNEL)))),
        "parts": Field(Spelling.TEXTS, parts),
        "part_sizes": Field(Spelling.INTEGERS, some(wholes(1, LARGEST_SIDE, MOST_PARTS))),
        "activation": Field(Spelling.TEXT, one_of(Activation)),
        "scheme": Field(Spelling.TEXT, one_of(TensorSchemeName)),
        "std": Field(Spelling.NUMBER, number(0)),
        "gain": Field(Spelling.NUMBER, number(0)),
        "value": Field(Spelling.NUMBER, number(-sys.float_info.max)),
        "fan_in": Field(Spelling.NUMBER, number(1e-9, 1e18)),
        "fan_out": Field(Spelling.NUMBER, number(1e-9, 1e18)),
        "distribution": Field(Spelling.TEXT, one_of(DistributionName)),
        "dtype": Field(Spelling.TEXT, one_of(TensorDType)),
        "key": Field(Spelling.TEXT, text),
        "copy_key": Field(Spelling.TEXT, text),
        "cut": Field(Spelling.NUMBER, cut),
        "cut_std": Field(Spelling.TEXT, one_of(CutStd)),
        "fan": Field(Spelling.TEXT, one_of(FanName)),
        "slope": Field(Spelling.NUMBER, number(0, MOST_SLOPE)),
        "alpha": Field(Spelling.NUMBER, number(0, MOST_SLOPE)),
        "part_values": Field(Spelling.NUMBERS, numbers(MOST_PARTS)),
    }
)


def read_fields(fields: Mapping[str, Field], found: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    """Return the values of fields as they are in JSON; raise InvalidRequest, naming what is wrong."""
    values: dict[str, object] = {}
    errors = []
    for field, value in found.items():
        row = fields.get(field)
        if row is None:
            message = f"is unknown; known are {', '.join(fields)}"
        else:
            try:
                values[field] = row.read(value)
                continue
            except ValueError as error:
                message = str(error)
        errors.append(FieldError(shortened(f"{prefix}{field}"), message, shortened(value)))
    if errors:
        raise InvalidRequest(tuple(errors[:20]))
    return values


def read_query(fields: Mapping[str, Field], found: Mapping[str, str]) -> dict[str, object]:
    """Return the values of fields as they are in a query; raise InvalidRequest, naming what is wrong."""
    spelled = {field: from_text(value, fields[field].spelling) if field in fields else value
               for field, value in found.items()}  # fmt: skip
    return read_fields(fields, spelled)
