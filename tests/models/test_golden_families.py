"""tests/golden_families.json: its models are those of the libraries."""

from collections.abc import Callable
from typing import Any

import pytest

from service.describe.model.families import FAMILIES
from tests.golden_families import frozen
from tests.models import test_flax, test_keras, torch_cases, transformers_cases, vision_cases
from tests.models.weights import Arrays, arrays, description

CASES = torch_cases.CASES | transformers_cases.CASES | vision_cases.CASES
# Of PyTorch, by the names of the cases that tests/models/test_modules.py compares with the library.
OF_TORCH = {
    "torch": "Net",
    "gpt2": "gpt2 with cross attention",
    "llama": "mixtral",
    "bert": "bert",
    "t5": "t5 gated",
    "vit": "vit with the start of JAX",
    "resnet": "resnet, last norms zero",
    "lstm_torch": "LSTM, both ways",
}
OTHERS: dict[str, Callable[[], Arrays]] = {
    "keras": lambda: test_keras.values(test_keras.seeded(test_keras.recurrent, 0)),
    "lstm_keras": lambda: test_keras.values(test_keras.seeded(test_keras.recurrent, 0)),
    "flax": lambda: test_flax.values(test_flax.Kernels(), test_flax.TOKENS, 0),
}
# No packages that can be imported here: the names and shapes of a small instance, written out from their sources.
BY_HAND = {"nanogpt", "torchtitan"}


def listed(family: str) -> dict[str, Any]:
    """Return the model that a library lists."""
    if family in OTHERS:
        return description(OTHERS[family](), family=family)
    case = CASES[OF_TORCH[family]]
    return description(arrays(case.seeded(0)), **case.head)


@pytest.mark.parametrize("family", [*OF_TORCH, *OTHERS])
def test_the_frozen_model_is_the_librarys(family: str) -> None:
    model = listed(family)
    tensors = [{**tensor, "shape": list(tensor["shape"])} for tensor in model["tensors"]]

    assert frozen()[family]["model"] == model | {"tensors": tensors}


def test_each_family_is_frozen() -> None:
    assert list(frozen()) == list(FAMILIES)
    assert {*OF_TORCH, *OTHERS, *BY_HAND} == set(FAMILIES)
