"""Models: which rule takes what, and what is refused."""

# ruff: noqa: E501 - a row of a table is a line

import base64
import hashlib
import json
import zlib
from math import sqrt
from typing import Any

import pytest

from service.describe.model.canonical import MOST_INFLATED, canonical_json, fingerprint, from_url, in_url
from service.describe.model.model import Entry, Limits, Model, model_in_body, model_of_tensors
from service.describe.model.resolve import ResolvedModel, resolved
from service.describe.tensor import query_of_tensor, tensor_in_query
from service.describe.url import parameters
from service.errors import InvalidRequest, MalformedBody, TooLarge
from service.numerics.dtypes import TensorDType

LIMITS = Limits(tensors=1000, rules=100)
FIXED = {"scheme": "fixed", "std": 0.02}


def model(**fields: Any) -> Model:
    return model_in_body(json.dumps(fields).encode(), LIMITS)


def tensors(*named: str, shape: tuple[int, ...] = (4, 4)) -> list[dict[str, Any]]:
    return [{"name": name, "shape": shape} for name in named]


def queries(result: ResolvedModel) -> dict[str, str]:
    return {tensor.tensor.name: query_of_tensor(tensor.tensor, 7) for tensor in result.tensors}


def refusal(**fields: Any) -> tuple[str, str]:
    with pytest.raises(InvalidRequest) as refused:
        resolved(model(**fields))
    (error,) = refused.value.errors
    return error.field, error.message


def test_the_first_rule_that_matches_takes_a_tensor() -> None:
    result = resolved(
        model(
            tensors=tensors("a.w", "b.w"), rules=[{"match": "a.*", "scheme": "zeros"}, {"match": "*", "scheme": "ones"}]
        )
    )
    assert [tensor.rule for tensor in result.tensors] == [0, 1]
    assert queries(result) == {"a.w": "scheme=zeros&seed=7&shape=4,4", "b.w": "scheme=ones&seed=7&shape=4,4"}


def test_what_the_model_says_fills_gaps_where_it_has_an_effect() -> None:
    result = resolved(
        model(
            tensors=tensors("a", "b", "c"), activation="relu", distribution="uniform", dtype="bfloat16",
            rules=[{"match": "a", "axes": "OI"}, {"match": "b", "axes": "OI", "scheme": "he", "distribution": "normal"},
                   {"match": "c", "scheme": "ones", "dtype": "int32"}],
        )
    )  # fmt: skip
    assert queries(result) == {
        "a": "activation=relu&distribution=uniform&dtype=bfloat16&seed=7&shape=4,4&axes=OI",
        "b": "scheme=he&dtype=bfloat16&seed=7&shape=4,4&axes=OI",
        "c": "scheme=ones&dtype=int32&seed=7&shape=4,4",
    }


def test_total_depth_counts_the_layers_of_the_tensors_that_the_rule_takes() -> None:
    names = ["h.(0-11).attn.c_proj", "h.(0-11).mlp.c_proj"]
    result = resolved(model(tensors=tensors(*names), rules=[{"match": "*.c_proj", **FIXED, "depth_scale": "total"}]))
    assert {tensor.tensor.start.parts[0].choice.std for tensor in result.tensors} == {0.02 * (1 / sqrt(24))}


def test_layers_of_two_stacks_are_distinct_and_a_count_overrides_them() -> None:
    rule = {"match": "*", **FIXED, "depth_scale": "total"}
    both = tensors("encoder.(0-2).w", "decoder.(0-2).w")
    assert resolved(model(tensors=both, rules=[rule])).tensors[0].tensor.initialization.gain == 1 / sqrt(12)
    stage = resolved(model(tensors=both, rules=[{**rule, "layer_count": 32}]))
    assert stage.tensors[0].tensor.initialization.gain == 1 / sqrt(64)


def test_depth_by_index_divides_by_the_layer() -> None:
    rule = {"match": "*.x*.w", **FIXED, "depth_scale": "index", "gain": 0.5}
    first = resolved(model(tensors=tensors("l/3.x5.w"), rules=[rule])).tensors[0].tensor
    second = resolved(model(tensors=tensors("l/3.x5.w"), rules=[{**rule, "depth_index": "$2"}])).tensors[0].tensor
    assert first.initialization.gain == 0.5 * (1 / sqrt(8))
    assert second.initialization.gain == 0.5 * (1 / sqrt(12))


def test_a_bias_takes_the_fan_in_of_its_weight() -> None:
    named = [
        {"name": "conv.weight", "shape": [6, 2, 3, 3]}, {"name": "conv.bias", "shape": [6]},
        {"name": "up.weight", "shape": [5, 2, 3]}, {"name": "up.bias", "shape": [2]},
    ]  # fmt: skip
    rules = [
        {"match": "conv.weight", "axes": "OIHW", "scheme": "framework_default"},
        {"match": "up.weight", "axes": "IOW", "transposed_stride": [2], "scheme": "framework_default"},
        {"match": "*.bias", "scheme": "framework_default"},
    ]
    result = queries(resolved(model(tensors=named, rules=rules)))
    assert result["conv.bias"] == "scheme=framework_default&seed=7&shape=6&fan_in=18"
    assert result["up.bias"] == "scheme=framework_default&seed=7&shape=2&fan_in=7.5"


def test_a_tied_tensor_is_its_target_under_its_own_name() -> None:
    rules = [
        {"match": "head", "tie": "mid"},
        {"match": "mid", "tie": "wte"},
        {"match": "wte", "skip": True, "axes": "VO", **FIXED},
    ]
    result = resolved(model(tensors=tensors("head", "mid", "wte"), rules=rules))
    expected = "scheme=fixed&std=0.02&seed=7&shape=4,4&axes=VO&key=wte"
    assert queries(result) == {"head": expected, "mid": expected}


def test_keys_are_made_from_what_the_stars_matched() -> None:
    rules = [{"match": "t.*.w*", "key": "h.$1.c$2", **FIXED}]
    assert "key=h.3.cx" in queries(resolved(model(tensors=tensors("t.3.wx"), rules=rules)))["t.3.wx"]
    rules = [{"match": "t.*.w", "axes": "BO", "copy_key": "h.$1.$b", **FIXED}]
    result = resolved(model(tensors=tensors("t.3.w"), rules=rules))
    assert result.tensors[0].tensor.copy_key == "h.3.$b"


BOTH = tensors("a.0.w", "b.0.w")
REFUSED = [
    ({"tensors": BOTH, "rules": [{"match": "a*", **FIXED}]}, "rules", "none matches b.0.w"),
    ({"tensors": BOTH, "rules": [{"match": "*", **FIXED}, {"match": "c_proj", **FIXED}]}, "rules.1.match", "matches no name"),
    ({"tensors": BOTH, "rules": [{"match": "*", **FIXED}, {"match": "a*", **FIXED}]}, "rules.1.match", "before, by rules.0 (*)"),
    ({"tensors": BOTH, "rules": [{"match": "*", "scheme": "he"}]}, "rules.0.axes", "a.0.w"),
    ({"tensors": BOTH, "rules": [{"match": "*", **FIXED, "activation": "relu"}]}, "rules.0.activation", "no effect"),
    ({"tensors": BOTH, "rules": [{"match": "*", "scheme": "zeros", "depth_scale": "total"}]}, "rules.0.depth_scale", "no effect"),
    ({"tensors": BOTH, "rules": [{"match": "*", **FIXED, "layer_count": 2}]}, "rules.0.layer_count", "goes with depth_scale"),
    ({"tensors": BOTH, "rules": [{"match": "*", **FIXED, "depth_index": "$1"}]}, "rules.0.depth_index", "goes with a depth_scale"),
    ({"tensors": tensors("a.w"), "rules": [{"match": "*", **FIXED, "depth_scale": "total"}]}, "rules.0.depth_scale", "digits between"),
    ({"tensors": BOTH, "rules": [{"match": "*", **FIXED, "depth_scale": "index", "depth_index": "$1"}]}, "rules.0.depth_index", "digits alone"),
    ({"tensors": BOTH, "rules": [{"match": "*", **FIXED, "key": "$2"}]}, "rules.0.key", "no $n beyond"),
    ({"tensors": BOTH, "rules": [{"match": "*****", **FIXED}]}, "rules.0.match", "at most 4 stars"),
    ({"tensors": BOTH, "rules": [{**FIXED}]}, "rules.0.match", "is required"),
    ({"tensors": BOTH, "rules": [{"match": "*", "shape": [3]}]}, "rules.0.shape", "is unknown; known are match"),
    ({"tensors": BOTH, "rules": [{"match": "a*", "tie": "c"}, {"match": "*", **FIXED}]}, "rules.0.tie", "must name a tensor"),
    ({"tensors": BOTH, "rules": [{"match": "a*", "tie": "b.0.w"}, {"match": "b*", "tie": "a.0.w"}]}, "rules.1.tie", "back to a.0.w"),
    ({"tensors": BOTH, "rules": [{"match": "*", "tie": "a.0.w"}]}, "rules.0.tie", "back to a.0.w"),
    ({"tensors": [*BOTH, *tensors("c", shape=(2,))], "rules": [{"match": "c", "tie": "a.0.w"}, {"match": "*", **FIXED}]}, "rules.0.tie", "shape of c"),
    ({"tensors": [{"name": "c", "shape": [4, 4], "dtype": "float16"}, *BOTH], "rules": [{"match": "c", "tie": "a.0.w"}, {"match": "*", **FIXED}]}, "tensors, c, dtype", "float32"),
    ({"tensors": BOTH, "rules": [{"match": "a*", "tie": "b.0.w", "dtype": "float16"}, {"match": "*", **FIXED}]}, "rules.0.dtype", "no effect with tie"),
    ({"tensors": BOTH, "rules": [{"match": "*", "skip": True}]}, "rules", "must leave a tensor"),
    ({"tensors": [*BOTH, *BOTH], "rules": [{"match": "*", **FIXED}]}, "tensors", "different names"),
    ({"tensors": tensors("a", "a/b"), "rules": [{"match": "*", **FIXED}]}, "tensors", "must not hold a, which is a prefix"),
    ({"tensors": tensors("w", shape=()), "rules": [{"match": "*", "scheme": "framework_default"}]}, "rules.0.fan_in", "there are none"),
    ({"tensors": [*tensors("l.u", "l.w"), *tensors("l.b", shape=(4,))], "rules": [{"match": "l.b", "scheme": "framework_default"}, {"match": "*", "scheme": "he", "axes": "OI"}]}, "rules.0.fan_in", "there are l.u, l.w"),
    ({"tensors": [*tensors("l.w"), *tensors("l.b", shape=(4,))], "rules": [{"match": "l.b", "scheme": "framework_default"}, {"match": "*", **FIXED}]}, "rules.0.fan_in", "say its axes"),
    ({"tensors": [], "rules": []}, "tensors", "not empty"),
    ({"rules": []}, "tensors", "must be a list"),
    ({"tensors": BOTH, "rules": {}}, "rules", "must be a list"),
    ({"tensors": BOTH, "rules": [3]}, "rules.0", "must be an object"),
    ({"tensors": [3], "rules": []}, "tensors.0", "name, shape"),
    ({"tensors": [{"name": 3, "shape": []}]}, "tensors.0.name", "text"),
    ({"tensors": [{"name": "(1-", "shape": []}]}, "tensors.0.name", "(a-b)"),
    ({"tensors": [{"name": "a", "shape": [True]}]}, "tensors.0.shape", "whole numbers"),
    ({"tensors": [{"name": "a", "shape": [2.0]}]}, "tensors.0.shape", "whole numbers"),
    ({"tensors": [{"name": "a", "shape": [], "dtype": "F32"}]}, "tensors.0.dtype", "float32"),
    ({"tensors": [{"name": "a", "shape": [], "axes": ""}]}, "tensors.0", "name, shape"),
    ({"tensors": BOTH, "family": "none"}, "family", "torch"),
    ({"tensors": BOTH, "format": "gguf"}, "format", "pt"),
    ({"tensors": BOTH, "layers": 3}, "layers", "is unknown"),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "field", "message"), REFUSED, ids=[f"{f} {m}" for _, f, m in REFUSED])
def test_what_cannot_be_is_refused_with_its_place_and_why(fields: dict[str, Any], field: str, message: str) -> None:
    place, why = refusal(**fields)
    assert place == field
    assert message in why


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"seed": 1' + b"}" * 2, b"\xff", b"[" * 100_000])
def test_what_is_no_json_object_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedBody):
        model_in_body(body, LIMITS)


def test_a_repeated_key_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        model_in_body(b'{"tensors": [{"name": "a", "name": "b", "shape": []}]}', LIMITS)


@pytest.mark.parametrize(
    ("fields", "setting"),
    [
        ({"tensors": tensors("a.(0-999999999999)")}, "model_tensors"),
        ({"tensors": tensors("a.(0-1000)")}, "model_tensors"),
        ({"tensors": BOTH, "rules": [{"match": "*", **FIXED}] * 101}, "model_rules"),
    ],
)
def test_more_than_the_limits_allow_is_refused_before_it_is_made(fields: dict[str, Any], setting: str) -> None:
    with pytest.raises(TooLarge) as refused:
        model(**fields)
    assert refused.value.setting == setting


# Canonical JSON

EXAMPLE = {
    "seed": 42, "dtype": "float32", "activation": "relu", "scheme": "auto", "distribution": "normal",
    "tensors": [{"name": "h.(0-1).c_proj.weight", "shape": [4, 4], "dtype": "bfloat16"}, {"name": "f((x)", "shape": []}],
    "rules": [
        {"match": "*.c_proj.weight", "axes": "IO", "groups": 1, "scheme": "fixed", "std": 2e-2, "depth_scale": "total", "skip": False},
        {"match": "*", "scheme": "constant", "value": 1e-7},
    ],
}  # fmt: skip
CANONICAL = (
    '{"recipe":1,"rules":[{"axes":"IO","depth_scale":"total","match":"*.c_proj.weight","scheme":"fixed","std":0.02},'
    '{"match":"*","scheme":"constant","value":1e-7}],"seed":42,"tensors":['
    '{"dtype":"bfloat16","name":"h.0.c_proj.weight","shape":[4,4]},'
    '{"dtype":"bfloat16","name":"h.1.c_proj.weight","shape":[4,4]},{"name":"f((x)","shape":[]}]}'
)


def test_a_model_has_one_spelling_in_json() -> None:
    canonical = canonical_json(resolved(model(**EXAMPLE)), 42)
    assert canonical.decode() == CANONICAL
    assert fingerprint(canonical) == hashlib.sha256(CANONICAL.encode()).hexdigest()


def test_canonical_json_is_read_back_as_itself() -> None:
    again = canonical_json(resolved(model_in_body(CANONICAL.encode(), LIMITS)), 42)
    assert again.decode() == CANONICAL


def test_a_family_stands_behind_the_clients_rules_in_full() -> None:
    named = [*tensors("fc.weight"), *tensors("fc.bias", shape=(4,)), *tensors("own")]
    result = resolved(model(tensors=named, family="torch", rules=[{"match": "own", **FIXED}]))
    canonical = canonical_json(result, 1)
    fields = json.loads(canonical)
    assert "family" not in fields
    assert fields["format"] == "pt"
    assert fields["rules"][0] == {"match": "own", **FIXED}
    assert all(rule["optional"] for rule in fields["rules"][1:])
    again = resolved(model_in_body(canonical, LIMITS))
    assert canonical_json(again, 1) == canonical
    assert queries(again) == queries(result)


@pytest.mark.parametrize(
    ("number", "text"),
    # From RFC 8785, appendix B, and ECMAScript's Number::toString.
    [(1e-7, "1e-7"), (1e-6, "0.000001"), (1e21, "1e+21"), (1e20, "100000000000000000000"), (0.1, "0.1"), (5e-324, "5e-324"),
     (333333333.33333329, "333333333.3333333"), (1.5e30, "1.5e+30"), (2.0, "2"), (123456.789, "123456.789")],
)  # fmt: skip
def test_numbers_are_written_as_ecmascript_does(number: float, text: str) -> None:
    result = resolved(
        model(tensors=tensors("a"), rules=[{"match": "*", "scheme": "constant", "value": number, "dtype": "float64"}])
    )
    assert f'"value":{text}}}' in canonical_json(result, 1).decode()


# In URLs


def packed(body: bytes, wbits: int = -15) -> str:
    deflater = zlib.compressobj(9, zlib.DEFLATED, wbits)
    return base64.urlsafe_b64encode(deflater.compress(body) + deflater.flush()).rstrip(b"=").decode()


def test_a_model_comes_back_from_its_url() -> None:
    text = in_url(CANONICAL.encode())
    assert text is not None
    assert from_url(text) == CANONICAL.encode()
    assert zlib.decompress(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), -15) == CANONICAL.encode()


def test_a_model_that_is_too_long_has_no_url() -> None:
    # What SHA-512 gives cannot be deflated: 7,000 characters of base64 are 5,250 bytes.
    noise = b"".join(hashlib.sha512(bytes([number])).digest() for number in range(90))
    assert in_url(noise[:5000]) is not None
    assert in_url(noise) is None
    assert in_url(b" " * (MOST_INFLATED + 1)) is None


@pytest.mark.parametrize(
    "text",
    ["", "a", "====", "a+b/", packed(b"{}") + "=", packed(b"{}", 15), packed(b"{}", 31), packed(b"{}")[:-1], packed(b"{}") + "AAAA",
     packed(b" " * (MOST_INFLATED + 1)), packed(b" " * 2**26)],
    ids=range(11),
)  # fmt: skip
def test_what_is_no_bounded_raw_deflate_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        from_url(text)
    assert refused.value.errors[0].field == "model"


# Headers


def test_the_tensors_of_a_header_make_a_model() -> None:
    entries = [Entry("fc.weight", (4, 3), TensorDType.BFLOAT16), Entry("fc.bias", (4,), TensorDType.BFLOAT16)]
    result = resolved(model_of_tensors({"family": "torch", "seed": "7"}, entries, LIMITS))
    assert result.model.seed == 7
    assert queries(result)["fc.bias"] == "scheme=framework_default&dtype=bfloat16&seed=7&shape=4&fan_in=3"


def test_each_tensors_query_describes_it_alone() -> None:
    result = resolved(model(**EXAMPLE))
    for tensor in result.tensors:
        alone = tensor_in_query(tensor.tensor.name, parameters(query_of_tensor(tensor.tensor, 42)))
        assert alone.tensor == tensor.tensor
