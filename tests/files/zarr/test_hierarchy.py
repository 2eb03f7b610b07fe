"""zarr.json of groups and arrays, against what the specification asks for, written by hand."""

import json
from typing import Any

import pytest

from service.errors import InvalidRequest
from service.files.zarr.array import Array, usual_chunks
from service.files.zarr.hierarchy import Hierarchy, check_name
from tests.files.zarr.test_array import tensor

GROUP = {"zarr_format": 3, "node_type": "group", "attributes": {}}


def hierarchy(*names: str) -> Hierarchy:
    made = [tensor("shape=4,3&axes=OI&activation=relu", name) for name in names]
    return Hierarchy({one.name: Array(one, usual_chunks(one), ("out", "in")) for one in made})


def read(made: Hierarchy, name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(made.metadata(name))
    return document


def test_an_array_is_described_as_zarr_v3_asks() -> None:
    assert read(hierarchy("w"), "w") == {
        "zarr_format": 3,
        "node_type": "array",
        "shape": [4, 3],
        "data_type": "float32",
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [4, 3]}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": "NaN",
        "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}],
        "dimension_names": ["out", "in"],
        "attributes": {
            "scheme": "he", "formula": "sqrt(2 / fan_in)", "std": (2 / 3) ** 0.5, "fan_in": 3, "fan_out": 4
        },
    }  # fmt: skip


def test_every_beginning_of_a_name_is_a_group_with_what_is_below_it() -> None:
    made = hierarchy("a/b/w", "a/v", "u")
    root = read(made, "")
    assert root.pop("consolidated_metadata") == {
        "kind": "inline",
        "must_understand": False,
        "metadata": {
            "a": GROUP, "a/b": GROUP, "a/b/w": read(made, "a/b/w"), "a/v": read(made, "a/v"), "u": read(made, "u")
        },
    }  # fmt: skip
    assert root == GROUP
    inner = read(made, "a")["consolidated_metadata"]["metadata"]
    assert inner == {"b": GROUP, "b/w": read(made, "a/b/w"), "v": read(made, "a/v")}
    assert list(read(made, "a/b")["consolidated_metadata"]["metadata"]) == ["w"]


def test_where_any_name_may_be_nothing_is_listed() -> None:
    assert read(Hierarchy({}), "") == GROUP


@pytest.mark.parametrize("name", ["c", "a/c/b", "c/w", "zarr.json", "a/zarr.json"])
def test_a_name_that_would_be_taken_for_a_key_is_refused(name: str) -> None:
    with pytest.raises(InvalidRequest):
        check_name(name)


@pytest.mark.parametrize("name", ["cc", "a.c", "c.weight", "zarr.json.weight"])
def test_a_name_that_only_looks_like_a_key_is_not(name: str) -> None:
    check_name(name)
