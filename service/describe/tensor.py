"""One tensor that describes itself, and its one spelling as a URL."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import prod
from types import MappingProxyType
from typing import Any, Final, NamedTuple
from urllib.parse import quote, urlencode

from service.describe.effects import check_effects
from service.describe.fields import (
    LARGEST_SIDE,
    MOST_AXES,
    TENSOR_FIELDS,
    Field,
    Spelling,
    name,
    read_query,
    refused,
    to_text,
    whole,
    wholes,
)
from service.describe.initialization import Initialization, Start, start_of
from service.describe.network import LARGEST_SEED, RECIPE
from service.describe.url import CANONICAL_ORDER

KEYS: Final = ("key", "copy_key")  # the fields that are no part of the initialization
# So that a count of elements is exact for every reader of JSON.
MOST_ELEMENTS: Final = 2**53

SHAPE: Final = Field(Spelling.INTEGERS, wholes(1, LARGEST_SIDE, MOST_AXES))
SEED: Final = Field(Spelling.INTEGER, whole(0, LARGEST_SEED))
RECIPES: Final = Field(Spelling.INTEGER, whole(1, RECIPE))
QUERY_FIELDS: Final[Mapping[str, Field]] = MappingProxyType(
    {"shape": SHAPE, **TENSOR_FIELDS, "seed": SEED, "recipe": RECIPES}
)
DEFAULTS: Final[Mapping[str, object]] = MappingProxyType(
    {field.name: field.default for field in fields(Initialization)} | {"key": None, "copy_key": None}
)


class TensorDescription(NamedTuple):
    """A tensor: its name, shape and start; everything but the seed."""

    name: str
    shape: tuple[int, ...]  # in the file's order of the axes
    initialization: Initialization
    start: Start  # what the initialization means for the shape
    key: str | None = None  # what it draws under; None: its name
    copy_key: str | None = None  # what each copy draws under, $b being its number; None: all draw as one tensor


@dataclass(frozen=True, slots=True)
class TensorQuery:
    """What a client asks for in a query: a tensor, and where its values come from."""

    tensor: TensorDescription
    seed: int | None  # None: the service draws one
    recipe: int


def tensor_in_query(tensor_name: str, found: Mapping[str, str]) -> TensorQuery:
    """Return what a tensor's name and query parameters describe; raise InvalidRequest for all that cannot be."""
    values: dict[str, Any] = read_query(QUERY_FIELDS, found)
    if "shape" not in values:
        raise refused("shape", "is required: the length of each axis, joined by commas; empty for a scalar")
    seed, recipe = values.pop("seed", None), values.pop("recipe", RECIPE)
    tensor = tensor_of(checked_name(tensor_name), checked_shape(values.pop("shape")), values)
    return TensorQuery(tensor, seed, recipe)


def tensor_of(tensor_name: str, shape: tuple[int, ...], values: Mapping[str, Any]) -> TensorDescription:
    """Return the tensor with these fields; raise InvalidRequest where they do not fit each other or the shape."""
    check_effects(values)
    said = {field: value for field, value in values.items() if field not in KEYS}
    initialization, copy_key = Initialization.of(said), values.get("copy_key")
    start = start_of(initialization, shape, copy_key)
    return TensorDescription(tensor_name, shape, initialization, start, values.get("key"), copy_key)


def checked_name(tensor_name: str) -> str:
    """Return a tensor's name, or raise InvalidRequest."""
    try:
        return name(tensor_name)
    except ValueError as error:
        raise refused("name", str(error), tensor_name) from None


def checked_shape(shape: tuple[int, ...], field: str = "shape") -> tuple[int, ...]:
    """Return a shape; raise InvalidRequest where it has too many elements."""
    if prod(shape) > MOST_ELEMENTS:
        raise refused(field, f"must have at most {MOST_ELEMENTS} elements", list(shape))
    return shape


def said_of(tensor: TensorDescription) -> dict[str, Any]:
    """Return the fields of a tensor that are not at their default."""
    said = {field: getattr(tensor.initialization, field) for field in DEFAULTS if field not in KEYS}
    said |= {"key": None if tensor.key == tensor.name else tensor.key, "copy_key": tensor.copy_key}
    if len(tensor.shape) < 2 and said["axes"] == "O"[: len(tensor.shape)]:
        said["axes"] = None
    said["transposed_stride"] = one_stride(said["transposed_stride"])
    if len(set(said["part_sizes"])) == 1:
        said["part_sizes"] = ()
    return {field: value for field, value in said.items() if value != DEFAULTS[field]}


def one_stride(strides: tuple[int, ...]) -> tuple[int, ...]:
    """Return the strides of kernel axes in their one spelling: a single number where all are the same."""
    return strides[:1] if strides == strides[:1] * len(strides) else strides


def query_of_tensor(tensor: TensorDescription, seed: int) -> str:
    """Return the canonical query string of a tensor with this seed: what is at its default is left out."""
    said = said_of(tensor) | {"shape": tensor.shape, "seed": seed}
    texts = {field: to_text(said[field]) for field in CANONICAL_ORDER if field in said}
    return urlencode(texts, safe=",", quote_via=quote)


def path_of_name(tensor_name: str) -> str:
    """Return a name as a path has it: percent-encoded once, its / left as they are."""
    return quote(tensor_name, safe="/")
