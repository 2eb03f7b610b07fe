"""Words to values in NumPy: the reference for recipe 1 (docs/recipe.md, sections 3 to 5).

Every step is one correctly rounded float32 operation or an integer operation, in the order that
the recipe states, so the bits are the same on every machine.
"""

import threading

import numpy as np
import numpy.typing as npt

from service.numerics.recipe.philox import ELEMENTS_PER_BLOCK, WORDS_PER_BLOCK, Blocks, Key, Words, scattered_words

Float32s = npt.NDArray[np.float32]

# So many blocks at a time: the longer its steps, the less a thread waits for the interpreter's lock. The 2 MB of
# scratch are more than the cache of a core, which costs less.
BLOCKS_PER_CHUNK = 16384


def _float32s(*patterns: int) -> tuple[Float32s, ...]:
    """Return the floats with these bits, as arrays of no dimension: ufuncs take those fastest."""
    return tuple(np.array(pattern, np.uint32).view(np.float32) for pattern in patterns)


LOG = _float32s(
    0x3F800000, 0xBEFFFFFC, 0x3EAAABC9, 0xBE8002B8, 0x3E4C5BA4, 0xBE299951, 0x3E191C79, 0xBE131DD6, 0x3DB2A24B
)  # fmt: skip
SIN = _float32s(0x3F800000, 0xBE2AAAA4, 0x3C08873E, 0xB94FB222, 0x362E9C57)
COS = _float32s(0x3F800000, 0xBF000000, 0x3D2AAAA3, 0xBAB6099C, 0x37CFB40A, 0xB48BDCE5)
(LN2,) = _float32s(0x3F317218)
(ANGLE,) = _float32s(0x30490FDB)  # pi / 2 * 2**-31

HALF, ONE, MINUS_TWO = (np.array(value, np.float32) for value in (0.5, 1.0, -2.0))
INT32_TO_UNIT = np.array(2.0**-31, np.float32)
SQRT_HALF_BITS = np.array(0x3F3504F3, np.int32)
MANTISSA_MASK = np.array(0x007FFFFF, np.int32)
SIGN_MASK = np.array(0x7FFFFFFF, np.uint32)


class _Scratch(threading.local):
    """Working memory of one thread, kept between calls: fresh pages would cost more than the sums."""

    def __init__(self) -> None:
        words = BLOCKS_PER_CHUNK * WORDS_PER_BLOCK
        self.low = np.empty(words, np.uint32)
        self.floats = np.empty((4, words), np.float32)
        self.values = np.empty(2 * words, np.float32)


_scratch = _Scratch()


def normal(words: Words) -> Float32s:
    """Return standard normal values by Box and Muller's method: float32, shape (2 * len(words),).

    At most BLOCKS_PER_CHUNK blocks of words. The result lives in this thread's scratch, where the
    next call of any distribution overwrites it.
    """
    halves = _halves(words)
    low = _scratch.low[: words.size]
    x, y, radius, angle = _scratch.floats[:, : words.size]
    values = _scratch.values[: 2 * words.size]
    np.copyto(low, halves[0::2])
    np.copyto(angle, halves[1::2].view(np.int32), casting="unsafe")
    _radius(low, x, y, radius)

    np.multiply(angle, ANGLE, out=angle)
    square = np.multiply(angle, angle, out=x)
    sine = np.multiply(_horner(square, SIN, out=y), angle, out=y)
    np.multiply(sine, radius, out=values[1::2])

    # Bit 0 of the low half, unused so far, becomes the sign of the radius.
    radius_bits = radius.view(np.uint32)
    np.bitwise_and(radius_bits, SIGN_MASK, out=radius_bits)
    np.left_shift(low, 31, out=low)
    np.bitwise_or(radius_bits, low, out=radius_bits)
    cosine = _horner(square, COS, out=y)
    np.multiply(cosine, radius, out=values[0::2])
    return values


def uniform(words: Words) -> Float32s:
    """Return values uniform on [-1, 1], two for each word: see `normal`."""
    values = _scratch.values[: 2 * words.size]
    np.copyto(values, _halves(words).view(np.int32), casting="unsafe")
    return np.multiply(values, INT32_TO_UNIT, out=values)


def truncated_normal(key: Key, blocks: Blocks, words: Words, cut: np.float32) -> Float32s:
    """Return normal values, each drawn again until it is within the cut: see `normal`.

    `words` are those of `blocks` under `key`.
    """
    values = normal(words)
    rejected = np.flatnonzero(np.abs(values) > cut)
    if rejected.size == 0:
        return values
    values = values.copy()  # drawing again needs the scratch
    attempt = 0
    while rejected.size:
        attempt += 1
        block, element = np.divmod(rejected, ELEMENTS_PER_BLOCK)
        distinct, place = np.unique(block, return_inverse=True)
        again = normal(scattered_words(key, blocks[distinct], attempt))
        candidates = again[place * ELEMENTS_PER_BLOCK + element]
        accepted = np.abs(candidates) <= cut
        values[rejected[accepted]] = candidates[accepted]
        rejected = rejected[~accepted]
    return values


def _halves(words: Words) -> npt.NDArray[np.uint32]:
    """Return the 32-bit halves of the words, low before high, whatever the machine's byte order."""
    return words.astype("<u8", copy=False).view("<u4").astype(np.uint32, copy=False)


def _radius(low: npt.NDArray[np.uint32], x: Float32s, y: Float32s, out: Float32s) -> None:
    """Write sqrt(-2 ln u) to `out`, with u in (0, 1] from the upper 31 bits of `low`; overwrite x and y."""
    integer = out.view(np.int32)
    # u * 2**31 = m * 2**e with m in [sqrt(1/2), sqrt(2)): subtracting the bits of sqrt(1/2)
    # leaves e in the exponent's place, negative or not.
    np.right_shift(low, 1, out=integer.view(np.uint32))
    np.copyto(x, integer, casting="unsafe")
    np.add(x, HALF, out=x)
    x_bits = x.view(np.int32)
    np.subtract(x_bits, SQRT_HALF_BITS, out=integer)
    np.bitwise_and(integer, MANTISSA_MASK, out=x_bits)
    np.add(x_bits, SQRT_HALF_BITS, out=x_bits)
    mantissa = np.subtract(x, ONE, out=x)
    logarithm = np.multiply(_horner(mantissa, LOG, out=y), mantissa, out=y)
    exponent = np.subtract(np.right_shift(integer, 23, out=integer), 31, out=integer)
    np.copyto(x, exponent, casting="unsafe")
    np.add(logarithm, np.multiply(x, LN2, out=x), out=out)
    np.sqrt(np.multiply(out, MINUS_TWO, out=out), out=out)


def _horner(x: Float32s, coefficients: tuple[Float32s, ...], out: Float32s) -> Float32s:
    """Evaluate the polynomial with these coefficients, lowest order first, at x."""
    lowest, *middle, highest = coefficients
    np.multiply(x, highest, out=out)
    for coefficient in reversed(middle):
        np.multiply(np.add(out, coefficient, out=out), x, out=out)
    return np.add(out, lowest, out=out)
