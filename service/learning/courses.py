"""What learns: a described network, or weights that a client has sent."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import numpy as np

from service.dense.names import layer_name
from service.dense.network import DenseNetwork, activations_of
from service.dense.passes import DrawnLayer, always_wanted
from service.dense.threads import one_thread
from service.describe.learning import SIZES, LearningRequest, OwnLearningRequest
from service.describe.network import (
    Bias,
    DiagnosisRequest,
    Network,
    Normalization,
    OwnWeightsRequest,
    ReportName,
)
from service.diagnosis.experiments import diagnose_network, diagnose_own
from service.diagnosis.experiments import memory_needed as memory_of_diagnosis
from service.diagnosis.report import Report
from service.diagnosis.uploads import OwnWeights
from service.errors import TooLarge
from service.learning.curves import Course, Point
from service.learning.network import MOST_AT_ONCE
from service.learning.optimizers import KEPT_ARRAYS
from service.learning.outcome import outcome_of
from service.learning.parameters import StartLayer, count_of
from service.learning.samples import task
from service.learning.train import POINTS, Training, training_of

# Arrays of the parameters' size: as drawn, as learned, their gradients, and what a step or its measuring takes.
PARAMETER_ARRAYS: Final = 6
# Arrays of shape (batch, width): sums, scaled, activation, gradient below, and two that are worked with.
BATCH_ARRAYS: Final = 6
# Arrays of shape (samples, widest) that evaluating takes, and the functions in it.
EVALUATION_ARRAYS: Final = 6
FLOAT_BYTES: Final = 4
# The samples, as they are and split.
DATA_BYTES: Final = 2**21
# Of a point of one layer, as object and as text.
POINT_BYTES: Final = 2**10


@dataclass(frozen=True, slots=True)
class Watching:
    """Who waits for a training: what is called at each step and may raise, and what takes each point."""

    check_wanted: Callable[[], None] = always_wanted
    show: Callable[[Point], None] = lambda _: None


def learn_network(asked: LearningRequest, network: DenseNetwork, watching: Watching) -> Course:
    """Return the whole training of the network that was described."""
    described = asked.network().model_copy(update={"seed": network.seed})
    course = _learn(
        training(asked, network, watching.check_wanted), lambda: _diagnosis(asked, network, watching), watching
    )
    return replace(course, network=described)


def training(
    asked: LearningRequest, network: DenseNetwork, check_wanted: Callable[[], None] = always_wanted
) -> Training:
    """Return the training of the network that was described, before its first step."""
    layers = []
    for layer in network.drawn():
        layers.append(layer)
        check_wanted()
    start = _start(asked, layers, [asked.bias is Bias.ZEROS] * len(layers))
    return training_of(asked, start, task(asked.data, network.seed), network.seed)


def learn_own(asked: OwnLearningRequest, seed: int, own: OwnWeights, watching: Watching) -> Course:
    """Return the whole training of weights that a client has sent."""
    activations = activations_of(asked, len(own.weights))
    layers = [
        DrawnLayer(layer_name(number), weight, bias, activation)
        for number, (weight, bias, activation) in enumerate(zip(own.weights, own.biases, activations, strict=True))
    ]
    start = _start(asked, layers, [bias is not None for bias in own.biases])
    own_training = training_of(asked, start, task(asked.data, seed), seed)
    return _learn(own_training, lambda: _diagnosis_of_own(asked, seed, own, watching), watching)


def _learn(training: Training, diagnose: Callable[[], Report], watching: Watching) -> Course:
    points = []
    with one_thread():
        for point in training.points(watching.check_wanted):
            watching.show(point)
            points.append(point)
    asked, parameters = training.asked, training.network.parameters.flat.size
    outcome = outcome_of(asked, points, training.task.test, diagnose())
    return Course(asked, None, training.seed, parameters, SIZES[asked.data], points, outcome)


def _start(
    asked: LearningRequest | OwnLearningRequest, layers: Sequence[DrawnLayer], has_bias: Sequence[bool]
) -> list[StartLayer]:
    last, is_normalized = len(layers) - 1, asked.normalization is Normalization.BATCH
    return [
        _start_layer(layer, has_bias=biased, is_normalized=is_normalized and number < last)
        for number, (layer, biased) in enumerate(zip(layers, has_bias, strict=True))
    ]


def _start_layer(layer: DrawnLayer, *, has_bias: bool, is_normalized: bool) -> StartLayer:
    bias = None
    if has_bias and not is_normalized:
        bias = np.zeros(layer.weight.shape[1], np.float32) if layer.bias is None else layer.bias
    return StartLayer(layer.name, layer.weight, bias, layer.activation, is_normalized)


def _diagnosis(asked: LearningRequest, network: DenseNetwork, watching: Watching) -> Report:
    fields = {name: getattr(asked, name) for name in Network.model_fields}
    experiment = DiagnosisRequest.model_construct(
        **fields, normalization=asked.normalization, report=ReportName.SUMMARY
    )
    return diagnose_network(experiment, network, watching.check_wanted)


def _diagnosis_of_own(asked: OwnLearningRequest, seed: int, own: OwnWeights, watching: Watching) -> Report:
    experiment = OwnWeightsRequest(
        activation=asked.activation,
        output_activation=asked.output_activation,
        slope=asked.slope,
        alpha=asked.alpha,
        normalization=asked.normalization,
        report=ReportName.SUMMARY,
    )
    return diagnose_own(experiment, seed, replace(own, inputs=None), watching.check_wanted)


def _parameters(asked: LearningRequest | OwnLearningRequest, widths: Sequence[int]) -> int:
    """Return how many parameters layers of these widths have, each with a bias."""
    last, is_normalized = len(widths) - 2, asked.normalization is Normalization.BATCH
    return sum(
        count_of(shape, has_bias=True, is_normalized=is_normalized and number < last)
        for number, shape in enumerate(pairwise(widths))
    )


def check_work(asked: LearningRequest | OwnLearningRequest, widths: Sequence[int], most: int) -> None:
    """Raise TooLarge if the training of layers of these widths, inputs first, is more work than `most`."""
    one_step = _parameters(asked, widths) * asked.batch
    work = asked.steps * one_step
    if work > most:
        fitting = most // one_step
        advice = f"At most {fitting} steps would fit." if fitting else "A smaller network or batch would fit."
        raise TooLarge("steps x parameters x batch in one training", work, most, "learning_work", advice)


def memory_needed(asked: LearningRequest | OwnLearningRequest, widths: Sequence[int], most_bytes: int) -> int:
    """Return the bytes that a training of layers of these widths, inputs first, needs; raise TooLarge beyond most."""
    parameters = _parameters(asked, widths)
    samples: int = DiagnosisRequest.model_fields["samples"].default
    experiment = OwnWeightsRequest(activation=asked.activation)
    diagnosis = memory_of_diagnosis(experiment, widths, samples, sys.maxsize)
    values = (
        (PARAMETER_ARRAYS + KEPT_ARRAYS[asked.optimizer]) * parameters
        + BATCH_ARRAYS * asked.batch * sum(widths)
        + EVALUATION_ARRAYS * MOST_AT_ONCE * max(widths)
    )
    needed = FLOAT_BYTES * values + DATA_BYTES + diagnosis
    if needed > most_bytes:
        raise TooLarge(
            "bytes of memory for one training", needed, most_bytes, "diagnosis_bytes", "A smaller network would fit."
        )
    return needed + POINT_BYTES * (POINTS + 2) * len(widths)
