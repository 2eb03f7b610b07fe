"""Start sharded models, each rank its own part: torchrun --nproc-per-node 4 four_ranks.py [URL].

A dense stack whose tensors lie on a mesh of 2 x 2, and one that FSDP2 shards, made on the meta device.
"""

import gc
import hashlib
import sys
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.distributed as dist
import torch.distributed.checkpoint as dcp
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, Replicate, Shard, zeros

from fanin import entries
from storage_reader import FaninReader


def on_a_mesh() -> Mapping[str, Any]:
    """Return tensors that lie on a mesh of 2 x 2: halved once, or twice."""
    mesh = init_device_mesh("cpu", (2, 2), mesh_dim_names=("data", "model"))

    def tensor(*shape: int, on: list[Any]) -> DTensor:
        return zeros(*shape, dtype=torch.bfloat16, device_mesh=mesh, placements=on)

    return {
        "0.weight": tensor(512, 256, on=[Shard(0), Shard(1)]),
        "0.bias": tensor(512, on=[Shard(0), Replicate()]),
        "2.weight": tensor(64, 512, on=[Replicate(), Shard(1)]),
        "2.bias": tensor(64, on=[Replicate(), Replicate()]),
    }


def under_fsdp() -> Mapping[str, Any]:
    """Return the state of a model that is made on the meta device and sharded; some ranks hold nothing of the head."""
    with torch.device("meta"):
        layers = {"embed": nn.Linear(256, 512), "norm": nn.BatchNorm1d(512), "hidden": nn.Linear(512, 30)}
        model = nn.Sequential(OrderedDict(layers, head=nn.Linear(30, 2)))
    fully_shard(model.to(torch.bfloat16), mesh=init_device_mesh("cpu", (4,)))
    model.to_empty(device="cpu")
    return model.state_dict()


def digest(tensor: torch.Tensor) -> str:
    """Return the SHA-256 of all values, wherever they lie."""
    whole = tensor.full_tensor() if isinstance(tensor, DTensor) else tensor
    return hashlib.sha256(whole.contiguous().reshape(-1).view(torch.uint8).numpy()).hexdigest()


def load(service: str, make: Callable[[], Mapping[str, Any]]) -> None:
    """Load a model's state, and print what it holds and what each rank read."""
    state = dict(make())
    reader = FaninReader(service, {"seed": 42, "family": "torch", "tensors": entries(state)})
    dcp.load(state, storage_reader=reader)

    bytes_read = [0] * dist.get_world_size()
    dist.all_gather_object(bytes_read, reader.bytes_read)
    lines = [f"{make.__name__} {name} {digest(tensor)}" for name, tensor in state.items()]
    if dist.get_rank() == 0:
        print(*lines, f"{make.__name__} bytes {' '.join(map(str, bytes_read))}", sep="\n", flush=True)


def main(service: str) -> None:
    """Load both."""
    dist.init_process_group("gloo")
    for make in (on_a_mesh, under_fsdp):
        load(service, make)
    # Groups that models and meshes still hold would end with the interpreter, in which gloo's threads cannot.
    gc.collect()
    dist.barrier()
    dist.destroy_process_group()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000")
