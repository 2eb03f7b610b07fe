"""Uses the SDK that openapi-python-client generates: python main.py http://127.0.0.1:8000."""

import hashlib
import json
import struct
import sys
from pathlib import Path
from typing import TypeVar

from fanin_client import Client
from fanin_client.api.diagnosis import get_diagnosis
from fanin_client.api.model import post_model_weights_safetensors
from fanin_client.api.network import get_weights_json, get_weights_npy, post_weights_npy
from fanin_client.api.plan import get_plan
from fanin_client.api.tensor import get_tensor_bin, get_tensor_npy
from fanin_client.models import (
    Activation,
    Diagnosis,
    Model,
    Network,
    PlanDocument,
    Problem,
    SchemeName,
    WeightsDocument,
)
from fanin_client.types import File

RESNET = Path(__file__).parents[2] / "resnet18.json"
LAYERS, SEED, TENSOR = "784,256,10", 42, "layers.0.weight"
Answer = TypeVar("Answer")


def expect(kind: type[Answer], answer: object) -> Answer:
    """Return the answer, or stop with the problem that came in its place."""
    if not isinstance(answer, kind):
        sys.exit(f"no {kind.__name__} but {answer}")
    return answer


def content(answer: object) -> bytes:
    """Return the bytes of a download."""
    return expect(File, answer).payload.read()


def values(npy: bytes) -> bytes:
    """Return what follows the header of a .npy file, whose length stands in bytes 8 and 9."""
    return npy[10 + int.from_bytes(npy[8:10], "little") :]


def report(name: str, floats: bytes) -> None:
    """Print a name and the digest of float32 values."""
    print(name, hashlib.sha256(floats).hexdigest())


def main(url: str) -> None:
    """Plan, download, diagnose, and ask for what cannot be."""
    with Client(base_url=url) as client:
        plan = expect(PlanDocument, get_plan.sync(client=client, layers=LAYERS, activation=Activation.RELU, seed=SEED))
        print("plan", plan.elements, "values in", len(plan.tensors), "tensors")

        whole = content(get_weights_npy.sync(client=client, layers=LAYERS, activation=Activation.RELU, seed=SEED))
        report("weights.npy", values(whole))

        weights = expect(
            WeightsDocument,
            get_weights_json.sync(client=client, layers=LAYERS, activation=Activation.RELU, seed=SEED),
        )
        numbers = [value for tensor in weights.tensors for value in tensor.data]
        report("weights.json", struct.pack(f"<{len(numbers)}f", *numbers))

        middle = len(whole) // 2
        halves = [
            content(
                get_weights_npy.sync(
                    client=client, layers=LAYERS, activation=Activation.RELU, seed=SEED, range_=f"bytes={part}"
                )
            )
            for part in (f"0-{middle - 1}", f"{middle}-")
        ]
        report("halves", values(b"".join(halves)))

        network = Network(layers=[784, 256, 10], activation=Activation.RELU, seed=SEED)
        report("posted", values(content(post_weights_npy.sync(client=client, body=network))))

        npy = get_tensor_npy.sync(TENSOR, client=client, layers=LAYERS, activation=Activation.RELU, seed=SEED)
        report("tensor.npy", values(content(npy)))
        bare = get_tensor_bin.sync(TENSOR, client=client, layers=LAYERS, activation=Activation.RELU, seed=SEED)
        report("tensor.bin", content(bare))

        model = Model.from_dict(json.loads(RESNET.read_text(encoding="utf-8")))
        report("resnet18", content(post_model_weights_safetensors.sync(client=client, body=model)))

        diagnosis = expect(
            Diagnosis,
            get_diagnosis.sync(
                client=client, layers="100,100,100,100,100,100", activation=Activation.SIGMOID,
                scheme=SchemeName.FIXED, std=1, seed=1,
            ),
        )  # fmt: skip
        print("verdict", diagnosis.verdict.code)

        problem = expect(Problem, get_plan.sync(client=client, layers="784,0", activation=Activation.RELU))
        field = problem.errors[0].field if problem.errors else None
        print("problem", problem.status, problem.type_, field)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000")
