"""Every request here is refused with a problem that names the field, the value and what is allowed."""

import json
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from tests.running import Service, running

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
    "unknown parameter": get(f"{GOOD}&gain=2", "gain", "known are layers", "2"),
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
    "unknown key": post({**NETWORK, "gain": 2}, "gain", "known are layers", "2"),
    "repeated key": post(b'{"layers":[4,3],"activation":"relu","seed":1,"seed":2}', "seed", "once", "2"),
    "half a surrogate pair": post(b'{"layers":[4,3],"activation":"\\ud800"}', "activation", "Unicode", "\\ud800"),
    "20,000 bad sizes": post(b'{"layers":[' + b"0," * 20_000 + b'0],"activation":"relu"}', "layers.0", "layers.19"),
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
    "POST of a picture": Refused("/diagnose.svg", 405, ("POST", "GET, HEAD"), "POST", b"{}", JSON),
    "path out of the static folder": Refused("/static/..%2F..%2Fapp.py", 404, ("/static/",)),
}  # fmt: skip


@pytest.mark.parametrize("refused", TABLE.values(), ids=TABLE)
def test_a_bad_request_gets_a_problem_that_says_what_is_allowed(client: httpx.Client, refused: Refused) -> None:
    request = client.build_request(refused.method, refused.target, content=refused.body, headers=refused.headers)
    answer = client.send(request)
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
    request = client.build_request(refused.method, refused.target, content=refused.body, headers=refused.headers)
    for error in client.send(request).json()["errors"]:
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
    limits = {"layers": 3, "width": 10, "json_elements": 20, "response_bytes": 200, "body_bytes": 30}
    refused = {
        "/plan?layers=1,2,3,4&activation=relu": "FANIN_LAYERS",
        "/plan?layers=1,11&activation=relu": "FANIN_WIDTH",
        "/weights.json?layers=5,5&activation=relu": "FANIN_JSON_ELEMENTS",
        "/weights.npy?layers=5,5&activation=relu": "FANIN_RESPONSE_BYTES",
    }
    with running(**limits) as service:
        for target, setting in refused.items():
            answer = httpx.get(service.url + target)
            assert answer.status_code == 413
            assert setting in answer.json()["detail"]
        answer = httpx.post(f"{service.url}/plan", json=NETWORK)
        assert (answer.status_code, "FANIN_BODY_BYTES" in answer.json()["detail"]) == (413, True)
        allowed = httpx.get(
            f"{service.url}/weights.npy?layers=5,5&activation=relu&seed=1", headers={"Range": "bytes=0-99"}
        )
        assert allowed.status_code == 206


def test_no_bad_request_is_a_fault_of_the_service(service: Service) -> None:
    assert not [line for line in service.log_lines() if line.get("status", 0) >= 500 or line["level"] == "error"]
