"""One file for all tensors of a plan, by name.

The header is written here in plan order; the reference writer orders metadata at random.
"""

from collections.abc import Mapping

import orjson

from service.files.body.blob import Blob
from service.files.safetensors.layout import CODES, LENGTH_BYTES, METADATA
from service.tensors.plan import Plan

ALIGNMENT = 8


def plan_as_safetensors(plan: Plan, metadata: Mapping[str, str]) -> Blob:
    """Return all tensors by name."""
    header: dict[str, object] = {METADATA: metadata}
    for tensor in plan.tensors:
        start = plan.offsets[tensor.name]
        header[tensor.name] = {
            "dtype": CODES[tensor.dtype],
            "shape": tensor.shape,
            "data_offsets": (start, start + tensor.byte_count),
        }
    text = orjson.dumps(header)
    text = text.ljust(-(-len(text) // ALIGNMENT) * ALIGNMENT)
    return Blob.of(len(text).to_bytes(LENGTH_BYTES, "little") + text, *(tensor.whole() for tensor in plan.tensors))
