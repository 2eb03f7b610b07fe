"""What the document cannot say of a request: how its parts depend on each other, and how numbers are spelled.

A request that schemathesis takes for valid, because each part alone is, is mended here where its parts do not fit.
Requests that are meant to be refused are left as they are.
"""

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import schemathesis
from schemathesis import Case, GenerationMode, HookContext

LARGEST_SIZE = 2**31 - 1
LARGEST_FLOAT16_STD = 8000


@schemathesis.hook
def before_call(_: HookContext, case: Case, kwargs: dict[str, Any]) -> None:  # noqa: ARG001
    """Mend a request that is meant to be valid."""
    if case.meta is None or case.meta.generation.mode is not GenerationMode.POSITIVE:
        return
    if isinstance(case.body, dict):
        case.body = _with_whole_numbers(case.body)
        _mend_network(case.body, case.path)
    elif case.path == "/diagnose/weights":
        case.body = _file_of_weights()
    if case.query:
        _mend_network(case.query, case.path)
        if "layers" in case.query:
            _mend_cuts(case.query)
    if "tensor" in case.path_parameters:
        case.path_parameters["tensor"] = "layers.0.weight"  # the one that every network has


def _with_whole_numbers(body: Mapping[str, Any]) -> dict[str, Any]:
    """Spell the integers of a body as such: to JSON Schema, 2.0 is one too."""
    given = {name: int(value) if name in ("seed", "samples", "recipe") else value for name, value in body.items()}
    return {**given, "layers": [int(size) for size in body["layers"]]}


def _file_of_weights() -> bytes:
    """Return an .npz archive of two layers, whichever way round they are read."""
    file = io.BytesIO()
    np.savez(file, **{f"layers.{layer}.weight": np.full((3, 3), 0.5, np.float32) for layer in range(2)})
    return file.getvalue()


def _mend_network(asked: dict[str, Any], path: str) -> None:
    if isinstance(asked.get("layers"), str):  # a pattern counts digits, not what they are worth
        sizes = asked["layers"].split(",")
        asked["layers"] = ",".join(size if int(size) <= LARGEST_SIZE else "1" for size in sizes)
    if asked.get("scheme") != "fixed":
        asked.pop("std", None)
    elif "std" not in asked or float(asked["std"]) > LARGEST_FLOAT16_STD:
        asked["std"] = 0.5
    if asked.get("dtype") == "bfloat16" and path.endswith((".npy", ".npz")):
        asked["dtype"] = "float32"


def _mend_cuts(query: dict[str, Any]) -> None:
    shape = [int(size) for size in query["layers"].split(",")[:2]]
    if query.get("layout") == "out_in":
        shape.reverse()
    for axis, length in zip(("rows", "columns"), shape, strict=True):
        if axis in query:
            start, stop = (int(bound) for bound in query[axis].split(":"))
            if not start < stop <= length:
                query[axis] = f"0:{length}"
