from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.numerics.recipe import reference
from service.numerics.recipe.philox import Key, Words, consecutive_words
from tests.numerics.recipe import recipe_by_hand
from tests.numerics.recipe.recipe_by_hand import bits, normals_of, uniforms_of

# Where the low half sets the sign alone, rounds up to 2**31 when shifted, or is about to.
LOWS = [0, 1, 2, 3, 0x7FFFFFFF, 0x80000000, 0xFFFFFF7E, 0xFFFFFF7F, 0xFFFFFF80, 0xFFFFFFFE, 0xFFFFFFFF]
# Where the angle is zero, the smallest on either side of it, or a right angle.
HIGHS = [0, 1, 2, 0x3FFFFFFF, 0x40000000, 0x7FFFFFFF, 0x80000000, 0x80000001, 0xC0000000, 0xFFFFFFFE, 0xFFFFFFFF]
CRAFTED = [high << 32 | low for high, low in product(HIGHS, LOWS)]

words = st.integers(0, 2**64 - 1)


def _words(values: list[int]) -> Words:
    return np.array(values, np.uint64)


def _expected_bits(pairs: list[tuple[float, float]]) -> list[int]:
    return [bits(value) for pair in pairs for value in pair]


def test_normal_values_of_extreme_words_are_those_of_the_oracle() -> None:
    drawn = reference.normal(_words(CRAFTED))
    assert drawn.view(np.uint32).tolist() == _expected_bits([normals_of(word) for word in CRAFTED])


def test_uniform_values_of_extreme_words_are_those_of_the_oracle() -> None:
    drawn = reference.uniform(_words(CRAFTED))
    assert drawn.view(np.uint32).tolist() == _expected_bits([uniforms_of(word) for word in CRAFTED])


@given(st.lists(words, min_size=1, max_size=30))
def test_normal_values_of_any_words_are_those_of_the_oracle(words: list[int]) -> None:
    drawn = reference.normal(_words(words))
    assert drawn.view(np.uint32).tolist() == _expected_bits([normals_of(word) for word in words])


@given(st.lists(words, min_size=1, max_size=30))
def test_uniform_values_of_any_words_are_those_of_the_oracle(words: list[int]) -> None:
    drawn = reference.uniform(_words(words))
    assert drawn.view(np.uint32).tolist() == _expected_bits([uniforms_of(word) for word in words])


@pytest.mark.parametrize(
    ("word", "even", "odd"),
    [
        # Where the radius is -0.0, the even value takes the sign of the lowest bit: set, not or-ed.
        pytest.param(0x00000000_FFFFFFFE, 0x00000000, 0x80000000, id="lowest bit 0"),
        pytest.param(0x00000000_FFFFFFFF, 0x80000000, 0x80000000, id="lowest bit 1"),
        # An angle below zero, times the radius -0.0.
        pytest.param(0x80000000_FFFFFFFF, 0x00000000, 0x00000000, id="right angle below zero"),
    ],
)
def test_zeros_have_the_signs_of_the_recipe(word: int, even: int, odd: int) -> None:
    assert reference.normal(_words([word])).view(np.uint32).tolist() == [even, odd]


def test_the_largest_value_is_that_of_the_smallest_uniform_number() -> None:
    # sqrt(-2 ln(2**-32)): the uniform number behind it is at least half a step of 2**-31.
    exact = np.sqrt(64 * np.log(2.0))
    largest = np.abs(reference.normal(_words(CRAFTED))).max()
    assert largest == pytest.approx(exact, rel=1e-6)


@given(words, words, st.integers(0, 2**60))
def test_truncated_values_are_those_of_the_oracle(k0: int, k1: int, block: int) -> None:
    key, blocks = Key(k0, k1), np.arange(block, block + 6, dtype=np.uint64)
    drawn = reference.truncated_normal(key, blocks, consecutive_words(key, block)(6), np.float32(2))
    for offset, value in enumerate(drawn.view(np.uint32).tolist()):
        element = 8 * block + offset
        attempt = recipe_by_hand.accepted_attempt(key, element)
        assert value == bits(normals_of(recipe_by_hand.word(key, element // 2, attempt))[element % 2])


def test_normal_values_within_two_are_never_drawn_again() -> None:
    key, count = Key(3, 4), 2048
    blocks, words = np.arange(count, dtype=np.uint64), consecutive_words(key, 0)(count)
    once = reference.normal(words).copy()
    truncated = reference.truncated_normal(key, blocks, words, np.float32(2))
    within = np.abs(once) <= 2
    # 4.55 % of normal values lie beyond two standard deviations; five standard errors either way.
    beyond = 8 * count * 0.0455
    assert abs(np.count_nonzero(~within) - beyond) < 5 * beyond**0.5
    np.testing.assert_array_equal(truncated[within], once[within])
    assert np.abs(truncated).max() <= 2
