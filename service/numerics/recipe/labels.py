"""Labels of a batch by recipe 1 (docs/recipe.md, section 17)."""

import numpy as np
import numpy.typing as npt

from service.numerics.recipe.philox import WORDS_PER_BLOCK, consecutive_words, key_of

HALVES_PER_BLOCK = 2 * WORDS_PER_BLOCK


def labels(seed: int, samples: int, classes: int) -> npt.NDArray[np.int64]:
    """Return one label for each sample, from 0 up to, not including, `classes`, all as likely: shape (samples,)."""
    words = consecutive_words(key_of(seed, "labels"), 0)(-(-samples // HALVES_PER_BLOCK))
    halves = words.astype("<u8", copy=False).view("<u4")[:samples].astype(np.uint64)
    return (halves * np.uint64(classes) >> np.uint64(32)).astype(np.int64)
