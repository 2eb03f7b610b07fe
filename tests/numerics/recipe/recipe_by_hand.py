"""Recipe 1 in plain Python, one element at a time, written from docs/recipe.md.

It imports nothing of the service and nothing of NumPy, so that it can stand as the oracle. A Python
float is a float64; one operation in float64, rounded to float32, is that operation in float32.
"""

import hashlib
import math
import struct
from typing import NamedTuple

Words = tuple[int, int, int, int]

LOG_BITS = "3F800000 BEFFFFFC 3EAAABC9 BE8002B8 3E4C5BA4 BE299951 3E191C79 BE131DD6 3DB2A24B"
SIN_BITS = "3F800000 BE2AAAA4 3C08873E B94FB222 362E9C57"
COS_BITS = "3F800000 BF000000 3D2AAAA3 BAB6099C 37CFB40A B48BDCE5"


def f32(number: float) -> float:
    rounded: float = struct.unpack("<f", struct.pack("<f", number))[0]
    return rounded


def bits(number: float) -> int:
    pattern: int = struct.unpack("<I", struct.pack("<f", number))[0]
    return pattern


def float_of(pattern: int) -> float:
    number: float = struct.unpack("<f", struct.pack("<I", pattern & 0xFFFFFFFF))[0]
    return number


def int32(pattern: int) -> int:
    return pattern - 2**32 if pattern >= 2**31 else pattern


LOG, SIN, COS = ([float_of(int(word, 16)) for word in table.split()] for table in (LOG_BITS, SIN_BITS, COS_BITS))
LN2, ANGLE = float_of(0x3F317218), float_of(0x30490FDB)


def key(seed: int, tensor: str) -> tuple[int, int]:
    digest = hashlib.sha256(f"{seed}/{tensor}".encode()).digest()
    k0, k1 = struct.unpack("<QQ", digest[:16])
    return k0, k1


def philox(counter: Words, key: tuple[int, int]) -> Words:
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        high0, low0 = divmod(0xD2E7470EE14C6C93 * c0, 2**64)
        high1, low1 = divmod(0xCA5A826395121157 * c2, 2**64)
        c0, c1, c2, c3 = high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0
        k0 = (k0 + 0x9E3779B97F4A7C15) % 2**64
        k1 = (k1 + 0xBB67AE8584CAA73B) % 2**64
    return c0, c1, c2, c3


def word(key: tuple[int, int], j: int, attempt: int = 0) -> int:
    return philox((j // 4 + 1, 0, 0, attempt), key)[j % 4]


def horner(x: float, coefficients: list[float]) -> float:
    *lower, highest = coefficients
    p = f32(highest * x)
    for coefficient in reversed(lower[1:]):
        p = f32(f32(p + coefficient) * x)
    return f32(p + lower[0])


class Steps(NamedTuple):
    """The intermediate values of one pair, by their names on the page."""

    x: float
    i: int
    e: int
    m: float
    ln: float
    r: float
    t: float
    s: float
    z_even: float
    z_odd: float


def box_muller(word: int) -> Steps:
    low, high = word & 0xFFFFFFFF, word >> 32
    x = f32(f32(low >> 1) + 0.5)
    i = bits(x) - 0x3F3504F3
    e = i >> 23
    m = f32(float_of((i & 0x007FFFFF) + 0x3F3504F3) - 1.0)
    ln = f32(f32(horner(m, LOG) * m) + f32(f32(e - 31) * LN2))
    r = f32(math.sqrt(f32(ln * -2.0)))
    t = f32(f32(int32(high)) * ANGLE)
    s = f32(t * t)
    z_even = f32(horner(s, COS) * math.copysign(r, -1.0 if low & 1 else 1.0))
    z_odd = f32(f32(horner(s, SIN) * t) * r)
    return Steps(x, i, e, m, ln, r, t, s, z_even, z_odd)


def normals_of(word: int) -> tuple[float, float]:
    steps = box_muller(word)
    return steps.z_even, steps.z_odd


def uniforms_of(word: int) -> tuple[float, float]:
    low, high = (f32(f32(int32(half)) * 2.0**-31) for half in (word & 0xFFFFFFFF, word >> 32))
    return low, high


def normal(key: tuple[int, int], i: int, std: float) -> float:
    return f32(normals_of(word(key, i // 2))[i % 2] * f32(std))


def uniform(key: tuple[int, int], i: int, std: float) -> float:
    return f32(uniforms_of(word(key, i // 2))[i % 2] * f32(math.sqrt(3) * std))


def accepted_attempt(key: tuple[int, int], i: int, cut: float = 2) -> int:
    attempt = 0
    while abs(normals_of(word(key, i // 2, attempt))[i % 2]) > cut:
        attempt += 1
    return attempt


def truncated_normal(key: tuple[int, int], i: int, std: float) -> float:
    z = normals_of(word(key, i // 2, accepted_attempt(key, i)))[i % 2]
    return f32(z * f32(std / 0.87962566103423978))


def cut_normal(key: tuple[int, int], i: int, cut: float, divisor: float) -> float:
    """Return element i of a normal distribution that is cut anywhere, at std 1: section 12."""
    attempt = accepted_attempt(key, i, cut)
    return f32(normals_of(word(key, i // 2, attempt))[i % 2] * f32(1 / divisor))


DISTRIBUTIONS = {"normal": normal, "truncated_normal": truncated_normal, "uniform": uniform}
