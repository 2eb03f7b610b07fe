"""Keys and words: the random bits of recipe 1 (docs/recipe.md, sections 1 and 2).

Philox4x64-10: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3".
A block is one output of Philox: four words, so eight elements. Block b has counter b + 1.
"""

import hashlib
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

WORDS_PER_BLOCK = 4
ELEMENTS_PER_BLOCK = 2 * WORDS_PER_BLOCK

Words = npt.NDArray[np.uint64]
Blocks = npt.NDArray[np.uint64]

# Multipliers and key increments of Philox4x64: Salmon et al. 2011, section 4.3.
MULTIPLIERS = (0xD2E7470EE14C6C93, 0xCA5A826395121157)
KEY_INCREMENTS = (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B)
ROUNDS = 10

MASK_32 = np.uint64(0xFFFFFFFF)
SHIFT_32 = np.uint64(32)


class Key(NamedTuple):
    """The two halves of a Philox key, each an unsigned 64-bit integer."""

    k0: int
    k1: int


def key_of(seed: int, tensor: str) -> Key:
    """Return the key of a tensor's words, which depends on the seed and the tensor's own name alone."""
    digest = hashlib.sha256(f"{seed}/{tensor}".encode()).digest()
    return Key(int.from_bytes(digest[0:8], "little"), int.from_bytes(digest[8:16], "little"))


def consecutive_words(key: Key, first_block: int) -> Callable[[int], Words]:
    """Return a function that gives the words of the next `count` blocks, from `first_block` on.

    They are uint64, shape (4 * count,).
    """
    # NumPy adds one to the counter before each block. Given large Python ints instead of
    # uint64 arrays, it would pass them through float64 and lose their low bits.
    counter = np.array([first_block, 0, 0, 0], np.uint64)
    generator = np.random.Philox(key=np.array(key, np.uint64), counter=counter)
    return lambda count: generator.random_raw(WORDS_PER_BLOCK * count)


def scattered_words(key: Key, blocks: Blocks, attempt: int = 0) -> Words:
    """Return the words of blocks in any order: uint64, shape (4 * len(blocks),).

    Philox written out in NumPy. It takes several times as long for a block as NumPy's own
    generator, which can only go forward from where it stands.
    """
    zeros = np.zeros_like(blocks)
    c0, c1, c2, c3 = blocks + np.uint64(1), zeros, zeros, zeros + np.uint64(attempt)
    k0, k1 = key
    for _ in range(ROUNDS):
        high0, low0 = _full_product(MULTIPLIERS[0], c0)
        high1, low1 = _full_product(MULTIPLIERS[1], c2)
        c0, c1, c2, c3 = high1 ^ c1 ^ np.uint64(k0), low1, high0 ^ c3 ^ np.uint64(k1), low0
        k0 = (k0 + KEY_INCREMENTS[0]) % 2**64
        k1 = (k1 + KEY_INCREMENTS[1]) % 2**64
    return np.stack((c0, c1, c2, c3), axis=1).reshape(-1)


def _full_product(multiplier: int, x: Words) -> tuple[Words, Words]:
    """Return the high and the low 64 bits of the 128-bit products multiplier * x."""
    multiplier_high, multiplier_low = np.uint64(multiplier >> 32), np.uint64(multiplier & 0xFFFFFFFF)
    x_high, x_low = x >> SHIFT_32, x & MASK_32
    # Schoolbook multiplication in base 2**32. No sum exceeds 64 bits.
    middle = multiplier_high * x_low + ((multiplier_low * x_low) >> SHIFT_32)
    carried = multiplier_low * x_high + (middle & MASK_32)
    high = multiplier_high * x_high + (middle >> SHIFT_32) + (carried >> SHIFT_32)
    return high, np.uint64(multiplier) * x
