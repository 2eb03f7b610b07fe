"""NumPy's .npy, version 1.0.

https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
The header is written here and not by NumPy, whose padding has changed between releases.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from service.errors import FieldError, InvalidRequest, shortened
from service.files.body.blob import Blob
from service.numerics.dtypes import TensorDType
from service.tensors.plan import Plan
from service.tensors.tensor import Tensor, TensorBox

# Whole header: room for every shape, and a multiple of 64, so that mapped values are aligned.
HEADER_BYTES = 128
MOST_NAMES_SHOWN = 5
MAGIC = b"\x93NUMPY\x01\x00"

DESCRIPTIONS: Mapping[str, str] = MappingProxyType(
    {
        TensorDType.FLOAT32: "<f4",
        TensorDType.FLOAT64: "<f8",
        TensorDType.FLOAT16: "<f2",
        TensorDType.INT64: "<i8",
        TensorDType.INT32: "<i4",
        TensorDType.UINT8: "|u1",
        TensorDType.BOOL: "|b1",
    }
)


def check_dtypes(tensors: Iterable[Tensor]) -> None:
    """Raise InvalidRequest where .npy has no description of a tensor's dtype."""
    names = [tensor.name for tensor in tensors if tensor.dtype not in DESCRIPTIONS]
    if names:
        shown = ", ".join(map(shortened, names[:MOST_NAMES_SHOWN]))
        more = f" and {len(names) - MOST_NAMES_SHOWN} more" if len(names) > MOST_NAMES_SHOWN else ""
        message = (
            f"must be another type here, for {shown}{more}: .npy has no bfloat16; safetensors, bin and json carry it"
        )
        raise InvalidRequest((FieldError("dtype", message, "bfloat16"),))


def npy_header(dtype: str, shape: tuple[int, ...]) -> bytes:
    """Return the HEADER_BYTES before the values of a C-ordered array."""
    text = f"{{'descr': '{DESCRIPTIONS[dtype]}', 'fortran_order': False, 'shape': {shape}, }}"
    start = MAGIC + (HEADER_BYTES - len(MAGIC) - 2).to_bytes(2, "little")
    return start + text.ljust(HEADER_BYTES - len(start) - 1).encode() + b"\n"


def plan_as_npy(plan: Plan) -> Blob:
    """Return one 1-D array of all values, in plan order; raise InvalidRequest for several dtypes, or bfloat16."""
    dtypes = dict.fromkeys(tensor.dtype for tensor in plan.tensors)
    if len(dtypes) > 1:
        message = "must be one for all tensors here: .npy holds one array; npz, safetensors and json carry several"
        raise InvalidRequest((FieldError("dtype", message, ", ".join(dtypes)),))
    check_dtypes(plan.tensors)
    header = npy_header(plan.tensors[0].dtype, (plan.elements,))
    return Blob.of(header, *(tensor.whole() for tensor in plan.tensors))


def box_as_npy(box: TensorBox) -> Blob:
    """Return one array of the box's shape; raise InvalidRequest for bfloat16."""
    check_dtypes((box.tensor,))
    return Blob.of(npy_header(box.tensor.dtype, box.shape), box)
