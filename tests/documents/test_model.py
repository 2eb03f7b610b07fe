"""Plans of models and tensors: what they say fits their schema, and their links give the very bytes."""

import json
from urllib.parse import unquote, urlsplit

import pytest

from service.describe.model.model import Limits, model_in_body
from service.describe.model.resolve import resolved
from service.describe.tensor import tensor_in_query
from service.describe.url import parameters
from service.documents.model import (
    Model,
    ModelPlan,
    SeededModel,
    TensorPlanDocument,
    model_plan,
    tensor_plan,
)
from service.documents.plan import Paths
from service.files.safetensors.write import plan_as_safetensors
from service.tensors.build import build
from tests.bodies import whole

LIMITS = Limits(tensors=1000, rules=100)
FORMATS = ("npy", "npz", "safetensors", "json")
PATHS = Paths(
    {"plan": "/model/plan"} | {name: f"/model/weights.{name}" for name in FORMATS}, {"bin": "/tensor/{tensor}.bin"}
)
BODY = {
    "seed": 5, "activation": "relu",
    "tensors": [
        {"name": "conv/(0-1)/w", "shape": [8, 3, 3, 3]}, {"name": "attn.in_proj", "shape": [12, 4], "dtype": "float16"},
        {"name": "experts", "shape": [2, 3, 4]}, {"name": "norm", "shape": [4]}, {"name": "steps", "shape": []},
        {"name": "fc.weight", "shape": [4, 6]}, {"name": "fc.bias", "shape": [4]}, {"name": "tied", "shape": [4, 6]},
        {"name": "plain", "shape": [3, 3]}, {"name": "left out", "shape": [7]},
    ],
    "rules": [
        {"match": "conv*", "axes": "OIHW", "depth_scale": "index", "gain": 0.5, "key": "c$1"},
        {"match": "attn*", "axes": "OI", "scheme": "glorot", "parts": ["q", "k", "v"], "part_sizes": [6, 4, 2]},
        {"match": "experts", "axes": "BIO", "scheme": "lecun", "distribution": "truncated_normal", "copy_key": "e.$b"},
        {"match": "norm", "scheme": "ones"}, {"match": "steps", "scheme": "zeros", "dtype": "int64"},
        {"match": "fc.weight", "axes": "OI", "scheme": "framework_default"},
        {"match": "*.bias", "scheme": "framework_default"},
        {"match": "tied", "tie": "fc.weight"}, {"match": "plain", "scheme": "fixed", "std": 1},
        {"match": "left*", "skip": True},
    ],
}  # fmt: skip


def seeded(body: dict[str, object], seed: int = 5) -> SeededModel:
    return SeededModel(resolved(model_in_body(json.dumps(body).encode(), LIMITS)), seed)


def test_a_plan_fits_its_schema() -> None:
    plan = ModelPlan.model_validate_json(model_plan(seeded(BODY), PATHS), strict=True)
    assert [tensor.name for tensor in plan.tensors][:2] == ["conv/0/w", "conv/1/w"]
    assert [rule.tensors for rule in plan.rules] == [2, 1, 1, 1, 1, 1, 1, 1, 1, 1]
    assert plan.tensors[0].scheme == "he"
    assert plan.byte_count == sum(tensor.byte_count for tensor in plan.tensors)
    assert plan.elements == sum(tensor.elements for tensor in plan.tensors)


def test_what_is_asked_for_fits_its_schema() -> None:
    Model.model_validate(BODY)


def test_each_link_gives_the_bytes_of_the_models_file() -> None:
    model = seeded(BODY)
    body = whole(plan_as_safetensors(model.plan, model.metadata))
    end = 8 + int.from_bytes(body[:8], "little")
    header = json.loads(body[8:end])
    plan = json.loads(model_plan(model, PATHS))
    assert [tensor["name"] for tensor in plan["tensors"]] == list(header)[1:]
    for tensor in plan["tensors"]:
        link = urlsplit(tensor["link"])
        name = unquote(link.path.removeprefix("/tensor/").removesuffix(".bin"))
        asked = tensor_in_query(name, parameters(link.query))
        alone = build(asked.tensor, asked.seed or 0)
        start, stop = header[name]["data_offsets"]
        assert alone.whole().read(0, alone.elements).tobytes() == body[end:][start:stop]
        assert len(link.query) < 200


def test_a_plan_is_that_of_its_own_url() -> None:
    model = seeded(BODY)
    again = SeededModel(resolved(model_in_body(model.canonical, LIMITS)), 5)
    assert model_plan(again, PATHS) == model_plan(model, PATHS)


@pytest.mark.parametrize(
    ("dtypes", "links"),
    [
        (["float32", "float32"], {"plan", *FORMATS}),
        (["float32", "float16"], {"plan", *FORMATS} - {"npy"}),
        (["float32", "bfloat16"], {"plan", "safetensors", "json"}),
        (["bfloat16", "bfloat16"], {"plan", "safetensors", "json"}),
    ],
)
def test_formats_that_cannot_carry_the_dtypes_have_no_link(dtypes: list[str], links: set[str]) -> None:
    tensors = [{"name": str(number), "shape": [2], "dtype": dtype} for number, dtype in enumerate(dtypes)]
    model = seeded({"tensors": tensors, "rules": [{"match": "*", "scheme": "zeros"}]})
    assert json.loads(model_plan(model, PATHS))["links"].keys() == links


def test_the_plan_of_one_tensor_says_all_that_is_known() -> None:
    asked = tensor_in_query("in_proj", parameters("shape=12,4&axes=OI&scheme=xavier&parts=q,k&seed=1"))
    plan = TensorPlanDocument.model_validate_json(tensor_plan(asked.tensor, 1, 1, PATHS), strict=True)
    assert plan.model_dump(exclude={"source"}) == {
        "name": "in_proj", "key": "in_proj", "shape": [12, 4], "axes": "OI", "dtype": "float32", "scheme": "xavier",
        "distribution": "normal", "fan_in": 4.0, "fan_out": 6.0, "std": 0.5, "formula": "sqrt(1 / fan_in)",
        "reason": "xavier was asked for", "elements": 48, "byte_count": 192, "seed": 1, "recipe": 1,
        "parts": [
            {"name": "q", "key": "in_proj#q", "size": 6, "fan_in": 4.0, "fan_out": 6.0, "std": 0.5},
            {"name": "k", "key": "in_proj#k", "size": 6, "fan_in": 4.0, "fan_out": 6.0, "std": 0.5},
        ],
        "link": "/tensor/in_proj.bin?scheme=xavier&seed=1&shape=12,4&axes=OI&parts=q,k",
    }  # fmt: skip
