from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.numerics.dtypes import DTYPES, DType
from service.numerics.rounding import store

BITS = {DType.FLOAT16: 11, DType.BFLOAT16: 8, DType.FLOAT32: 24}


def nearest(value: float, bits: int) -> Fraction:
    """Return the number of so many bits that is nearest to value, of two the even one, by exact arithmetic."""
    exact, unit = Fraction(value), Fraction(1)
    while abs(exact) / unit >= 2**bits:
        unit *= 2
    while abs(exact) / unit < 2 ** (bits - 1):
        unit /= 2
    return round(exact / unit) * unit  # Python rounds to even


@given(st.floats(2**-13, 60000), st.sampled_from([1, -1]), st.sampled_from(sorted(BITS)))
@example(1 + 2**-8 + 2**-40, 1, DType.BFLOAT16)
@example(1 + 2**-11 + 2**-40, 1, DType.FLOAT16)
@example(1 + 2**-8 - 2**-40, -1, DType.BFLOAT16)
def test_numbers_are_rounded_once(value: float, sign: int, dtype: DType) -> None:
    signed = sign * value
    out = np.empty(1, DTYPES[dtype].numpy)
    store(np.array([signed]), out)
    assert Fraction(float(out[0])) == nearest(signed, BITS[dtype])


@pytest.mark.parametrize("dtype", DType)
def test_zeros_and_ones_stay_as_they_are(dtype: DType) -> None:
    out = np.empty(3, DTYPES[dtype].numpy)
    store(np.array([0.0, 1.0, -0.0]), out)
    assert out.astype(np.float64).tobytes() == np.array([0.0, 1.0, -0.0]).tobytes()


@pytest.mark.parametrize("dtype", ["<i8", "<i4", "u1"])
def test_whole_numbers_can_be_integers(dtype: str) -> None:
    out = np.empty(3, dtype)
    store(np.array([0.0, 1.0, 255.0]), out)
    assert out.tolist() == [0, 1, 255]
