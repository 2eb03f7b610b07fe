"""Which machine code fits this CPU: that of the highest common level of x86-64, so that it can be made elsewhere.

Code for one CPU's own name runs on that kind of CPU only. Code for a level (System V ABI, x86-64 supplement, table 3.1)
runs on every CPU that has it, so an image can carry it for all levels.
"""

import os
import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import llvmlite.binding as llvm

# LLVM's names of what each level adds to the one after it; operating systems that lack a part of a level hide it.
LEVELS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "x86-64-v4": frozenset({"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}),
        "x86-64-v3": frozenset({"avx", "avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe"}),
        "x86-64-v2": frozenset({"cx16", "popcnt", "sahf", "sse3", "sse4.1", "sse4.2", "ssse3"}),
    }
)
# LLVM keeps to vectors of 256 bits on the fourth level, unless told otherwise.
FEATURES: Final = "-prefer-256-bit"


def best_level(features: Mapping[str, bool]) -> str | None:
    """Return the highest level that a CPU with these features, by LLVM's names, has; None for one without any."""
    needed: frozenset[str] = frozenset()
    best = None
    for level in reversed(list(LEVELS)):
        needed |= LEVELS[level]
        if all(features.get(name) for name in needed):
            best = level
    return best


def compile_for_level() -> None:
    """Have Numba compile for this CPU's level, unless the environment names a CPU. Call before Numba is imported."""
    if "numba" in sys.modules or "NUMBA_CPU_NAME" in os.environ:
        return
    level = best_level(llvm.get_host_cpu_features())
    if level is not None:
        os.environ |= {"NUMBA_CPU_NAME": level, "NUMBA_CPU_FEATURES": FEATURES}
