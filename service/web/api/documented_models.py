"""What the OpenAPI document says of the parameters of tensors and models."""

from collections.abc import Iterable, Mapping
from typing import Any

from service.describe.model.canonical import MOST_IN_URL
from service.describe.model.model import HEAD_FIELDS
from service.describe.network import Network
from service.describe.tensor import QUERY_FIELDS
from service.documents.model import Model, Rule, Tensor
from service.web.api.documented import COMPONENTS

TENSOR_EXAMPLE = {"shape": "64,3,7,7", "axes": "OIHW", "activation": "relu", "seed": 42}
MODEL_EXAMPLE = {
    "seed": 42,
    "tensors": [
        {"name": "h.(0-1).mlp.c_fc.weight", "shape": [64, 256]},
        {"name": "h.(0-1).mlp.c_proj.weight", "shape": [256, 64]},
        {"name": "ln_f.weight", "shape": [64]},
    ],
    "rules": [
        {"match": "*.c_proj.weight", "axes": "IO", "scheme": "fixed", "std": 0.02, "depth_scale": "total"},
        {"match": "h.*", "axes": "IO", "scheme": "fixed", "std": 0.02},
        {"match": "ln_*", "scheme": "ones"},
    ],
}
# One tensor, conv1.weight, of shape 64,3,7,7, and a rule that takes it.
MODEL_TEXT = (
    "JcvBCsIwEIThd5mjLIJaLOQJ9OTRQ8lhiYsJtIkk21YoeXdTPM7H_BuKyAumOxNUYkm5wAwbIk8CA5ficjquEt5eQSieP42Ha0cX6qm31RLyPM"
    "o_mlidb9WhXfm7Ix7323NfTsPCGlJslmWcUW39AQ"
)
HEADER_EXAMPLE = {"family": "torch", "seed": 42}
HEADER = "The beginning of a safetensors file, at least to the end of its header."

INTEGER = "[1-9][0-9]{0,9}"
TEXT = "[A-Za-z0-9_.-]+"
RANGE = "((0|[1-9][0-9]{0,9}):[1-9][0-9]{0,9}|:)"

SLICE = {
    "name": "slice",
    "in": "query",
    "required": False,
    "description": "The part to return: for each axis of the file a:b, from a up to, not including, b, or : for all.",
    "schema": {"type": "string", "pattern": f"^{RANGE}(,{RANGE})*$", "examples": ["0:2,:,:,:"]},
}
MODEL_PARAMETER = {
    "name": "model",
    "in": "query",
    "required": True,
    "description": "The JSON of a model as raw deflate, in base64url without padding, as plans link to.",
    "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]+$", "maxLength": MOST_IN_URL},
    "example": MODEL_TEXT,
}


def _parameters(
    properties: Mapping[str, dict[str, Any]], names: Iterable[str], example: Mapping[str, Any], required: str
) -> list[dict[str, Any]]:
    """Return the query parameters of these names, which the fields of a JSON document describe."""
    return [
        {
            "name": name,
            "in": "query",
            "required": name == required,
            "description": properties[name]["description"],
            "schema": _in_query(properties[name]),
        }
        | ({"example": example[name]} if name in example else {})
        for name in names
    ]


def _in_query(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a field's schema as a query has it: a list is a text joined by commas."""
    described = {key: value for key, value in schema.items() if key not in ("title", "description")}
    if described.get("type") != "array":
        return described
    item = INTEGER if described["items"]["type"] == "integer" else TEXT
    examples = [",".join(map(str, example)) for example in described["examples"]]
    return {"type": "string", "pattern": f"^({item}(,{item})*)?$", "examples": examples}


def _properties(*models: type[Any]) -> dict[str, dict[str, Any]]:
    schemas = [model.model_json_schema(ref_template=COMPONENTS) for model in models]
    return {name: described for schema in schemas for name, described in schema["properties"].items()}


TENSOR_PARAMETERS = _parameters(_properties(Network, Tensor, Rule), QUERY_FIELDS, TENSOR_EXAMPLE, "shape")
HEADER_PARAMETERS = _parameters(_properties(Model), HEAD_FIELDS, HEADER_EXAMPLE, "")
