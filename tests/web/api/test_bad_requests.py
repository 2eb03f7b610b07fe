"""Every request here is refused with a problem that names the field, the value and what is allowed."""

import base64
import json
import zlib
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from harness.running import running

GOOD = "layers=4,3&activation=relu&seed=1"
JSON = {"Content-Type": "application/json"}
TEXT = {"Content-Type": "text/plain"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True)
class Refused:
    """A request, the status of its answer, and what the detail must mention."""

    target: str
    status: int
    mentions: tuple[str, ...]
    method: str = "GET"
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)


def get(query: str, *mentions: str, path: str = "/weights.npy", status: int = 422) -> Refused:
    return Refused(f"{path}?{query}", status, mentions)


def post(document: Any, *mentions: str, status: int = 422, headers: dict[str, str] | None = None) -> Refused:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return Refused("/weights.npy", status, mentions, "POST", body, JSON if headers is None else headers)


def tensor(query: str, *mentions: str, name: str = "layers.0.weight.npy", status: int = 422) -> Refused:
    return Refused(f"/weights/{name}?{GOOD}{query}", status, mentions)


def own(query: str, *mentions: str, name: str = "w.npy", status: int = 422) -> Refused:
    return Refused(f"/tensor/{name}?{query}", status, mentions)


def model(changes: Any, *mentions: str, status: int = 422, headers: dict[str, str] | None = None) -> Refused:
    body = changes if isinstance(changes, bytes) else json.dumps({**MODEL, **changes}).encode()
    return Refused("/model/plan", status, mentions, "POST", body, JSON if headers is None else headers)


def rule(fields: dict[str, Any], *mentions: str) -> Refused:
    return model({"rules": [{**MODEL["rules"][0], **fields}]}, *mentions)


def header(content: bytes, *mentions: str, query: str = "family=torch&seed=1", status: int = 422) -> Refused:
    return Refused(f"/model/header?{query}", status, mentions, "POST", content)


def file(entries: dict[str, Any], **changes: Any) -> bytes:
    entry = {"dtype": "F32", "shape": [4, 3], "data_offsets": [0, 48]}
    text = json.dumps(entries or {"a.weight": {**entry, **changes}}).encode()
    return len(text).to_bytes(8, "little") + text


def packed(text: bytes) -> str:
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    return base64.urlsafe_b64encode(deflater.compress(text) + deflater.flush()).decode().rstrip("=")


def in_url(query: str, *mentions: str, path: str = "/model/plan", status: int = 422) -> Refused:
    return Refused(f"{path}?{query}", status, mentions)


def zarr(description: str, *mentions: str, key: str = "zarr.json", status: int = 422) -> Refused:
    return Refused(f"/zarr/{description}/{key}", status, mentions)


OWN = "shape=4,3&axes=OI&activation=relu&seed=1"
MODEL: dict[str, Any] = {
    "seed": 1,
    "tensors": [{"name": "a.weight", "shape": [4, 3]}],
    "rules": [{"match": "*.weight", "axes": "OI", "scheme": "he"}],
}
PACKED = packed(json.dumps(MODEL).encode())
SEEDLESS = packed(json.dumps({name: value for name, value in MODEL.items() if name != "seed"}).encode())
TOO_MANY = ",".join(["2"] * 1001)
NETWORK = {"layers": [4, 3], "activation": "relu", "seed": 1}

TABLE = {
    "no query": Refused("/weights.npy", 422, ("layers is required", "activation is required")),
    "no layers": get("activation=relu", "layers is required"),
    "empty layers": get("layers=&activation=relu", "layers", "two sizes"),
    "one layer": get("layers=784&activation=relu", "layers", "two sizes", "784"),
    "zero size": get("layers=784,0&activation=relu", "layers.1", "greater than or equal to 1", "0"),
    "negative size": get("layers=-3,2&activation=relu", "layers.0", "greater than or equal to 1", "-3"),
    "huge size": get("layers=2,99999999999&activation=relu", "layers.1", "2147483647", "99999999999"),
    "size of 11 digits": get("layers=2,10000000000&activation=relu", "layers.1", "2147483647", "10000000000"),
    "size of 5000 digits": get(f"layers=2,{'9' * 5000}&activation=relu", "layers.1", "integer", "999"),
    "size over the setting": get("layers=2,16777217&activation=relu", "16777217", "16777216", "WIDTH", status=413),
    "too many layers": get(f"layers={TOO_MANY}&activation=relu", "1001", "1000", "FANIN_LAYERS", status=413),
    "word as size": get("layers=784,ten&activation=relu", "layers.1", "integer", "ten"),
    "fraction as size": get("layers=784,2.5&activation=relu", "layers.1", "integer", "2.5"),
    "leading zero": get("layers=784,010&activation=relu", "layers.1", "leading zero", "010"),
    "plus sign": get("layers=784,%2B10&activation=relu", "layers.1", "integer", "+10"),
    "underscore": get("layers=7_84,10&activation=relu", "layers.0", "integer", "7_84"),
    "space": get("layers=784,%2010&activation=relu", "layers.1", "integer"),
    "exponent": get("layers=1e3,10&activation=relu", "layers.0", "integer", "1e3"),
    "other digits": get("layers=%D9%A3,2&activation=relu", "layers.0", "integer", "٣"),
    "missing size": get("layers=784,,10&activation=relu", "layers.1", "integer"),
    "semicolons": get("layers=784;10&activation=relu", "layers.0", "784;10"),
    "no activation": get("layers=4,3", "activation is required"),
    "empty activation": get("layers=4,3&activation=", "activation", "'relu'"),
    "unknown activation": get("layers=4,3&activation=swishy", "activation", "'silu'", "swishy"),
    "capitals": get("layers=4,3&activation=ReLU", "activation", "'relu'", "ReLU"),
    "unknown output activation": get(f"{GOOD}&output_activation=softmax", "output_activation", "'sigmoid'", "softmax"),
    "unknown scheme": get(f"{GOOD}&scheme=kaiming", "scheme", "'he'", "kaiming"),
    "unknown distribution": get(f"{GOOD}&distribution=cauchy", "distribution", "'uniform'", "cauchy"),
    "unknown dtype": get(f"{GOOD}&dtype=int8", "dtype", "'float32'", "int8"),
    "unknown layout": get(f"{GOOD}&layout=nchw", "layout", "'out_in'", "nchw"),
    "unknown bias": get(f"{GOOD}&bias=ones", "bias", "'zeros'", "ones"),
    "unknown recipe": get(f"{GOOD}&recipe=2", "recipe", "less than or equal to 1", "2"),
    "recipe zero": get(f"{GOOD}&recipe=0", "recipe", "greater than or equal to 1", "0"),
    "negative seed": get("layers=4,3&activation=relu&seed=-1", "seed", "greater than or equal to 0", "-1"),
    "seed of 2**53": get("layers=4,3&activation=relu&seed=9007199254740992", "seed", "9007199254740991"),
    "word as seed": get("layers=4,3&activation=relu&seed=lucky", "seed", "integer", "lucky"),
    "empty seed": get("layers=4,3&activation=relu&seed=", "seed", "integer"),
    "fraction as seed": get("layers=4,3&activation=relu&seed=1.0", "seed", "integer", "1.0"),
    "fixed without std": get(f"{GOOD}&scheme=fixed", "std is required"),
    "negative std": get(f"{GOOD}&scheme=fixed&std=-0.5", "std", "greater than or equal to 0", "-0.5"),
    "NaN as std": get(f"{GOOD}&scheme=fixed&std=NaN", "std", "number", "NaN"),
    "infinite std": get(f"{GOOD}&scheme=fixed&std=Infinity", "std", "number", "Infinity"),
    "overflowing std": get(f"{GOOD}&scheme=fixed&std=1e999", "std", "finite", "Infinity"),
    "std that overflows float16": get(f"{GOOD}&scheme=fixed&std=60000&dtype=float16", "std", "8000", "60000"),
    "std without fixed": get(f"{GOOD}&std=0.1", "std", "scheme=fixed", "0.1"),
    "word as std": get(f"{GOOD}&scheme=fixed&std=small", "std", "number", "small"),
    "unknown parameter": get(f"{GOOD}&gian=2", "gian", "known are layers", "2"),
    "repeated parameter": get(f"{GOOD}&seed=2", "seed", "once", "2"),
    "parameter without value": get(f"{GOOD}&bias", "query", "name=value"),
    "not UTF-8": get(f"{GOOD}&%FF=1", "query", "UTF-8"),
    "10,000 parameters": get("&".join(["a=1"] * 10_000), "query", "at most 100"),
    "bfloat16 as .npy": get(f"{GOOD}&dtype=bfloat16", "dtype", ".npy has no bfloat16", "safetensors"),
    "bfloat16 as .npz": get(f"{GOOD}&dtype=bfloat16", "dtype", ".npy has no bfloat16", path="/weights.npz"),
    "bfloat16 tensor as .npy": tensor("&dtype=bfloat16", "dtype", ".npy has no bfloat16"),
    "rows of a whole network": get(f"{GOOD}&rows=0:1", "rows", "unknown"),
    "unknown tensor": tensor("", "layers.7.weight", "layers.0.weight", name="layers.7.weight.npy", status=404),
    "tensor name of 5000 letters": tensor("", "xxx…", "layers.0.weight", name=f"{'x' * 5000}.npy", status=404),
    "bias that is not there": tensor("&bias=none", "layers.0.bias", name="layers.0.bias.npy", status=404),
    "unknown suffix": tensor("", "/weights/layers.0.weight.csv", name="layers.0.weight.csv", status=404),
    "rows out of bounds": tensor("&rows=0:5", "rows", "0:4", "0:5"),
    "reversed rows": tensor("&rows=3:1", "rows", "a < b", "3:1"),
    "empty rows": tensor("&rows=2:2", "rows", "a < b", "2:2"),
    "negative rows": tensor("&rows=-2:2", "rows", "a:b", "-2:2"),
    "open rows": tensor("&rows=2:", "rows", "a:b", "2:"),
    "rows with a leading zero": tensor("&rows=01:2", "rows", "a:b", "01:2"),
    "rows with a step": tensor("&rows=0:4:2", "rows", "a:b", "0:4:2"),
    "columns out of bounds": tensor("&columns=0:4", "columns", "0:3", "0:4"),
    "rows of 40 digits": tensor(f"&rows=0:{'9' * 40}", "rows", "a:b"),
    "columns of a bias": tensor("&columns=0:1", "columns", "one axis", name="layers.0.bias.npy"),
    "too much JSON": get("layers=4000,4000&activation=relu", "4194304", ".npy", path="/weights.json", status=413),
    "matrix too large to be drawn whole": get(
        "layers=10000,10000&activation=relu&scheme=orthogonal", "other layout", "FANIN_MATRIX_BYTES",
        path="/weights.npy", status=413,
    ),
    "field without effect": get("layers=4,4&activation=relu&scheme=orthogonal&distribution=uniform", "distribution",
                                "has no effect with scheme=orthogonal"),
    "fan that the scheme's name says": get("layers=4,4&activation=relu&scheme=glorot&fan=out", "fan", "no effect"),
    "slope without leaky_relu": get("layers=4,4&activation=relu&scheme=variance_preserving&slope=0.2", "leaky_relu"),
    "cut that has no constant": get(
        "layers=4,4&activation=relu&distribution=truncated_normal&cut=1.7", "cut", "0.5, 1, 1.5, 2", "1.7"
    ),
    "cut of a normal": get("layers=4,4&activation=relu&cut=3", "cut", "distribution=truncated_normal"),
    "gain that overflows": get("layers=4,4&activation=relu&gain=1e38", "gain", "overflows"),
    "names too few": get(f"{GOOD}&names=a,b", "names", "each of the 1 layers", "$n", "a,b"),
    "names that are one": get("layers=4,3,2&activation=relu&names=a,a", "names", "different", "a,a"),
    "name of a layer with a slash": get(f"{GOOD}&names=a/b", "names", "letters", "a/b"),
    "name of a layer that begins with __": get(f"{GOOD}&names=__a", "names", "__"),
    "name of a layer of 65 letters": get(f"{GOOD}&names={'x' * 65}", "names", "64"),
    "template of 20,000 letters": get(f"{GOOD}&names={'$n' * 10_000}", "names", "64 letters", "$n$n"),
    "slope without leaky_relu in a diagnosis": get(
        "layers=4,4&activation=relu&slope=0.2", "slope", "has no effect without activation=leaky_relu", "0.2",
        path="/diagnose",
    ),
    "alpha without elu": get("layers=4,4&activation=selu&alpha=2", "alpha", "without activation=elu", path="/plan"),
    "slope below zero": get("layers=4,4&activation=leaky_relu&slope=-1", "slope", "greater than or equal to 0", "-1"),
    "alpha that is no number": get("layers=4,4&activation=elu&alpha=nan", "alpha", "number", "nan"),
    "another network than the data's": get("layers=4,4&activation=relu", "layers.0", "64", "digits", path="/learn"),
    "more work than a training may be": get(
        "layers=64,9999,10&activation=relu&batch=1437&steps=9999", "FANIN_LEARNING_WORK", "steps would fit",
        path="/learn.ndjson", status=413,
    ),
    "too many bytes": get("layers=16777216,16777216&activation=relu&seed=1", "274877906944", "range", status=413),
    "body that is not JSON": post(b"{layers: 4,3}", "JSON", status=400),
    "empty body": post(b"", "JSON", status=400),
    "truncated body": post(b'{"layers": [4, 3], "activ', "JSON", status=400),
    "body that is not UTF-8": post(b'{"activation": "\xff"}', "JSON", status=400),
    "body that is a list": post([4, 3], "object", "[4, 3]", status=400),
    "body nested 30,000 deep": post(b"[" * 30_000, "JSON", status=400),
    **{
        f"body nested {depth} deep": post(b'{"layers":' + b"[" * depth + b"]" * depth + b"}", status=status)
        for depth, status in ((10, 422), (500, 422))
    },
    "integer of 5000 digits": post(b'{"seed": ' + b"9" * 5000 + b"}", "JSON", status=400),
    "body too large": post(b" " * 70_000, "65536", "FANIN_BODY_BYTES", status=413),
    "wrong content type": post(NETWORK, "application/json", "text/plain", status=415, headers=TEXT),
    "form": post(b"layers=4,3", "x-www-form-urlencoded", status=415, headers=FORM),
    "no content type": post(NETWORK, "application/json", "missing", status=415, headers={}),
    "string as size": post({**NETWORK, "layers": [4, "3"]}, "layers.1", "integer", "3"),
    "string as layers": post({**NETWORK, "layers": "4,3"}, "layers", "4,3"),
    "true as size": post({**NETWORK, "layers": [4, True]}, "layers.1", "integer", "true"),
    "null as seed": post({**NETWORK, "seed": None}, "seed", "integer", "null"),
    "float as size": post({**NETWORK, "layers": [4, 3.0]}, "layers.1", "integer", "3.0"),
    "float as seed": post({**NETWORK, "seed": 1.0}, "seed", "integer", "1.0"),
    "string as std": post({**NETWORK, "scheme": "fixed", "std": "0.1"}, "std", "number", "0.1"),
    "NaN in JSON": post(b'{"layers":[4,3],"activation":"relu","scheme":"fixed","std":NaN}', "std", "finite", "NaN"),
    "unknown key": post({**NETWORK, "gian": 2}, "gian", "known are layers", "2"),
    "repeated key": post(b'{"layers":[4,3],"activation":"relu","seed":1,"seed":2}', "seed", "once", "2"),
    "half a surrogate pair": post(b'{"layers":[4,3],"activation":"\\ud800"}', "activation", "Unicode", "\\ud800"),
    "900 bad sizes": post(b'{"layers":[' + b"0," * 900 + b'0],"activation":"relu"}', "layers.0", "layers.19"),
    "20,000 bad sizes": post(
        b'{"layers":[' + b"0," * 20_000 + b'0],"activation":"relu"}', "20001", "1000", "FANIN_LAYERS", status=413
    ),
    "9,000 bad sizes in a URL": get(f"layers={'0,' * 9000}0&activation=relu", "9001", "FANIN_LAYERS", status=413),
    "list as activation": post({**NETWORK, "activation": ["relu"]}, "activation", "'relu'"),
    "object as layers": post({**NETWORK, "layers": {"a": 1}}, "layers"),
    "query beside a body": Refused(f"/plan?{GOOD}", 422, ("query", "body"), "POST", b"{}", JSON),
    "PUT": Refused(f"/weights.npy?{GOOD}", 405, ("PUT", "GET, HEAD, POST"), "PUT"),
    "DELETE": Refused("/livez", 405, ("DELETE", "GET, HEAD"), "DELETE"),
    "POST of a tensor": Refused(f"/weights/layers.0.weight.npy?{GOOD}", 405, ("POST", "GET, HEAD"), "POST"),
    "unknown path": Refused("/weights.onnx", 404, ("/weights.onnx", "/docs")),
    "path with a slash at its end": Refused(f"/plan/?{GOOD}", 404, ("/plan/",)),
    "POST of a file": Refused("/static/docs.html", 405, ("POST", "GET, HEAD"), "POST"),
    "unknown file": Refused("/static/lab/nothing.js", 404, ("/static/lab/nothing.js", "/docs")),
    "folder of files": Refused("/static/lab", 404, ("/static/lab",)),
    "file name with a zero byte": Refused("/static/%00.js", 404, ("/static/",)),
    "file name of 5000 letters": Refused(f"/static/{'x' * 5000}", 404, ("/static/xxx",)),
    "POST of the page": Refused("/", 405, ("POST", "GET, HEAD"), "POST"),
    "POST of a picture of a training": Refused("/learn.svg", 405, ("POST", "GET, HEAD"), "POST", b"{}", JSON),
    "POST of a picture": Refused("/diagnose.svg", 405, ("POST", "GET, HEAD"), "POST", b"{}", JSON),
    "own tensor without a shape": own("activation=relu", "shape is required"),
    "own tensor of no elements": own("shape=4,0&axes=OI&activation=relu", "shape", "from 1", "[4, 0]"),
    "own tensor of nine axes": own("shape=1,1,1,1,1,1,1,1,1&scheme=zeros", "shape", "at most 8"),
    "own tensor of 2**60 elements": own("shape=1073741824,1073741824&scheme=zeros", "shape", "9007199254740992"),
    "fraction in a shape": own("shape=4,2.5&scheme=zeros", "shape", "whole numbers", "2.5"),
    "axes too few": own("shape=4,3,2&axes=OI&activation=relu", "axes", "a letter for each", "OI"),
    "unknown axis": own("shape=4,3&axes=OX&activation=relu", "axes", "B, D, H, W, I, V, O", "OX"),
    "two H axes": own("shape=4,3,2,2&axes=OIHH&activation=relu", "axes", "at most once", "OIHH"),
    "no axes where they count": own("shape=4,3&activation=relu", "axes", "OI means fan_in 3", "IO means fan_in 4"),
    "auto of one axis": own("shape=4&activation=relu", "scheme", "constant, zeros or ones", "fan_in"),
    "groups that do not divide": own(f"{OWN}&groups=3", "groups", "divide the 4 outputs", "3"),
    "a stride without a kernel": own(f"{OWN}&transposed_stride=2", "transposed_stride", "kernel axis"),
    "parts that do not divide": own(f"{OWN}&parts=q,k,v", "parts", "part_sizes", "q,k,v"),
    "part sizes of another sum": own(f"{OWN}&parts=q,k&part_sizes=1,2", "part_sizes", "4 together"),
    "part sizes without parts": own(f"{OWN}&part_sizes=1,3", "part_sizes", "goes with parts"),
    "no activation under auto": own("shape=4,3&axes=OI", "activation is required"),
    "activation under zeros": own("shape=4&scheme=zeros&activation=relu", "activation", "no effect"),
    "constant without value": own("shape=4&scheme=constant", "value is required"),
    "fraction as int64": own("shape=4&scheme=constant&value=0.5&dtype=int64", "value", "whole number", "0.5"),
    "value over uint8": own("shape=4&scheme=constant&value=256&dtype=uint8", "value", "255", "256"),
    "random integers": own(f"{OWN}&dtype=int32", "dtype", "float", "int32"),
    "std that overflows": own("shape=4&scheme=fixed&std=60000&dtype=float16", "std", "8000", "60000"),
    "bfloat16 of its own as .npy": own(f"{OWN}&dtype=bfloat16", "dtype", ".npy has no bfloat16"),
    "unknown field of a tensor": own(f"{OWN}&layers=4,3", "layers", "known are shape"),
    "empty name": own(OWN, "name", "not empty", name=".npy"),
    "name that climbs": own(OWN, "name", "..", name="a/%2E%2E/b.npy"),
    "name of a hidden part": own(OWN, "name", "__", name="a/__init.npy"),
    "name with a control character": own(OWN, "name", "control", name="a%07b.npy"),
    "name of 600 bytes": own(OWN, "name", "512", name=f"{'x' * 600}.npy"),
    "name that is not UTF-8": own(OWN, "name", "UTF-8", name="%FF.npy"),
    "own tensor as .npz": own(OWN, "/tensor/w.npz", name="w.npz", status=404),
    "slice of a scalar": own("shape=&scheme=zeros&slice=0:1", "slice", "scalar"),
    "slice of too few axes": own(f"{OWN}&slice=0:1", "slice", "2 axes", "0:1"),
    "slice out of bounds": own(f"{OWN}&slice=0:5,:", "slice", "0:4", "0:5"),
    "empty slice": own(f"{OWN}&slice=2:2,:", "slice", "2:2"),
    "slice with a step": own(f"{OWN}&slice=0:4:2,:", "slice", "a:b"),
    "slice that is all": own(f"{OWN}&slice=0:4,:", "slice", "whole axis", "0:4"),
    "slice of a plan": own(f"{OWN}&slice=0:1,:", "slice", "unknown", name="w/plan"),
    "too much JSON of one tensor": own("shape=9999,9999&scheme=zeros", "4194304", name="w.json", status=413),
    "POST of an own tensor": Refused(f"/tensor/w.npy?{OWN}", 405, ("POST", "GET, HEAD"), "POST"),
    "model that is not JSON": model(b"{", "JSON", status=400),
    "model that is a list": model(b"[]", "object", status=400),
    "model as text": model({}, "application/json", "text/plain", status=415, headers=TEXT),
    "model without tensors": model({"tensors": []}, "tensors", "not empty"),
    "unknown field of a model": model({"layers": [4, 3]}, "layers", "known are seed"),
    "repeated field of a model": model(b'{"seed":1,"seed":2}', "seed", "once"),
    "null in a model": model({"dtype": None}, "dtype", "float32", "null"),
    "tensor without a shape": model({"tensors": [{"name": "a"}]}, "tensors.0", "name, shape"),
    "true as a side": model({"tensors": [{"name": "a", "shape": [True]}]}, "tensors.0.shape", "whole numbers"),
    "reversed range": model({"tensors": [{"name": "a.(3-1)", "shape": [1]}]}, "tensors.0.name", "(3-1)"),
    "10**9 tensors": model({"tensors": [{"name": "a.(0-999999999)", "shape": [1]}]}, "MODEL_TENSORS", status=413),
    "two tensors of one name": model({"tensors": MODEL["tensors"] * 2}, "tensors", "different names", "a.weight"),
    "tensor that is a folder": model({"tensors": [{"name": n, "shape": [1]} for n in ("a", "a/b")]}, "prefix", "a/b"),
    "257 rules": model({"rules": MODEL["rules"] * 257}, "257", "FANIN_MODEL_RULES", status=413),
    "rule without match": model({"rules": [{"scheme": "zeros"}]}, "rules.0.match is required"),
    "rule that takes nothing": model({"rules": [*MODEL["rules"], {"match": "b*", "scheme": "zeros"}]}, "rules.1", "b*"),
    "rule behind another": model({"rules": MODEL["rules"] * 2}, "rules.1.match", "taken before", "rules.0"),
    "tensor that nothing takes": model({"rules": []}, "rules", "none matches a.weight"),
    "five stars": rule({"match": "*a*.*w*t*"}, "rules.0.match", "4 stars"),
    "unknown field of a rule": rule({"layers": 1}, "rules.0.layers", "known are match"),
    "rule with a place beyond its stars": rule({"key": "$2"}, "rules.0.key", "$n", "$2"),
    "depth without a layer": rule({"depth_scale": "total"}, "rules.0.depth_scale", "layer's number"),
    "layer count alone": rule({"layer_count": 3}, "rules.0.layer_count", "depth_scale"),
    "rule that does not fit a shape": rule({"axes": "OIHW"}, "rules.0.axes", "a.weight", "OIHW"),
    "tie to nobody": model({"rules": [{"match": "*", "tie": "b"}]}, "rules.0.tie", "name a tensor", "b"),
    "tie to itself": model({"rules": [{"match": "*", "tie": "a.weight"}]}, "rules.0.tie", "lead back"),
    "all skipped": model({"rules": [{"match": "*", "skip": True}]}, "rules", "all are skipped"),
    "unknown family": model({"family": "gpt5"}, "family", "gpt2", "gpt5"),
    "family without its field": model({"family": "t5", "rules": []}, "is required with this family"),
    "field of another family": model({"d_kv": 64}, "d_kv", "goes with a family", "64"),
    "model too large": model(b" " * (2**23 + 1), "8388608", "FANIN_MODEL_BYTES", status=413),
    "model beside a query": Refused("/model/plan?seed=1", 422, ("query", "body"), "POST", b"{}", JSON),
    "no model": in_url("", "model is required"),
    "model beside another parameter": in_url(f"model={PACKED}&seed=1", "seed", "known are model"),
    "model that is not base64": in_url("model=a%2Bb", "model", "base64url", "a+b"),
    "model with padding": in_url(f"model={PACKED}%3D", "model", "without padding"),
    "model that does not inflate": in_url("model=AAAA", "model", "deflate", "AAAA"),
    "model that inflates to 2 MiB": in_url(f"model={packed(b' ' * 2**21)}", "model", "1048576 bytes"),
    "packed model that is not JSON": in_url(f"model={packed(b'{')}", "model", "JSON"),
    "packed model without tensors": in_url(f"model={packed(b'{}')}", "tensors", "not empty"),
    "unknown tensor of a model": in_url(f"model={PACKED}", "a.weight", path="/model/weights/b.npy", status=404),
    "slice of a model's tensor": in_url(
        f"model={PACKED}&slice=0:9,:", "slice", "0:4", path="/model/weights/a.weight.bin"
    ),
    "header of seven bytes": header(b"\0" * 7, "body", "8 bytes", "7 bytes"),
    "header cut off": header(file({})[:-5], "body", "whole header"),
    "header that is not JSON": header((3).to_bytes(8, "little") + b"abc", "body", "JSON object"),
    "header of a huge length": header(b"\xff" * 8, "FANIN_HEADER_BYTES", status=413),
    "header with a hole": header(file({}, data_offsets=[4, 52]), "a.weight", "hole"),
    "header of another size": header(file({}, data_offsets=[0, 44]), "a.weight", "48 bytes"),
    "header of F8": header(file({}, dtype="F8_E4M3"), "a.weight", "dtypes", "F8_E4M3"),
    "header without tensors": header(file({"__metadata__": {}}), "tensors", "at least one"),
    "header without rules": header(file({}), "rules", "a.weight", query="seed=1"),
    "unknown field of a header": header(file({}), "tensors", "known are", query="family=torch&tensors=1"),
    "GET of a header": Refused("/model/header?family=torch", 405, ("GET", "POST")),
    "Zarr store without a seed": zarr("layers=4,3&activation=relu", "seed is required here", "chunks"),
    "Zarr store of a model without a seed": zarr(f"model={SEEDLESS}", "seed is required here"),
    "Zarr array without a seed": zarr("shape=4&scheme=ones", "seed is required here", key="w/zarr.json"),
    "Zarr store of nothing": zarr("seed=1", "shape is required"),
    "Zarr store of an unknown activation": zarr("layers=4,3&activation=swishy&seed=1", "activation", "'silu'"),
    "Zarr store of too many layers": zarr(f"layers={TOO_MANY}&activation=relu&seed=1", "FANIN_LAYERS", status=413),
    "Zarr store of a repeated parameter": zarr(f"{GOOD}&seed=2", "seed", "once"),
    "Zarr store of a parameter without a value": zarr(f"{GOOD}&bias", "description", "name=value"),
    "Zarr store that is not UTF-8": zarr(f"{GOOD}&dtype=%25FF", "description", "UTF-8"),
    "Zarr store whose path is not UTF-8": zarr(f"{GOOD}&dtype=%FF", "name", "UTF-8"),
    "Zarr store of a model and a parameter": zarr(f"model={PACKED}&seed=1", "seed", "known are model"),
    "Zarr store of bad base64": zarr("model=a+b", "model", "base64url", "a+b"),
    "Zarr store of a name that is a key": zarr(OWN, "name", "zarr.json or c", key="a/c/b/zarr.json"),
    "Zarr store with a query": zarr(GOOD, "query", "part of the path", "x=2", key="zarr.json?x=2"),
    "Zarr array with a query": zarr(GOOD, "query", "part of the path", key="layers.0.weight/zarr.json?x"),
    "Zarr chunk with a query": zarr(GOOD, "query", "part of the path", key="layers.0.weight/c/0/0?rows=0:1"),
    "Zarr probe with a query": Refused(f"/zarr/zarr.json?{GOOD}", 422, ("query", "part of the path")),
    "unknown parameter of a Zarr network": zarr(f"{GOOD}&chunk=2,2", "chunk is unknown", "layers", "chunks"),
    "unknown parameter of a Zarr tensor": zarr(f"{OWN}&chunk=2,2", "chunk is unknown", "shape", "chunks"),
    "unknown parameter of a Zarr model": zarr(f"model={PACKED}&chunk=2", "chunk is unknown", "known are model, chunks"),
    "chunks of no length": zarr(f"{GOOD}&bias=none&chunks=0,2", "chunks", "from 1 on", "0,2"),
    "chunks with a space": zarr(f"{GOOD}&bias=none&chunks=2,%202", "chunks", "commas"),
    "chunks of tensors of several ranks": zarr(f"{GOOD}&chunks=2,2", "chunks", "layers.0.bias", "leave"),
    "chunks over 64 MiB": zarr(
        "layers=9999,9999&activation=relu&bias=none&seed=1&chunks=5000,5000", "chunks", "67108864", "100000000"
    ),
    "unknown Zarr array": zarr(GOOD, "layers.7.weight", "layers.0.weight", key="layers.7.weight/zarr.json", status=404),
    "chunk out of bounds": zarr(GOOD, "key", "below each of [1, 1]", "c/1/0", key="layers.0.weight/c/1/0"),
    "chunk with a leading zero": zarr(GOOD, "key", "c/00/0", key="layers.0.weight/c/00/0"),
    "POST of a chunk": Refused(f"/zarr/{GOOD}/layers.0.weight/c/0/0", 405, ("POST", "GET, HEAD"), "POST"),
    "path out of the static folder": Refused("/static/..%2F..%2Fapp.py", 404, ("/static/",)),
}  # fmt: skip


def answer_to(refused: Refused, client: httpx.Client) -> httpx.Response:
    request = client.build_request(refused.method, refused.target, content=refused.body, headers=refused.headers)
    return client.send(request)


@pytest.mark.parametrize("refused", TABLE.values(), ids=TABLE)
def test_a_bad_request_gets_a_problem_that_says_what_is_allowed(client: httpx.Client, refused: Refused) -> None:
    answer = answer_to(refused, client)
    assert answer.status_code == refused.status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    problem = answer.json()
    assert problem["status"] == refused.status
    assert problem["type"].startswith("urn:fanin:problem:")
    assert problem["title"]
    for mention in refused.mentions:
        assert mention in problem["detail"]


@pytest.mark.parametrize("refused", [row for row in TABLE.values() if row.status == 422])
def test_each_bad_field_is_pointed_at(client: httpx.Client, refused: Refused) -> None:
    for error in answer_to(refused, client).json()["errors"]:
        assert error["pointer"] == "#/" + error["field"].replace(".", "/")
        assert error["message"]


@pytest.mark.parametrize("depth", range(900, 1000, 2))
def test_nesting_about_as_deep_as_the_stack_is_refused(client: httpx.Client, depth: int) -> None:
    body = b'{"layers":' + b"[" * depth + b"]" * depth + b',"activation":"relu"}'
    answer = client.post("/plan", content=body, headers=JSON)
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_refused_method_is_answered_with_all_that_are_allowed(client: httpx.Client) -> None:
    assert client.patch("/plan").headers["allow"] == "GET, HEAD, POST"


def test_a_refused_range_tells_the_length(client: httpx.Client) -> None:
    answer = client.get(f"/weights.npy?{GOOD}", headers={"Range": "bytes=188-"})
    assert (answer.status_code, answer.headers["content-range"]) == (416, "bytes */188")
    assert answer.headers["content-type"] == "application/problem+json"


def test_every_limit_is_a_setting() -> None:
    limits = {
        "layers": 3,
        "width": 10,
        "json_elements": 20,
        "response_bytes": 200,
        "body_bytes": 30,
        "matrix_bytes": 99,
    }
    refused = {
        "/plan?layers=1,2,3,4&activation=relu": "FANIN_LAYERS",
        "/plan?layers=1,11&activation=relu": "FANIN_WIDTH",
        "/weights.json?layers=5,5&activation=relu": "FANIN_JSON_ELEMENTS",
        "/weights.npy?layers=5,5&activation=relu": "FANIN_RESPONSE_BYTES",
        "/weights.npz?layers=2,2&activation=relu&scheme=orthogonal": "FANIN_MATRIX_BYTES",
    }
    with running(**limits) as service:
        for target, setting in refused.items():
            answer = httpx.get(service.url + target, timeout=60)
            assert answer.status_code == 413
            assert setting in answer.json()["detail"]
        answer = httpx.post(f"{service.url}/plan", json=NETWORK, timeout=60)
        assert (answer.status_code, "FANIN_BODY_BYTES" in answer.json()["detail"]) == (413, True)
        allowed = httpx.get(
            f"{service.url}/weights.npy?layers=5,5&activation=relu&seed=1", headers={"Range": "bytes=0-99"}, timeout=60
        )
        assert allowed.status_code == 206
