import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.numerics.dtypes import DTYPES, DType
from service.numerics.recipe.distributions import DistributionName
from tests.networks import network_from
from tests.numerics.recipe.recipe_by_hand import bits, float_of

FURTHEST = 6.67  # standard deviations: no weight is further from zero
floats = st.floats(-8000 * FURTHEST, 8000 * FURTHEST, width=32)


def bfloat16_by_hand(number: float) -> bytes:
    """Return the upper half of a float32, rounded to nearest even."""
    pattern = bits(number)
    lowest_kept = pattern >> 16 & 1
    return struct.pack("<H", (pattern + 0x7FFF + lowest_kept) >> 16)


BY_HAND = {
    DType.FLOAT32: lambda number: struct.pack("<f", number),
    DType.FLOAT64: lambda number: struct.pack("<d", number),
    DType.FLOAT16: lambda number: struct.pack("<e", number),
    DType.BFLOAT16: bfloat16_by_hand,
}


@pytest.mark.parametrize(
    ("dtype", "one"),
    [
        (DType.FLOAT32, "0000803f"),
        (DType.FLOAT64, "000000000000f03f"),
        (DType.FLOAT16, "003c"),
        (DType.BFLOAT16, "803f"),
    ],
)
def test_numbers_are_little_endian(dtype: DType, one: str) -> None:
    number = DTYPES[dtype]
    assert np.ones(1, np.float32).astype(number.numpy).tobytes().hex() == one
    assert number.size == number.numpy.itemsize == len(bytes.fromhex(one))


@pytest.mark.parametrize("dtype", DType)
@given(number=floats)
def test_rounding_is_to_nearest_even(dtype: DType, number: float) -> None:
    rounded = np.array([number], np.float32).astype(DTYPES[dtype].numpy)
    assert rounded.tobytes() == BY_HAND[dtype](number)


@pytest.mark.parametrize(
    ("dtype", "pattern", "expected"),
    [
        pytest.param(DType.BFLOAT16, 0x3F808000, "803f", id="bfloat16 tie to an even number below"),
        pytest.param(DType.BFLOAT16, 0x3F818000, "823f", id="bfloat16 tie to an even number above"),
        pytest.param(DType.BFLOAT16, 0x3F808001, "813f", id="bfloat16 just above a tie"),
        pytest.param(DType.FLOAT16, 0x3F801000, "003c", id="float16 tie to an even number below"),
        pytest.param(DType.FLOAT16, 0x3F803000, "023c", id="float16 tie to an even number above"),
        pytest.param(DType.FLOAT16, 0x33800000, "0100", id="float16 smallest subnormal number"),
        pytest.param(DType.FLOAT16, 0x33000000, "0000", id="float16 half of the smallest subnormal number"),
        pytest.param(DType.FLOAT16, 0xB3000000, "0080", id="float16 keeps the sign of zero"),
    ],
)
def test_rounding_of_single_bit_patterns(dtype: DType, pattern: int, expected: str) -> None:
    number = np.array([float_of(pattern)], np.float32)
    assert number.astype(DTYPES[dtype].numpy).tobytes().hex() == expected


@pytest.mark.parametrize("dtype", DType)
@pytest.mark.parametrize("distribution", DistributionName)
def test_a_network_is_the_same_at_every_dtype_but_for_rounding(dtype: DType, distribution: DistributionName) -> None:
    query = f"layers=70,50&activation=tanh&distribution={distribution}"
    plain = network_from(query).plan.tensors[0].whole().read(0, 3500)
    drawn = network_from(f"{query}&dtype={dtype}").plan.tensors[0].whole().read(0, 3500)
    assert drawn.dtype == DTYPES[dtype].numpy
    assert drawn.tobytes() == b"".join(BY_HAND[dtype](number) for number in plain.tolist())


@pytest.mark.parametrize("dtype", DType)
def test_no_weight_overflows_at_the_largest_std(dtype: DType) -> None:
    furthest = np.array([FURTHEST * DTYPES[dtype].largest_std], np.float32)
    assert np.isfinite(furthest.astype(DTYPES[dtype].numpy).astype(np.float64)).all()
