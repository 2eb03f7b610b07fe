"""What writing and reading have in common.

https://github.com/huggingface/safetensors#format
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from service.numerics.dtypes import TensorDType

LENGTH_BYTES: Final = 8  # of the number before the header: its length, little-endian
METADATA: Final = "__metadata__"
CODES: Final[Mapping[str, str]] = MappingProxyType(
    {
        TensorDType.FLOAT32: "F32",
        TensorDType.FLOAT64: "F64",
        TensorDType.FLOAT16: "F16",
        TensorDType.BFLOAT16: "BF16",
        TensorDType.INT64: "I64",
        TensorDType.INT32: "I32",
        TensorDType.UINT8: "U8",
        TensorDType.BOOL: "BOOL",
    }
)
