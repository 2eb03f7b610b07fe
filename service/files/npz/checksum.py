"""CRC-32 of data whose parts are summed apart: the workers finish them in any order."""

import zlib
from dataclasses import dataclass
from functools import lru_cache

# Reversed polynomial of CRC-32, as in zlib.
POLYNOMIAL = 0xEDB88320
X_TO_0 = 1 << 31


@dataclass(frozen=True, slots=True)
class Checksum:
    """The CRC-32 of some bytes, and how many they are."""

    crc: int = 0
    length: int = 0

    @classmethod
    def of(cls, data: bytes | memoryview) -> "Checksum":
        """Return the checksum of these bytes."""
        return cls(zlib.crc32(data), len(data))

    def __add__(self, following: "Checksum") -> "Checksum":
        """Return the checksum of these bytes and the following ones."""
        # A CRC is a remainder modulo the polynomial, so n more bytes multiply it by x**(8n).
        shifted = _product(_power_of_x(8 * following.length), self.crc)
        return Checksum(shifted ^ following.crc, self.length + following.length)


def _product(a: int, b: int) -> int:
    """Multiply two polynomials over GF(2) modulo POLYNOMIAL; bit 31 is the coefficient of x**0."""
    result = 0
    while a:
        if a & X_TO_0:
            result ^= b
        a = (a << 1) & 0xFFFFFFFF
        b = (b >> 1) ^ (POLYNOMIAL if b & 1 else 0)
    return result


@lru_cache(maxsize=64)  # nearly all pieces of a body have the same length
def _power_of_x(exponent: int) -> int:
    """Return x**exponent modulo POLYNOMIAL, by repeated squaring."""
    result, square = X_TO_0, X_TO_0 >> 1
    while exponent:
        if exponent & 1:
            result = _product(square, result)
        square = _product(square, square)
        exponent >>= 1
    return result
