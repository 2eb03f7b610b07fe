"""Arrays by name, and the groups that hold them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import orjson

from service.describe.fields import refused
from service.files.zarr.array import Array

METADATA: Final = "zarr.json"
CHUNKS: Final = "c"
ROOT: Final = ""
GROUP: Final[Mapping[str, object]] = {"zarr_format": 3, "node_type": "group", "attributes": {}}


@dataclass(frozen=True)
class Hierarchy:
    """All arrays of a store. Every part of a name up to a / is a group."""

    arrays: Mapping[str, Array]

    @cached_property
    def groups(self) -> frozenset[str]:
        """Names of all groups; that of the root is empty."""
        return frozenset({ROOT, *(group for name in self.arrays for group in groups_of(name))})

    def metadata(self, name: str) -> bytes:
        """Return the zarr.json of an array or a group of this name.

        That of a group holds those of all below it: over HTTP, clients cannot list what there is. Where there is none,
        any name may be below it, and clients are to ask.
        """
        if name not in self.groups:
            return orjson.dumps(self.arrays[name].metadata)
        if not self.arrays:
            return orjson.dumps(GROUP)
        below = f"{name}/" if name else ""
        members: dict[str, Mapping[str, object]] = {}
        for array_name, array in self.arrays.items():
            if array_name.startswith(below):
                inner = array_name.removeprefix(below)
                members |= dict.fromkeys(groups_of(inner), GROUP)
                members[inner] = array.metadata
        consolidated = {"kind": "inline", "must_understand": False, "metadata": members}
        return orjson.dumps({**GROUP, "consolidated_metadata": consolidated})


def groups_of(name: str) -> list[str]:
    """Return the groups that a name lies in, below the root, outermost first."""
    steps = name.split("/")[:-1]
    return ["/".join(steps[: count + 1]) for count in range(len(steps))]


def check_name(name: str) -> None:
    """Raise InvalidRequest for a name that would be taken for something else in a store."""
    if not {METADATA, CHUNKS}.isdisjoint(name.split("/")):
        raise refused("name", f"must have no part between / that is {METADATA} or {CHUNKS}: this is a Zarr store", name)
