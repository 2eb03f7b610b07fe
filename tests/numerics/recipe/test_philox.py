import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.numerics.recipe.philox import Key, consecutive_words, key_of, scattered_words
from tests.numerics.recipe import recipe_by_hand
from tests.numerics.recipe.known_vectors import CASES, IDS, Case

LARGEST_WORD = 2**64 - 1
words = st.integers(0, LARGEST_WORD)
keys = st.builds(Key, words, words)
# A tensor has fewer than 2**62 elements; the blocks of the law go beyond all of them.
blocks = st.integers(0, 2**63 + 10) | st.integers(2**63 - 10, 2**63 + 10)


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_keys_are_the_given_ones(case: Case) -> None:
    assert key_of(case.seed, case.tensor) == case.key
    assert recipe_by_hand.key(case.seed, case.tensor) == case.key


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_words_are_the_given_ones(case: Case) -> None:
    pair = case.start // 2
    block, place = divmod(pair, 4)
    run = slice(place, place + len(case.words))
    assert tuple(consecutive_words(Key(*case.key), block)(2)[run].tolist()) == case.words
    assert tuple(scattered_words(Key(*case.key), np.array([block, block + 1], np.uint64))[run].tolist()) == case.words
    assert tuple(recipe_by_hand.word(case.key, pair + n) for n in range(len(case.words))) == case.words


# Known answers that the authors of Philox publish: Random123, tests/kat_vectors, philox4x64 10.
PUBLISHED = [
    (
        (0, 0, 0, 0),
        (0, 0),
        (0x16554D9ECA36314C, 0xDB20FE9D672D0FDC, 0xD7E772CEE186176B, 0x7E68B68AEC7BA23B),
    ),
    (
        (LARGEST_WORD,) * 4,
        (LARGEST_WORD,) * 2,
        (0x87B092C3013FE90B, 0x438C3C67BE8D0224, 0x9CC7D7C69CD777B6, 0xA09CAEBF594F0BA0),
    ),
    (
        (0x243F6A8885A308D3, 0x13198A2E03707344, 0xA4093822299F31D0, 0x082EFA98EC4E6C89),
        (0x452821E638D01377, 0xBE5466CF34E90C6C),
        (0xA528F45403E61D95, 0x38C72DBD566E9788, 0xA5A1610E72FD18B5, 0x57BD43B5E52B7FE6),
    ),
]


@pytest.mark.parametrize(("counter", "key", "outputs"), PUBLISHED, ids=["zeros", "ones", "pi"])
def test_the_oracle_gives_the_published_answers(
    counter: recipe_by_hand.Words, key: tuple[int, int], outputs: recipe_by_hand.Words
) -> None:
    assert recipe_by_hand.philox(counter, key) == outputs


def test_scattered_words_give_the_published_answer() -> None:
    # TensorBox b has counter b + 1, so the last block of all has counter 0.
    (counter, key, outputs) = PUBLISHED[0]
    assert counter == (0, 0, 0, 0)
    assert tuple(scattered_words(Key(*key), np.array([LARGEST_WORD], np.uint64)).tolist()) == outputs


@given(keys, st.lists(blocks, min_size=1, max_size=6), st.integers(0, 20) | words)
@example(Key(LARGEST_WORD, LARGEST_WORD), [2**63 - 2, 2**63 - 1, 2**63], 1)
def test_scattered_words_are_those_of_numpy_at_the_same_counters(key: Key, blocks: list[int], attempt: int) -> None:
    drawn = scattered_words(key, np.array(blocks, np.uint64), attempt).reshape(-1, 4)
    for block, four in zip(blocks, drawn, strict=True):
        counter = np.array([block, 0, 0, attempt], np.uint64)
        numpy_philox = np.random.Philox(key=np.array(key, np.uint64), counter=counter)
        assert four.tolist() == numpy_philox.random_raw(4).tolist()


@given(keys, blocks, st.integers(1, 5), st.integers(1, 5))
def test_consecutive_words_are_those_of_the_oracle(key: Key, block: int, count: int, more: int) -> None:
    next_words = consecutive_words(key, block)
    drawn = [*next_words(count).tolist(), *next_words(more).tolist()]
    assert drawn == [recipe_by_hand.word(key, 4 * block + n) for n in range(4 * (count + more))]


@given(st.integers(0, 2**53 - 1), st.text(min_size=1))
def test_a_key_is_the_head_of_a_digest_of_seed_and_name(seed: int, tensor: str) -> None:
    assert key_of(seed, tensor) == recipe_by_hand.key(seed, tensor)
