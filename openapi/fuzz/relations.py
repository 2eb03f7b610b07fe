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

from service.web.api.documented_models import HEADER_EXAMPLE, MODEL_EXAMPLE, MODEL_TEXT, TENSOR_EXAMPLE

LARGEST_SIZE = 2**31 - 1
LARGEST_FLOAT16_STD = 8000
# These have an effect under some schemes or activations only, and are refused elsewhere.
OF_SOME_SCHEMES = ("cut", "cut_std", "gain", "fan", "slope", "alpha")
INTEGERS = ("seed", "samples", "recipe", "jacobian", "steps", "batch")
FLOATS = ("float32", "float64", "float16", "bfloat16")


# What a client sends of its own: the shape of each layer, and how many there are.
FILES = {"/diagnose/weights": ((3, 3), 2), "/learn/weights": ((64, 10), 1)}


@schemathesis.hook
def before_call(_: HookContext, case: Case, kwargs: dict[str, Any]) -> None:  # noqa: ARG001
    """Mend a request that is meant to be valid."""
    if case.path.startswith("/docs") and case.headers:
        case.headers.pop("Range", None)  # a part of a JSON document is no JSON
    if case.meta is None or case.meta.generation.mode is not GenerationMode.POSITIVE:
        return
    _, root, *_ = case.path.split("/")
    if root in OTHERS:
        OTHERS[root](case)
    else:
        _mend_stack(case)


def _mend_stack(case: Case) -> None:
    """Mend a request for a stack of layers."""
    if isinstance(case.body, dict):
        case.body = _with_whole_numbers(case.body)
        _mend_network(case.body, case.path)
    elif case.path in FILES:
        case.body = _file_of_weights(*FILES[case.path])
    if case.query:
        _mend_network(case.query, case.path)
        if "layers" in case.query:
            _mend_cuts(case.query)
    if "tensor" in case.path_parameters:
        case.path_parameters["tensor"] = "layers.0.weight"  # the one that every network has


def _mend_tensor(case: Case) -> None:
    """Leave what goes with every tensor: a shape, its axes and its scheme depend on each other."""
    kept = {name: case.query[name] for name in ("seed", "distribution", "dtype") if name in case.query}
    if kept.get("dtype") not in FLOATS or case.path.endswith(".npy"):
        kept.pop("dtype", None)
    case.query = {**TENSOR_EXAMPLE, **kept}
    case.path_parameters["name"] = "conv1.weight"


def _mend_zarr(case: Case) -> None:
    """Give descriptions, names and chunks that are there."""
    is_scalar = case.path.endswith("/c")
    network, scalar = "layers=784,256,10&activation=relu&seed=42", "shape=&scheme=ones&seed=42"
    valid = {"description": scalar if is_scalar else network, "tensor": "layers.0.weight", "index": "0/0"}
    case.path_parameters |= {name: valid[name] for name in case.path_parameters}


def _mend_model(case: Case) -> None:
    """Give a model whose rules take its tensors."""
    if isinstance(case.body, dict):
        case.body = {**MODEL_EXAMPLE, "seed": int(case.body.get("seed", 42))}
    elif case.path == "/model/header":
        case.query = dict(HEADER_EXAMPLE)
        case.body = _safetensors()
    else:
        case.query = {"model": MODEL_TEXT}
    if "name" in case.path_parameters:
        case.path_parameters["name"] = "conv1.weight"


def _safetensors() -> bytes:
    """Return the beginning of a safetensors file with one tensor."""
    header = b'{"fc.weight":{"dtype":"F32","shape":[4,3],"data_offsets":[0,48]}}'
    return len(header).to_bytes(8, "little") + header


def _with_whole_numbers(body: Mapping[str, Any]) -> dict[str, Any]:
    """Spell the integers of a body as such: to JSON Schema, 2.0 is one too."""
    given = {name: int(value) if name in INTEGERS else value for name, value in body.items()}
    return {**given, "layers": [int(size) for size in body["layers"]]}


def _file_of_weights(shape: tuple[int, int], layers: int) -> bytes:
    """Return an .npz archive of layers of one shape."""
    file = io.BytesIO()
    np.savez(file, **{f"layers.{layer}.weight": np.full(shape, 0.5, np.float32) for layer in range(layers)})
    return file.getvalue()


def _mend_network(asked: dict[str, Any], path: str) -> None:
    if isinstance(asked.get("layers"), str):  # a pattern counts digits, not what they are worth
        sizes = asked["layers"].split(",")
        asked["layers"] = ",".join(size if int(size) <= LARGEST_SIZE else "1" for size in sizes)
    asked.pop("names", None)  # one for each layer
    for option in OF_SOME_SCHEMES:
        asked.pop(option, None)
    if asked.get("scheme") in ("orthogonal", "identity"):
        asked.pop("distribution", None)
    if asked.get("scheme") != "fixed":
        asked.pop("std", None)
    elif "std" not in asked or float(asked["std"]) > LARGEST_FLOAT16_STD:
        asked["std"] = 0.5
    if path.startswith("/learn"):
        _mend_learning(asked)
    if asked.get("dtype") == "bfloat16" and path.endswith((".npy", ".npz")):
        asked["dtype"] = "float32"


def _mend_learning(asked: dict[str, Any]) -> None:
    """Have the digits learned, in a few steps: layers, data and batch depend on each other."""
    if "layers" in asked:
        asked["layers"] = "64,10" if isinstance(asked["layers"], str) else [64, 10]
    asked.pop("data", None)
    asked.pop("layout", None)
    for name, most in (("steps", 10), ("batch", 100)):
        if name in asked:
            asked[name] = min(max(int(asked[name]), 2), most)


def _mend_cuts(query: dict[str, Any]) -> None:
    shape = [int(size) for size in query["layers"].split(",")[:2]]
    if query.get("layout") == "out_in":
        shape.reverse()
    for axis, length in zip(("rows", "columns"), shape, strict=True):
        if axis in query:
            start, stop = (int(bound) for bound in query[axis].split(":"))
            if not start < stop <= length:
                query[axis] = f"0:{length}"


# What is asked for otherwise than by layers, by the first part of the path.
OTHERS = {"model": _mend_model, "zarr": _mend_zarr, "tensor": _mend_tensor}
