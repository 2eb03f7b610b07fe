"""One file for all tensors of a network, by name.

https://github.com/huggingface/safetensors#format
The header is written here in plan order; the reference writer orders metadata at random.
"""

import orjson

from service.formats.blob import Blob
from service.numerics.dtypes import DType
from service.plan import Plan
from service.query import query_of

CODES = {DType.FLOAT32: "F32", DType.FLOAT64: "F64", DType.FLOAT16: "F16", DType.BFLOAT16: "BF16"}
ALIGNMENT = 8


def network_as_safetensors(plan: Plan) -> Blob:
    """Return all tensors by name, with the network's canonical query as metadata."""
    header: dict[str, object] = {"__metadata__": {"fanin": query_of(plan.network, plan.seed)}}
    end = 0
    for tensor in plan.tensors:
        start, end = end, end + tensor.byte_count
        header[tensor.name] = {
            "dtype": CODES[tensor.dtype],
            "shape": tensor.shape,
            "data_offsets": (start, end),
        }
    text = orjson.dumps(header)
    text = text.ljust(-(-len(text) // ALIGNMENT) * ALIGNMENT)
    return Blob.of(len(text).to_bytes(8, "little") + text, *(tensor.whole() for tensor in plan.tensors))
