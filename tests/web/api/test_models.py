"""Models, over a real socket, read back by the libraries that their users have."""

import io
import json
from typing import Any

import httpx
import numpy as np
import pytest
from safetensors.numpy import load, save

from harness.running import running
from service.documents.model import ModelPlan
from service.documents.model_weights import ModelWeights

MODEL: dict[str, Any] = {
    "seed": 42, "activation": "relu", "format": "pt",
    "tensors": [
        {"name": "conv/(0-1).weight", "shape": [8, 3, 3, 3]}, {"name": "conv/(0-1).bias", "shape": [8]},
        {"name": "h.(0-3).c_proj.weight", "shape": [16, 8]}, {"name": "qkv", "shape": [12, 4]},
        {"name": "head.weight", "shape": [8, 16]}, {"name": "tied", "shape": [8, 16]}, {"name": "unused", "shape": [9]},
    ],
    "rules": [
        {"match": "conv*.weight", "axes": "OIHW"}, {"match": "*.bias", "scheme": "zeros"},
        {"match": "*.c_proj.weight", "axes": "IO", "scheme": "fixed", "std": 0.02, "depth_scale": "total"},
        {"match": "qkv", "axes": "OI", "parts": ["q", "k", "v"]}, {"match": "head.weight", "axes": "OI"},
        {"match": "tied", "tie": "head.weight"}, {"match": "unused", "skip": True},
    ],
}  # fmt: skip
FORMATS = ("npy", "npz", "safetensors", "json")


@pytest.fixture(scope="module")
def plan(client: httpx.Client) -> dict[str, Any]:
    answer = client.post("/model/plan", json=MODEL)
    assert answer.status_code == 200, answer.text
    ModelPlan.model_validate_json(answer.content)
    document: dict[str, Any] = answer.json()
    return document


@pytest.fixture(scope="module")
def tensors(client: httpx.Client, plan: dict[str, Any]) -> dict[str, Any]:
    loaded = load(client.get(plan["links"]["safetensors"]).content)  # in no order
    return {tensor["name"]: loaded[tensor["name"]] for tensor in plan["tensors"]}


def test_each_tensor_s_own_url_is_its_part_of_the_file(
    client: httpx.Client, plan: dict[str, Any], tensors: dict[str, Any]
) -> None:
    assert "unused" not in tensors
    for tensor in plan["tensors"]:
        values = tensors[tensor["name"]]
        assert values.shape == tuple(tensor["shape"])
        assert client.get(tensor["link"]).content == values.tobytes()
        assert "model=" not in tensor["link"]
        as_npy = client.get(tensor["link"].replace(".bin?", ".npy?"))
        assert np.array_equal(np.load(io.BytesIO(as_npy.content)), values)


def test_the_values_are_what_the_rules_say(plan: dict[str, Any], tensors: dict[str, Any]) -> None:
    assert np.array_equal(tensors["tied"], tensors["head.weight"])
    assert not tensors["conv/1.bias"].any()
    by_name = {tensor["name"]: tensor for tensor in plan["tensors"]}
    assert by_name["h.2.c_proj.weight"]["std"] == 0.02 * (1 / 8**0.5)
    assert (by_name["conv/0.weight"]["rule"], by_name["tied"]["rule"]) == (0, 5)
    assert [rule["tensors"] for rule in plan["rules"]] == [2, 2, 4, 1, 1, 1, 1]


@pytest.mark.parametrize("suffix", FORMATS)
def test_get_with_model_is_post(client: httpx.Client, plan: dict[str, Any], suffix: str) -> None:
    posted, got = client.post(f"/model/weights.{suffix}", json=MODEL), client.get(plan["links"][suffix])
    assert posted.status_code == got.status_code == 200
    assert posted.content == got.content
    assert posted.headers["etag"] == got.headers["etag"]
    assert posted.headers["content-location"] == got.headers["content-location"] == plan["links"][suffix]
    assert client.get(plan["links"]["plan"]).json() == plan


def test_every_format_carries_the_same_numbers(
    client: httpx.Client, plan: dict[str, Any], tensors: dict[str, Any]
) -> None:
    flat = b"".join(values.tobytes() for values in tensors.values())
    assert np.load(io.BytesIO(client.get(plan["links"]["npy"]).content)).tobytes() == flat
    with np.load(io.BytesIO(client.get(plan["links"]["npz"]).content)) as archive:
        assert list(archive) == list(tensors)
        assert all(np.array_equal(archive[name], tensors[name]) for name in tensors)
    document = ModelWeights.model_validate_json(client.get(plan["links"]["json"]).content)
    assert np.concatenate([np.array(tensor.data, np.float32) for tensor in document.tensors]).tobytes() == flat


def test_the_file_has_the_list_s_order_and_states_its_format(client: httpx.Client, plan: dict[str, Any]) -> None:
    content = client.get(plan["links"]["safetensors"]).content
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    assert [name for name in header if name != "__metadata__"] == [tensor["name"] for tensor in plan["tensors"]]
    assert header["__metadata__"] == {"format": "pt"}


def test_conditions_ranges_and_heads_are_those_of_all_files(client: httpx.Client, plan: dict[str, Any]) -> None:
    url = plan["links"]["safetensors"]
    whole, head = client.get(url), client.head(url)
    assert (head.content, head.headers["content-length"]) == (b"", str(len(whole.content)))
    assert client.get(url, headers={"If-None-Match": whole.headers["etag"]}).status_code == 304
    assert client.get(url, headers={"If-Match": '"another"'}).status_code == 412
    part = client.get(url, headers={"Range": "bytes=1001-2000"})
    assert (part.status_code, part.content) == (206, whole.content[1001:2001])


def test_one_meaning_has_one_fingerprint_and_one_etag(client: httpx.Client, plan: dict[str, Any]) -> None:
    rules = [{**MODEL["rules"][0], "gain": 1, "groups": 1}, *MODEL["rules"][1:]]
    tensors = [{"name": "conv/0.weight", "shape": [8, 3, 3, 3]}, {"name": "conv/1.weight", "shape": [8, 3, 3, 3]}]
    other = client.post("/model/plan", json={**MODEL, "rules": rules, "tensors": tensors + MODEL["tensors"][1:]})
    assert other.json()["fingerprint"] == plan["fingerprint"]
    changed = client.post("/model/plan", json={**MODEL, "seed": 43})
    assert changed.json()["fingerprint"] != plan["fingerprint"]
    etags = {client.post(f"/model/{path}", json=MODEL).headers["etag"] for path in ("plan", "weights.npy")}
    assert len(etags) == 2


def test_a_model_s_tensor_is_answered_as_its_own_url_is(client: httpx.Client, plan: dict[str, Any]) -> None:
    query = plan["links"]["npy"].partition("?")[2]
    for tensor in plan["tensors"]:
        for suffix in ("bin", "npy", "json"):
            own = client.get(tensor["link"].replace(".bin?", f".{suffix}?"))
            named = client.get(f"/model/weights/{tensor['name']}.{suffix}?{query}")
            assert (named.content, named.headers.get("etag")) == (own.content, own.headers.get("etag"))
            assert named.headers["content-location"] == own.headers["content-location"]
    sliced = client.get(f"/model/weights/qkv.bin?{query}&slice=2:3,:")
    link = next(tensor["link"] for tensor in plan["tensors"] if tensor["name"] == "qkv")
    assert sliced.content == client.get(f"{link}&slice=2:3,:").content != b""


def test_without_a_seed_one_is_drawn_and_said(client: httpx.Client) -> None:
    unseeded = {name: value for name, value in MODEL.items() if name != "seed"}
    first, second = (client.post("/model/weights.npy", json=unseeded) for _ in range(2))
    assert first.content != second.content
    assert first.headers["cache-control"] == "no-store"
    assert client.get(first.headers["content-location"]).content == first.content


def test_the_header_of_a_real_file_is_a_model(client: httpx.Client) -> None:
    file = save(
        {"b.weight": np.ones((4, 3), np.float32), "a.weight": np.ones((2, 4), np.float16), "a.bias": np.ones(2, "<f4")},
        {"format": "pt"},
    )
    length = 8 + int.from_bytes(file[:8], "little")
    whole, header = (client.post("/model/header?family=torch&seed=1", content=body) for body in (file, file[:length]))
    assert whole.status_code == 200, whole.text
    assert whole.json() == header.json()
    plan = whole.json()
    ours = load(client.get(plan["links"]["safetensors"]).content)
    theirs = load(file)
    assert {name: (v.shape, v.dtype) for name, v in ours.items()} == {n: (v.shape, v.dtype) for n, v in theirs.items()}
    # The library puts wide types first, then goes by the names.
    assert [tensor["name"] for tensor in plan["tensors"]] == ["a.bias", "b.weight", "a.weight"]


def test_a_model_too_long_for_a_url_is_posted(client: httpx.Client) -> None:
    # Names that no deflate makes short.
    names = [np.random.default_rng(n).bytes(60).hex() for n in range(200)]
    model = {
        "seed": 1, "rules": [{"match": "*", "scheme": "fixed", "std": 1}],
        "tensors": [{"name": f"w.{name}", "shape": [2, 3]} for name in names],
    }  # fmt: skip
    plan = client.post("/model/plan", json=model)
    assert plan.status_code == 200
    assert "links" not in plan.json()
    posted = client.post("/model/weights.safetensors", json=model)
    assert "content-location" not in posted.headers
    for tensor in plan.json()["tensors"][::50]:
        assert client.get(tensor["link"]).content == load(posted.content)[tensor["name"]].tobytes()


def test_mixed_and_short_types_are_refused_where_a_format_has_none(client: httpx.Client) -> None:
    tensors = [{"name": "a", "shape": [3]}, {"name": "b", "shape": [2], "dtype": "bfloat16"}]
    model = {"seed": 1, "tensors": tensors, "rules": [{"match": "*", "scheme": "zeros"}]}
    several, none = (client.post(f"/model/weights.{suffix}", json=model) for suffix in ("npy", "npz"))
    assert (several.status_code, none.status_code) == (422, 422)
    assert "one for all tensors" in several.json()["detail"]
    assert "for b:" in none.json()["detail"]
    links = client.post("/model/plan", json=model).json()["links"]
    assert links.keys() == {"plan", "safetensors", "json"}


def test_every_limit_on_a_model_is_a_setting() -> None:
    limits = {"model_tensors": 3, "model_rules": 1, "model_bytes": 300, "header_bytes": 200}
    rule = {"match": "*", "scheme": "zeros"}
    bodies = {
        "FANIN_MODEL_TENSORS": {"tensors": [{"name": "a.(0-3)", "shape": [1]}], "rules": [rule]},
        "FANIN_MODEL_RULES": {"tensors": [{"name": "a", "shape": [1]}], "rules": [rule, rule]},
        "FANIN_MODEL_BYTES": {"tensors": [{"name": "a" * 300, "shape": [1]}], "rules": [rule]},
    }
    with running(**limits) as service:
        for setting, body in bodies.items():
            answer = httpx.post(f"{service.url}/model/plan", json=body, timeout=60)
            assert answer.status_code == 413
            assert setting in answer.json()["detail"]
        for content in (b"\0" * 201, (201).to_bytes(8, "little")):
            answer = httpx.post(f"{service.url}/model/header", content=content, timeout=60)
            assert (answer.status_code, "FANIN_HEADER_BYTES" in answer.json()["detail"]) == (413, True)
