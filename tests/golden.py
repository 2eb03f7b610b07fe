"""Frozen digests of complete files: python -m tests.golden rewrites tests/golden.json.

They change with the arithmetic or with a file format only. Either is a new recipe or a new
release, and CHANGELOG says why.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from service.formats.npy import block_as_npy, network_as_npy
from service.formats.npz import network_as_npz
from service.formats.pieces import Body
from service.formats.raw import block_as_raw
from service.formats.safetensors import network_as_safetensors
from service.plan import Plan
from tests.bodies import whole
from tests.networks import plan_from

DIGESTS = Path(__file__).with_name("golden.json")
MNIST = "layers=784,256,10&activation=relu"


@dataclass(frozen=True, slots=True)
class Golden:
    """A file and the description that it is made from."""

    query: str
    body: Callable[[Plan], Body]


def _npy(name: str, rows: range | None = None, columns: range | None = None) -> Callable[[Plan], Body]:
    return lambda plan: block_as_npy(plan.tensor(name).cut(rows, columns))


def _bin(name: str, rows: range | None = None, columns: range | None = None) -> Callable[[Plan], Body]:
    return lambda plan: block_as_raw(plan.tensor(name).cut(rows, columns))


GOLDEN: Mapping[str, Golden] = MappingProxyType(
    {
        "npy": Golden(f"{MNIST}&seed=42", network_as_npy),
        "npy-float64": Golden("layers=17,13,11&activation=tanh&dtype=float64&seed=1", network_as_npy),
        "npy-smallest": Golden("layers=1,1&activation=identity&seed=0", network_as_npy),
        "npy-deep": Golden(
            f"layers={','.join(['31'] * 33)}&activation=gelu&output_activation=relu&seed=5", network_as_npy
        ),
        "npz": Golden(f"{MNIST}&seed=42", network_as_npz),
        "npz-float16": Golden("layers=33,7,5&activation=silu&dtype=float16&layout=out_in&seed=2", network_as_npz),
        "npz-several-units": Golden("layers=601,1009,3&activation=relu&distribution=uniform&seed=3", network_as_npz),
        "safetensors": Golden(f"{MNIST}&output_activation=sigmoid&seed=9007199254740991", network_as_safetensors),
        "safetensors-bfloat16": Golden(
            "layers=65,31,9&activation=elu&scheme=glorot&dtype=bfloat16&bias=none&seed=4", network_as_safetensors
        ),
        "safetensors-several-panels": Golden(
            "layers=1201,2003&activation=relu&layout=out_in&distribution=truncated_normal&seed=6",
            network_as_safetensors,
        ),
        "weight-npy-lecun": Golden(
            "layers=101,37&activation=selu&scheme=lecun&distribution=truncated_normal&seed=7", _npy("layers.0.weight")
        ),
        "weight-npy-fixed": Golden(
            "layers=101,37&activation=sigmoid&scheme=fixed&std=0.01&seed=8", _npy("layers.0.weight")
        ),
        "bias-npy": Golden(f"{MNIST}&seed=42", _npy("layers.1.bias")),
        "weight-bin-he-fan-out": Golden(
            "layers=5,211,99&activation=mish&scheme=he_fan_out&dtype=float64&seed=10", _bin("layers.1.weight")
        ),
        "weight-bin-wide-rows": Golden("layers=3,300007&activation=softplus&seed=11", _bin("layers.0.weight")),
        "block-npy": Golden(f"{MNIST}&layout=out_in&seed=42", _npy("layers.0.weight", range(100, 201), range(3, 700))),
        "block-bin-of-a-huge-tensor": Golden(
            "layers=1000000,1000000&activation=relu&seed=12",
            _bin("layers.0.weight", range(999_990, 1_000_000), range(123_456, 130_000)),
        ),
        "block-bin-float16-uniform": Golden(
            "layers=64,4099&activation=relu6&distribution=uniform&dtype=float16&seed=13",
            _bin("layers.0.weight", None, range(1, 4098)),
        ),
    }
)


def digest(golden: Golden) -> dict[str, str | int]:
    """Return what is frozen of a file."""
    made = whole(golden.body(plan_from(golden.query)))
    return {"query": golden.query, "bytes": len(made), "sha256": hashlib.sha256(made).hexdigest()}


def main() -> None:
    """Rewrite the digests."""
    digests = {name: digest(golden) for name, golden in GOLDEN.items()}
    DIGESTS.write_text(json.dumps(digests, indent=2) + "\n")


if __name__ == "__main__":
    main()
