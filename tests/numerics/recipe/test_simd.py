"""The bits do not depend on the processor's vector instructions."""

import hashlib
import importlib
import platform
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from service.numerics.dtypes import DType
from service.numerics.recipe.backend import draw_columns
from service.numerics.recipe.distributions import DistributionName
from service.numerics.recipe.philox import key_of
from service.numerics.recipe.reflections import Reflections
from tests.networks import network_from
from tests.numerics.recipe.backends import needs_numba
from tests.numerics.recipe.children import printed_by_child

ROOT = Path(__file__).parents[3]
ELEMENTS = range(12_345, 92_346)  # odd ends, and more than one chunk

OLDEST = ("x86-64", "")  # the processor that every other of its kind follows, and its vector instructions beyond SSE2


def dispatched_features() -> list[str]:
    """Return the vector instructions that NumPy picks at run time and that are on here."""
    umath = importlib.import_module("numpy._core._multiarray_umath")
    return [name for name in umath.__cpu_dispatch__ if umath.__cpu_features__[name]]


def digest() -> str:
    """Return a digest of elements of every distribution and dtype, in runs and in short rows, and of columns."""
    digest = hashlib.sha256()
    for distribution, dtype in product(DistributionName, DType):
        network = network_from(f"layers=400,300&activation=relu&distribution={distribution}&dtype={dtype}")
        weight = network.plan.tensors[0]
        digest.update(weight.whole().read(ELEMENTS.start, ELEMENTS.stop).tobytes())
        block = weight.cut(None, range(3, 40))
        digest.update(block.read(0, block.elements).tobytes())
    for length, columns in ((5, range(5)), (300, range(150, 280))):
        drawn = np.empty((length, len(columns)), np.float32)
        draw_columns(drawn, Reflections(key_of(1, "a"), 7, length), np.array(columns, np.int64), 1.5)
        digest.update(drawn.tobytes())
    return digest.hexdigest()


def compiled_for() -> tuple[str, str]:
    """Return the processor that Numba compiles for, and the vector instructions it may use there."""
    registry = importlib.import_module("numba.core.registry")
    _, name, features = registry.cpu_target.target_context.codegen().magic_tuple()
    return name, features


def test_bits_are_the_same_without_vector_instructions() -> None:
    features = dispatched_features()
    if not features:
        pytest.skip("NumPy picks no vector instructions at run time on this processor")
    program = (
        "from tests.numerics.recipe.test_simd import digest, dispatched_features\n"
        "assert not dispatched_features(), dispatched_features()\n"
        "print(digest())\n"
    )
    assert printed_by_child(program, ROOT, {"NPY_DISABLE_CPU_FEATURES": " ".join(features)}) == [digest()]


@needs_numba
@pytest.mark.skipif(platform.machine() != "x86_64", reason="the oldest processor of another kind has no name here")
def test_bits_are_the_same_when_compiled_for_the_oldest_processor(tmp_path: Path) -> None:
    if compiled_for() == OLDEST:
        pytest.skip("this process compiles for the oldest processor too")
    program = (
        "from tests.numerics.recipe.test_simd import OLDEST, compiled_for, digest\n"
        "assert compiled_for() == OLDEST, compiled_for()\n"
        "print(digest())\n"
    )
    # Machine code for another processor must not meet that for this one on disk.
    name, features = OLDEST
    other = {"NUMBA_CPU_NAME": name, "NUMBA_CPU_FEATURES": features, "NUMBA_CACHE_DIR": str(tmp_path)}
    assert printed_by_child(program, ROOT, other) == [digest()]
