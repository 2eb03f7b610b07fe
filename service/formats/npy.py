"""NumPy's .npy, version 1.0.

https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
The header is written here and not by NumPy, whose padding has changed between releases.
"""

from service.errors import FieldError, InvalidRequest
from service.formats.blob import Blob
from service.numerics.dtypes import DType
from service.plan import Plan
from service.tensor import Block

# Whole header: room for every shape, and a multiple of 64, so that mapped values are aligned.
HEADER_BYTES = 128
MAGIC = b"\x93NUMPY\x01\x00"

DESCRIPTIONS = {DType.FLOAT32: "<f4", DType.FLOAT64: "<f8", DType.FLOAT16: "<f2"}


def npy_header(dtype: DType, shape: tuple[int, ...]) -> bytes:
    """Return the HEADER_BYTES before the values of a C-ordered array; raise InvalidRequest for bfloat16."""
    if dtype not in DESCRIPTIONS:
        message = "must be float16, float32 or float64 here: .npy has no bfloat16; safetensors, bin and json carry it"
        raise InvalidRequest((FieldError("dtype", message, dtype),))
    text = f"{{'descr': '{DESCRIPTIONS[dtype]}', 'fortran_order': False, 'shape': {shape}, }}"
    start = MAGIC + (HEADER_BYTES - len(MAGIC) - 2).to_bytes(2, "little")
    return start + text.ljust(HEADER_BYTES - len(start) - 1).encode() + b"\n"


def network_as_npy(plan: Plan) -> Blob:
    """Return one 1-D array of all values, in plan order."""
    header = npy_header(plan.network.dtype, (plan.elements,))
    return Blob.of(header, *(tensor.whole() for tensor in plan.tensors))


def block_as_npy(block: Block) -> Blob:
    """Return one array of the block's shape."""
    return Blob.of(npy_header(block.tensor.dtype, block.shape), block)
