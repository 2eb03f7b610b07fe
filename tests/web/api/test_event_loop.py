"""No request holds the event loop for long, whatever it asks for: all others wait meanwhile."""

import io
import json
from itertools import pairwise

import httpx
import numpy as np
import numpy.typing as npt
import pytest
import safetensors.numpy

from harness.running import Service, running
from tests.web.api.test_bad_requests import JSON, TABLE, Refused, answer_to, packed
from tests.web.watched import MESSAGE

MOST_SECONDS = 0.02
TRIES = 5
NARROW = ",".join(["2"] * 1000)
LEARNED = ",".join(["2"] * 990)
LONG = ",".join(["16777216"] * 1000)  # the longest spelling of as many layers as there may be
FIRST = "layers.0.weight/c/0/0"
EDGE = "layers.0.weight/c/2/2"
SEEDED = "activation=relu&seed=1"


def own_weights() -> dict[str, npt.NDArray[np.float32]]:
    sizes = [3] * 1000
    weights = {f"layers.{n}.weight": np.ones(shape, np.float32) for n, shape in enumerate(pairwise(sizes))}
    return weights | {f"layers.{n}.bias": np.ones(3, np.float32) for n in range(999)}


def npz() -> bytes:
    file = io.BytesIO()
    np.savez(file, allow_pickle=True, **own_weights())
    return file.getvalue()


def model_in_query(dtype: str) -> str:
    """Return `model=` for 36,757 tensors, as many as a mixture of 46 layers of 264 experts has."""
    tensors = [
        {"name": "layers.(0-45).experts.(0-263).(1-3).weight", "shape": [2, 3]},
        {"name": "layers.(0-45).(1-7).weight", "shape": [2, 3]},
        {"name": "(1-3)", "shape": [2, 3]},
    ]
    rule = {"match": "*", "axes": "OI", "scheme": "fixed", "std": 0.02}
    text = json.dumps({"seed": 1, "dtype": dtype, "tensors": tensors, "rules": [rule]})
    return f"model={packed(text.encode())}"


def own(body: bytes) -> Refused:
    return Refused("/diagnose/weights?activation=tanh&samples=2", 200, (), "POST", body)


LARGEST = {
    **{
        f"{method} {path} of {name} layers": Refused(f"{path}?layers={layers}&{SEEDED}", 0, (), method)
        for path in ("/plan", "/weights.npy", "/weights.npz", "/weights.safetensors", "/weights.json")
        for method in ("HEAD", "GET")
        for name, layers in (("narrow", NARROW), ("wide", LONG))
        if method == "HEAD" or layers is NARROW or path == "/plan"
    },
    **{
        f"{method} {path} of 36,757 tensors": Refused(f"{path}?{model_in_query('float32')}", 200, (), method)
        for path in ("/model/plan", *(f"/model/weights.{suffix}" for suffix in ("npy", "npz", "safetensors", "json")))
        for method in ("HEAD", "GET")
    },
    "a range": Refused(f"/weights.npy?layers={LONG}&{SEEDED}", 206, (), headers={"Range": "bytes=9999999-10999999"}),
    "a tensor": Refused(f"/weights/layers.900.weight.bin?layers={NARROW}&{SEEDED}", 200, ()),
    "an unknown tensor": Refused(f"/weights/layers.1000.weight.bin?layers={NARROW}&{SEEDED}", 404, ()),
    "a body of 1000 layers": Refused(
        "/plan", 200, (), "POST", json.dumps({"layers": [16777216] * 1000, "activation": "relu"}).encode(), JSON
    ),
    "64 KiB of zeros": Refused(
        "/plan", 413, (), "POST", b'{"activation":"relu","layers":[' + b"0," * 32_000 + b"0]}", JSON
    ),
    "30 KB of escapes": Refused(f"/plan?layers={'%30' * 10_000}", 422, ()),
    "a diagnosis": Refused(f"/diagnose?layers={NARROW}&{SEEDED}&samples=2", 200, ()),
    "a picture": Refused(f"/diagnose.svg?layers={NARROW}&{SEEDED}&samples=2", 200, ()),
    "a training": Refused(f"/learn?layers=64,{NARROW},10&{SEEDED}&steps=1", 413, ()),
    "lines of a training": Refused(f"/learn.ndjson?layers=64,{LEARNED},10&{SEEDED}&steps=1&batch=2", 200, ()),
    "an .npz of 1000 layers": own(npz()),
    "a safetensors file of 1000 layers": own(safetensors.numpy.save(own_weights())),
    "the group of 1000 layers": Refused(f"/zarr/layers={NARROW}&{SEEDED}/zarr.json", 200, ()),
    "a chunk of 1000 layers": Refused(f"/zarr/layers={NARROW}&{SEEDED}/layers.7.weight/c/0/0", 200, ()),
    "a chunk of 64 MiB": Refused(f"/zarr/layers=9999,9999&{SEEDED}&bias=none&chunks=4096,4096/{FIRST}", 200, ()),
    "a chunk at the edge": Refused(f"/zarr/layers=9999,9999&{SEEDED}&bias=none&chunks=4096,4096/{EDGE}", 200, ()),
    "the document": Refused("/openapi.json", 200, ()),
    "the documentation": Refused("/static/openapi-explorer.min.js", 200, (), headers={"Accept-Encoding": "gzip"}),
    "the metrics": Refused("/metrics", 200, ()),
}


@pytest.mark.parametrize("requests", [TABLE, LARGEST], ids=["bad requests", "the largest requests"])
def test_no_request_holds_the_event_loop_for_long(requests: dict[str, Refused]) -> None:
    # What others compute beside a thread makes its time longer too, so what took long must take long each time.
    for number in range(TRIES):
        with running("-m", "tests.web.watched") as watched:
            held = longest_steps(watched, requests)
        assert held or number, "nothing is watched"
        too_long = {step: seconds for step, seconds in held.items() if seconds > MOST_SECONDS}
        if not too_long:
            return
        requests = {name: requests[name] for name, _ in too_long}
    pytest.fail(f"seconds, {TRIES} times: {too_long}")


def longest_steps(watched: Service, requests: dict[str, Refused]) -> dict[tuple[str, str], float]:
    """Return the seconds of the longest step of each kind, by the name of its request and by what it does."""
    longest: dict[tuple[str, str], float] = {}
    with httpx.Client(base_url=watched.url, timeout=60) as client:
        for name, request in requests.items():
            before = len(watched.log_lines())
            answer = answer_to(request, client)
            assert request.status in (0, answer.status_code), answer.text[:500]
            assert answer.status_code < 500
            client.get("/livez")
            for line in watched.log_lines()[before:]:
                if line["message"] == MESSAGE:
                    step = name, line["what"]
                    longest[step] = max(line["seconds"], longest.get(step, 0.0))
    return longest
