import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.files.npz.checksum import Checksum


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_the_sum_of_two_checksums_is_that_of_the_data_joined(one: bytes, other: bytes) -> None:
    joined = Checksum.of(one) + Checksum.of(other)
    assert joined == Checksum(zlib.crc32(one + other), len(one) + len(other))


@given(st.lists(st.binary(max_size=40), max_size=12))
def test_any_number_of_checksums_add_up_from_nothing(parts: list[bytes]) -> None:
    assert sum(map(Checksum.of, parts), Checksum()) == Checksum.of(b"".join(parts))


@given(st.lists(st.integers(0, 2**32 - 1), min_size=3, max_size=3), st.lists(st.integers(0, 2**40), min_size=3))
def test_addition_may_be_grouped_in_any_way(crcs: list[int], lengths: list[int]) -> None:
    a, b, c = (Checksum(crc, length) for crc, length in zip(crcs, lengths[:3], strict=True))
    assert (a + b) + c == a + (b + c)


def test_the_checksum_of_nothing_is_neutral() -> None:
    some = Checksum.of(b"some")
    assert Checksum.of(b"") == Checksum()
    assert some + Checksum() == Checksum() + some == some


def test_the_checksum_of_a_known_text_is_the_published_check_value() -> None:
    # The check value of CRC-32/ISO-HDLC in every catalogue of CRCs.
    assert (Checksum.of(b"1234") + Checksum.of(b"56789")).crc == 0xCBF43926


@pytest.mark.parametrize("length", [1, 2**10 - 1, 2**20, 3 * 2**20 + 5])
def test_long_data_shifts_what_stands_before_it(length: int) -> None:
    zeros = bytes(length)
    assert (Checksum.of(b"start") + Checksum.of(zeros)).crc == zlib.crc32(b"start" + zeros)


def test_a_memoryview_has_the_checksum_of_its_bytes() -> None:
    assert Checksum.of(memoryview(b"abcdef")[2:5]) == Checksum(zlib.crc32(b"cde"), 3)
