"""Defaults are left out of URLs and canonical JSON: they are frozen with the recipe, as defaults.json has them."""

import json
from pathlib import Path

from service.describe.model.model import Limits, model_in_body
from service.describe.model.rule import RULE_DEFAULTS
from service.describe.tensor import DEFAULTS

FROZEN = json.loads((Path(__file__).parent / "defaults.json").read_text())


def test_the_defaults_of_a_tensor_are_frozen() -> None:
    assert json.loads(json.dumps(dict(DEFAULTS))) == FROZEN["tensor"]


def test_the_defaults_of_a_rule_are_frozen() -> None:
    assert json.loads(json.dumps(dict(RULE_DEFAULTS))) == FROZEN["tensor"] | FROZEN["rule"]


def test_what_a_model_leaves_out_is_frozen() -> None:
    body = b'{"tensors": [{"name": "a", "shape": []}], "rules": [{"match": "a", "scheme": "zeros"}]}'
    model = model_in_body(body, Limits(tensors=1, rules=1))
    stated = {field: DEFAULTS[field] for field in ("activation", "distribution", "dtype", "scheme")} | dict(
        model.shared
    )
    assert stated | {"format": model.format, "recipe": model.recipe} == FROZEN["model"]
