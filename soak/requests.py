"""What is asked: requests that schemathesis once made up from the document, and requests of our own."""

import gzip
import io
import json
import random
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

# One request a line, as `python -m soak.record` has written them.
RECORDED = Path(__file__).with_name("recorded.jsonl.gz")
OWN_SHARE = 0.5  # of all requests: valid ones, whose answers are bytes that never change
LONG_SHARE = 0.04  # of these: diagnoses, trainings and metrics, each of which takes as long as a dozen others
SEEDS = 10_000  # of our own requests: some are asked for again and again, most are not
PATHS = (
    "/plan?layers=784,256,10&activation=relu&seed={seed}",
    "/weights.npy?layers=64,32,8&activation=tanh&seed={seed}",
    "/weights.npz?layers=20,30,5&activation=gelu&seed={seed}",
    "/weights.safetensors?layers=300,200&activation=relu&dtype=float16&seed={seed}",
    "/weights.json?layers=9,8,7&activation=sigmoid&seed={seed}",
    "/weights/layers.0.weight.bin?layers=512,512&activation=relu&layout=out_in&seed={seed}",
    "/weights/layers.1.weight.json?layers=9,8,7&activation=relu&std=0.1&scheme=fixed&rows=2:5&seed={seed}",
    "/tensor/conv1.weight.bin?shape=16,3,3,3&axes=OIHW&activation=relu&seed={seed}",
    "/tensor/c_attn.npy?shape=24,72&axes=IO&parts=q,k,v&scheme=orthogonal&slice=3:9,:&seed={seed}",
    "/zarr/layers=300,200&activation=relu&seed={seed}/zarr.json",
    "/zarr/layers=300,200&activation=relu&bias=none&chunks=64,64&seed={seed}/layers.0.weight/c/4/3",
    "/livez",
    "/version",
)
LONG_PATHS = (
    "/metrics",
    "/diagnose?layers=30,30,30&activation=tanh&samples=50&seed={seed}",
    "/diagnose.svg?layers=30,30,30&activation=relu&samples=50&report=summary&language=ja&seed={seed}",
    "/learn?layers=2,10,2&activation=tanh&data=circles&steps=20&batch=10&seed={seed}",
    "/learn.ndjson?layers=64,10,10&activation=relu&optimizer=adam&steps=20&batch=10&seed={seed}",
)
POSTED = ("/plan", "/weights.npy", "/weights.json")
MODEL = {"family": "gpt2", "tensors": [{"name": "h.(0-3).attn.c_attn.weight", "shape": [8, 24]}]}
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it goes over the wire."""

    method: str
    target: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def is_permanent(self) -> bool:
        """Whether all replicas must answer with the same bytes, each time."""
        is_exact = self.target.startswith(("/plan?", "/weights", "/tensor", "/zarr"))
        return self.method == "GET" and is_exact and "seed=" in self.target and not self.headers


def recorded() -> list[Request]:
    """Return what schemathesis made up, valid and invalid."""
    with gzip.open(RECORDED, "rt", encoding="utf-8") as lines:
        found = map(json.loads, lines)
        return [Request(one["method"], one["target"], one["headers"], b64decode(one["body"])) for one in found]


def mixed(seed: int) -> Iterator[Request]:
    """Yield requests without end, the same for the same seed."""
    chance = random.Random(seed)
    made_up = recorded()
    while True:
        yield _own(chance) if chance.random() < OWN_SHARE else chance.choice(made_up)


def _own(chance: random.Random) -> Request:
    # Squared, so that small seeds come often: those are answered from memory.
    seed = int(SEEDS * chance.random() ** 2)
    kind = chance.random()
    if kind < 0.1:
        body = json.dumps({"layers": [20, 10, 5], "activation": "relu", "seed": seed}).encode()
        return Request("POST", chance.choice(POSTED), JSON, body)
    if kind < 0.12:
        return Request("POST", "/diagnose/weights?activation=relu", {}, _file(seed))
    if kind < 0.14:
        model = json.dumps(MODEL | {"seed": seed}).encode()
        return Request("POST", chance.choice(("/model/plan", "/model/weights.safetensors")), JSON, model)
    target = chance.choice(LONG_PATHS if chance.random() < LONG_SHARE else PATHS).format(seed=seed)
    if kind < 0.2:
        return Request("GET", target, {"Range": f"bytes={chance.randrange(500)}-"})
    if kind < 0.25:
        return Request("HEAD", target)
    return Request("GET", target)


def _file(seed: int) -> bytes:
    drawn = np.random.default_rng(seed).standard_normal((2, 8, 8), np.float32)
    file = io.BytesIO()
    np.savez(file, **{f"layers.{layer}.weight": weight for layer, weight in enumerate(drawn)})
    return file.getvalue()
