"""The bits do not depend on the processor's vector instructions."""

import hashlib
import importlib
import os
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest

from service.numerics.dtypes import DType
from service.numerics.sampler import DistributionName
from tests.networks import plan_from

ROOT = Path(__file__).parents[2]
ELEMENTS = range(12_345, 92_346)  # odd ends, and more than one chunk


def dispatched_features() -> list[str]:
    """Return the vector instructions that NumPy picks at run time and that are on here."""
    umath = importlib.import_module("numpy._core._multiarray_umath")
    return [name for name in umath.__cpu_dispatch__ if umath.__cpu_features__[name]]


def digest() -> str:
    """Return a digest of elements of every distribution and dtype, drawn in runs and in short rows."""
    digest = hashlib.sha256()
    for distribution, dtype in product(DistributionName, DType):
        plan = plan_from(f"layers=400,300&activation=relu&distribution={distribution}&dtype={dtype}")
        weight = plan.tensors[0]
        digest.update(weight.whole().read(ELEMENTS.start, ELEMENTS.stop).tobytes())
        block = weight.cut(None, range(3, 40))
        digest.update(block.read(0, block.elements).tobytes())
    return digest.hexdigest()


def test_bits_are_the_same_without_vector_instructions() -> None:
    features = dispatched_features()
    if not features:
        pytest.skip("NumPy picks no vector instructions at run time on this processor")
    program = (
        "from tests.numerics.test_simd import digest, dispatched_features\n"
        "assert not dispatched_features(), dispatched_features()\n"
        "print(digest())\n"
    )
    child = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=ROOT,
        env={**os.environ, "NPY_DISABLE_CPU_FEATURES": " ".join(features)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert child.returncode == 0, child.stderr
    assert child.stdout.strip() == digest()
