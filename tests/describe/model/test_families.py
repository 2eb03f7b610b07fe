import json
import math
import re
from typing import Any

import pytest

from service.describe.model.families import FAMILIES, FIELDS
from service.describe.model.model import Limits, model_in_body
from service.describe.model.resolve import ResolvedModel, resolved
from service.errors import InvalidRequest

Shapes = dict[str, list[int]]
# A value for each field that has no default anywhere.
REQUIRED = {"d_kv": 4, "d_model": 16, "hidden_size": 8}


def resolve(shapes: Shapes, **head: Any) -> ResolvedModel:
    tensors = [{"name": name, "shape": shape} for name, shape in shapes.items()]
    return resolved(model_in_body(json.dumps({"tensors": tensors, **head}).encode(), Limits(tensors=100, rules=10)))


def stds(shapes: Shapes, **head: Any) -> dict[str, float]:
    return {one.tensor.name: one.tensor.start.parts[0].choice.std for one in resolve(shapes, **head).tensors}


def fields_of(family: str) -> dict[str, Any]:
    return {field: REQUIRED[field] for field in FAMILIES[family].fields if field in REQUIRED}


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_names_its_source_and_every_rule_of_it_can_be_read(name: str) -> None:
    model = resolve({"own": [2]}, family=name, rules=[{"match": "own", "scheme": "ones"}], **fields_of(name)).model

    assert FAMILIES[name].name == name
    assert re.search(r"\d+\.\d+\.\d+: |commit [0-9a-f]{7}: ", FAMILIES[name].follows)
    assert len(model.rules) > 5


@pytest.mark.parametrize("name", FAMILIES)
def test_each_field_of_a_family_changes_its_rules(name: str) -> None:
    family = FAMILIES[name]
    given = {**family.defaults, **fields_of(name)}

    for field in family.fields:
        assert family.rules_for(given) != family.rules_for(given | {field: given[field] + 1}), field


def test_each_field_is_taken_by_a_family() -> None:
    assert {field for family in FAMILIES.values() for field in family.fields} == set(FIELDS)


def test_what_no_shape_holds_is_asked_for() -> None:
    with pytest.raises(InvalidRequest) as refusal:
        resolve({"shared.weight": [8, 16]}, family="t5", d_model=16)

    assert [error.field for error in refusal.value.errors] == ["d_kv"]


def test_nanogpt_scales_what_writes_to_the_residual_path_by_the_number_of_layers() -> None:
    # model.py: Linear and Embedding N(0.02), c_proj N(0.02 / sqrt(2 * n_layer)), here with three layers.
    layers: Shapes = {f"transformer.h.{i}.mlp.c_proj.weight": [16, 64] for i in range(3)}

    spread = stds(
        {"lm_head.weight": [50, 16], "transformer.h.0.attn.c_attn.weight": [48, 16]} | layers, family="nanogpt"
    )

    assert list(spread.values()) == pytest.approx([0.02, 0.02] + 3 * [0.02 / math.sqrt(6)], rel=1e-15)


def test_nanogpt_has_one_tensor_for_head_and_embedding_and_either_may_be_left_out() -> None:
    both: Shapes = {"transformer.wte.weight": [50, 16], "lm_head.weight": [50, 16]}

    for shapes in ({name: shape} for name, shape in both.items()):
        ((alone,), (embedding, head)) = (resolve(s, family="nanogpt").tensors for s in (shapes, both))
        keys = {one.tensor.key or one.tensor.name for one in (alone, embedding, head)}
        assert keys == {"lm_head.weight"}


def test_torchtitan_scales_what_writes_to_the_residual_path_by_the_index_of_its_layer() -> None:
    # llama3/__init__.py: wo, w2 and w3 N(0.02 / sqrt(2 * (layer_id + 1))), other matrices N(0.02), embeddings N(1).
    spread = stds(
        {
            "tok_embeddings.weight": [50, 16],
            "layers.0.attention.wo.weight": [16, 16],
            "layers.0.attention.qkv_linear.wq.weight": [16, 16],
            "layers.7.feed_forward.w1.weight": [32, 16],
            "layers.7.feed_forward.w2.weight": [16, 32],
            "layers.7.feed_forward.w3.weight": [32, 16],
            "layers.7.ffn_norm.weight": [16],
            "output.weight": [50, 16],
        },
        family="torchtitan",
    )

    # The head: 1 / sqrt(dim), of which a cut at three times that leaves 0.98657839...
    expected = [1, 0.02 / math.sqrt(2), 0.02, 0.02, 0.005, 0.005, 0, 0.25 * 0.98657839255810862]
    assert list(spread.values()) == pytest.approx(expected, rel=1e-15)


def test_a_rule_with_a_rank_takes_only_tensors_with_so_many_axes() -> None:
    rules = [
        {"match": "*weight", "rank": 4, "axes": "OIHW", "scheme": "xavier"},
        {"match": "*weight", "axes": "OI", "scheme": "xavier"},
    ]

    assert list(stds({"a.weight": [8, 4], "b.weight": [8, 4, 3, 3]}, rules=rules).values()) == [1 / 2, 1 / 6]


def test_a_rule_whose_rank_no_tensor_has_is_refused() -> None:
    rules = [
        {"match": "*weight", "rank": 3, "axes": "OIW", "scheme": "xavier"},
        {"match": "*", "axes": "OI", "scheme": "xavier"},
    ]

    with pytest.raises(InvalidRequest, match=r"no name of a tensor with 3 axes") as refusal:
        resolve({"a.weight": [8, 4]}, rules=rules)

    assert [error.field for error in refusal.value.errors] == ["rules.0.match"]
