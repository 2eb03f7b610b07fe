"""A model of the service as a checkpoint of torch.distributed.checkpoint; there is no file."""

import json
from collections.abc import Mapping
from typing import Any

import torch
from torch.distributed.checkpoint import LoadPlan, LoadPlanner, Metadata, StorageReader
from torch.distributed.checkpoint.metadata import ChunkStorageMetadata, TensorProperties, TensorStorageMetadata
from torch.distributed.checkpoint.planner import ReadItem
from torch.futures import Future

from fanin import read


class FaninReader(StorageReader):
    """Draws of each tensor what the rank that reads holds of it, and counts the bytes."""

    def __init__(self, service: str, description: Mapping[str, Any]) -> None:
        """Take a model's description, whose seed is required: every rank asks for itself."""
        if "seed" not in description:
            raise ValueError("The description has no seed, so each rank would get weights of its own.")
        self.service, self.description = service, description
        self.links: dict[str, str] = {}
        self.bytes_read = 0

    def read_metadata(self) -> Metadata:
        """Return names, dtypes and shapes, each tensor in one chunk: any part of it can be read."""
        tensors = json.loads(read(f"{self.service}/model/plan", self.description))["tensors"]
        self.links = {tensor["name"]: tensor["link"] for tensor in tensors}
        return Metadata({tensor["name"]: _whole(tensor["shape"], tensor["dtype"]) for tensor in tensors})

    def read_data(self, plan: LoadPlan, planner: LoadPlanner) -> Future[None]:
        """Read what the plan lists, part by part."""
        for item in plan.items:
            target = planner.resolve_tensor(item)
            values = read(self.service + self.links[item.storage_index.fqn] + _slice(item, self._shape(item)))
            self.bytes_read += len(values)
            target.copy_(torch.frombuffer(bytearray(values), dtype=target.dtype).reshape(target.shape))
            planner.commit_tensor(item, target)
        done: Future[None] = Future()
        done.set_result(None)
        return done

    def _shape(self, item: ReadItem) -> torch.Size:
        return self.metadata.state_dict_metadata[item.storage_index.fqn].size

    def set_up_storage_reader(self, metadata: Metadata, is_coordinator: bool) -> None:
        """Keep what the coordinator read."""
        self.metadata = metadata

    def reset(self, checkpoint_id: object = None) -> None:
        """Begin another reading."""
        self.bytes_read = 0

    def prepare_local_plan(self, plan: LoadPlan) -> LoadPlan:
        """Return the plan as it is."""
        return plan

    def prepare_global_plan(self, plans: list[LoadPlan]) -> list[LoadPlan]:
        """Return the plans as they are."""
        return plans

    @classmethod
    def validate_checkpoint_id(cls, checkpoint_id: object) -> bool:
        """Say that there is no folder."""
        return checkpoint_id is None


def _whole(shape: list[int], dtype: str) -> TensorStorageMetadata:
    size = torch.Size(shape)
    chunk = ChunkStorageMetadata(torch.Size([0] * len(shape)), size)
    return TensorStorageMetadata(TensorProperties(getattr(torch, dtype)), size, [chunk])


def _slice(item: ReadItem, shape: torch.Size) -> str:
    """Return a part as the service writes it, in which a whole axis is a colon; nothing for a whole tensor."""
    if item.lengths == shape:
        return ""
    parts = zip(item.storage_offsets, item.lengths, shape, strict=True)
    return "&slice=" + ",".join(":" if length == side else f"{at}:{at + length}" for at, length, side in parts)
