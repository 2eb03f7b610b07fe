"""Whatever finite weights and inputs are sent, the answer is a valid report."""

import json
from collections.abc import Callable

import numpy as np
import pytest

from service.describe.network import Language, OwnWeightsRequest
from service.diagnosis.experiments import diagnose_own
from service.diagnosis.uploads import OwnWeights
from service.documents.diagnosis import Diagnosis, diagnosis_document
from service.numerics.activations import Activation, FloatArray

RANDOM = np.random.default_rng(1).standard_normal((20, 8))
INPUTS: dict[str, FloatArray] = {
    "zeros": np.zeros((20, 8)),
    "two samples": RANDOM[:2],
    "all alike": np.tile(RANDOM[:1], (20, 1)),
    "opposite": np.stack([RANDOM[0], -RANDOM[0]]),
    "huge": RANDOM * 1e37,
    "tiny": RANDOM * 1e-40,
    "one value": RANDOM * np.eye(8)[0],
    "zeros but one": np.eye(20, 8)[::-1] * np.eye(20)[0][:, None],
    "ordinary": RANDOM,
}
WEIGHTS: dict[str, Callable[[int, int], FloatArray]] = {
    "ordinary": lambda a, b: np.random.default_rng(a * b).normal(0, a**-0.5, (a, b)),
    "zeros": lambda a, b: np.zeros((a, b)),
    "equal": lambda a, b: np.full((a, b), 0.3),
    "huge": lambda a, b: np.random.default_rng(a * b).normal(0, 1e36, (a, b)),
    "tiny": lambda a, b: np.random.default_rng(a * b).normal(0, 1e-42, (a, b)),
}


@pytest.mark.parametrize("normalization", ["none", "batch"])
@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("inputs", INPUTS)
def test_the_answer_is_a_valid_report(inputs: str, weights: str, normalization: str) -> None:
    widths = [(8, 6), (6, 6), (6, 3)]
    matrices = tuple(WEIGHTS[weights](*shape).astype(np.float32) for shape in widths)
    for activation in Activation:
        asked = OwnWeightsRequest.of(
            {"activation": activation, "normalization": normalization, "jacobian": 2, "loss": "softmax"}
        )
        sent = OwnWeights(matrices, (None, None, None), INPUTS[inputs].astype(np.float32))
        report = diagnose_own(asked, 1, sent)
        for is_summary in (False, True):
            text = diagnosis_document(report, Language.JA, is_summary=is_summary).model_dump_json()
            Diagnosis.model_validate(json.loads(text))
