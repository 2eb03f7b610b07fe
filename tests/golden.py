"""Frozen digests of complete files: python -m tests.golden rewrites tests/golden.json and golden_families.json.

They change with the arithmetic or with a file format only. Either is a new recipe or a new
release, and CHANGELOG says why.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from service.dense.network import DenseNetwork
from service.describe.tensor import tensor_in_query
from service.describe.url import parameters
from service.files.body.blob import Blob
from service.files.body.pieces import Body
from service.files.npy import box_as_npy
from service.files.raw import box_as_raw
from service.files.zarr.array import Array, asked_chunks, usual_chunks
from service.files.zarr.hierarchy import ROOT, Hierarchy
from service.tensors.build import build
from tests import golden_families
from tests.bodies import network_as_npy, network_as_npz, network_as_safetensors, whole
from tests.networks import network_from

DIGESTS = Path(__file__).with_name("golden.json")
MNIST = "layers=784,256,10&activation=relu"


@dataclass(frozen=True, slots=True)
class Golden:
    """A file and the description that it is made from."""

    query: str
    body: Callable[[str], Body]


def _of_network(body: Callable[[DenseNetwork], Body]) -> Callable[[str], Body]:
    return lambda query: body(network_from(query))


def _tensor_bin(query: str) -> Body:
    asked = tensor_in_query("w", parameters(query))
    assert asked.seed is not None
    return box_as_raw(build(asked.tensor, asked.seed).whole())


def _npy(name: str, rows: range | None = None, columns: range | None = None) -> Callable[[str], Body]:
    return _of_network(lambda network: box_as_npy(network.plan.tensor(name).cut(rows, columns)))


def _bin(name: str, rows: range | None = None, columns: range | None = None) -> Callable[[str], Body]:
    return _of_network(lambda network: box_as_raw(network.plan.tensor(name).cut(rows, columns)))


def _chunk(name: str, key: str, chunks: str | None = None) -> Callable[[str], Body]:
    def body(query: str) -> Body:
        tensor = network_from(query).plan.tensor(name)
        shape = usual_chunks(tensor) if chunks is None else asked_chunks(chunks, tensor)
        return Array(tensor, shape, ("nodes.0", "nodes.1")).chunk(key)

    return body


def _zarr_json(query: str) -> Body:
    tensors = network_from(query).plan.tensors
    names = ("nodes.0", "nodes.1")
    arrays = {tensor.name: Array(tensor, usual_chunks(tensor), names[: len(tensor.shape)]) for tensor in tensors}
    return Blob.of(Hierarchy(arrays).metadata(ROOT))


NPY = _of_network(network_as_npy)
NPZ = _of_network(network_as_npz)
SAFETENSORS = _of_network(network_as_safetensors)

GOLDEN: Mapping[str, Golden] = MappingProxyType(
    {
        "npy": Golden(f"{MNIST}&seed=42", NPY),
        "npy-float64": Golden("layers=17,13,11&activation=tanh&dtype=float64&seed=1", NPY),
        "npy-smallest": Golden("layers=1,1&activation=identity&seed=0", NPY),
        "npy-deep": Golden(f"layers={','.join(['31'] * 33)}&activation=gelu&output_activation=relu&seed=5", NPY),
        "npz": Golden(f"{MNIST}&seed=42", NPZ),
        "npz-float16": Golden("layers=33,7,5&activation=silu&dtype=float16&layout=out_in&seed=2", NPZ),
        "npz-several-units": Golden("layers=601,1009,3&activation=relu&distribution=uniform&seed=3", NPZ),
        "safetensors": Golden(f"{MNIST}&output_activation=sigmoid&seed=9007199254740991", SAFETENSORS),
        "safetensors-bfloat16": Golden(
            "layers=65,31,9&activation=elu&scheme=glorot&dtype=bfloat16&bias=none&seed=4", SAFETENSORS
        ),
        "safetensors-several-panels": Golden(
            "layers=1201,2003&activation=relu&layout=out_in&distribution=truncated_normal&seed=6",
            SAFETENSORS,
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
        "npy-orthogonal": Golden("layers=300,200,257&activation=tanh&scheme=orthogonal&gain=2&seed=14", NPY),
        "npz-orthogonal": Golden("layers=300,200&activation=tanh&scheme=orthogonal&layout=out_in&seed=15", NPZ),
        "safetensors-variance-preserving": Golden(
            "layers=65,31,9&activation=gelu&output_activation=leaky_relu&scheme=variance_preserving&slope=0.2"
            "&fan=geometric&seed=16",
            SAFETENSORS,
        ),
        "weight-npy-cut-before": Golden(
            "layers=101,37&activation=relu&distribution=truncated_normal&cut=1.5&cut_std=before&fan=average&scheme=he"
            "&seed=17",
            _npy("layers.0.weight"),
        ),
        "weight-bin-identity": Golden(
            "layers=65,99&activation=relu&scheme=identity&gain=0.5&seed=18", _bin("layers.0.weight")
        ),
        "zarr-json": Golden("layers=5003,1999&activation=gelu&dtype=float16&layout=out_in&seed=26", _zarr_json),
        "zarr-chunk-of-rows-at-the-edge": Golden(
            "layers=5003,1999&activation=gelu&seed=27", _chunk("layers.0.weight", "9/0")
        ),
        "zarr-chunk-of-a-long-row-at-the-edge": Golden(
            "layers=3,2500001&activation=relu&seed=28", _chunk("layers.0.weight", "2/2")
        ),
        "zarr-tile-at-the-corner": Golden(
            "layers=1009,307&activation=gelu&layout=out_in&dtype=bfloat16&seed=29",
            _chunk("layers.0.weight", "3/7", "100,128"),
        ),
        **{
            f"tensor-bin-{name}": Golden(query, _tensor_bin)
            for name, query in {
                "delta-orthogonal": "shape=40,20,3,4&axes=OIHW&scheme=delta_orthogonal&gain=2&seed=19",
                "orthogonal-parts-copies": "shape=3,96,32&axes=BOI&parts=q,k,v&copy_key=e.$b&scheme=orthogonal&seed=20",
                "orthogonal-groups": "shape=40,10,3,3&axes=OIHW&groups=2&scheme=orthogonal&dtype=bfloat16&seed=21",
                "identity": "shape=6,2,3,4&axes=OIHW&groups=3&scheme=identity&dtype=int32&seed=22",
                "arange": "shape=2,300&scheme=arange&dtype=int64&seed=23",
                "part-values": "shape=8&scheme=constant&parts=i,f,c,o&part_values=0,1,0,0&seed=24",
                "elu": "shape=8,300&axes=OI&scheme=variance_preserving&activation=elu&alpha=2&fan=out&seed=25",
            }.items()
        },
    }
)


def digest(golden: Golden) -> dict[str, str | int]:
    """Return what is frozen of a file."""
    made = whole(golden.body(golden.query))
    return {"query": golden.query, "bytes": len(made), "sha256": hashlib.sha256(made).hexdigest()}


def main() -> None:
    """Rewrite the digests."""
    digests = {name: digest(golden) for name, golden in GOLDEN.items()}
    DIGESTS.write_text(json.dumps(digests, indent=2) + "\n")
    golden_families.main()


if __name__ == "__main__":
    main()
