"""Orders of samples by recipe 1 (docs/recipe.md, section 18)."""

import numpy as np
import numpy.typing as npt

from service.numerics.recipe.philox import WORDS_PER_BLOCK, consecutive_words, key_of


def order(seed: int, name: str, count: int) -> npt.NDArray[np.int64]:
    """Return the numbers from 0 up to, not including, `count`, in the order of their words: shape (count,)."""
    words = consecutive_words(key_of(seed, name), 0)(-(-count // WORDS_PER_BLOCK))[:count]
    return np.argsort(words, kind="stable").astype(np.int64)
