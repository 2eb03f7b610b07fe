"""What is diagnosed: a described network, or weights that a client has sent."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from service.dense.names import layer_name
from service.dense.network import DenseNetwork, activations_of
from service.dense.passes import DrawnLayer, always_wanted
from service.describe.network import DiagnosisRequest, LossName, Normalization, OwnWeightsRequest, ReportName
from service.diagnosis.advice import Diagnosed
from service.diagnosis.batch import input_figures
from service.diagnosis.diagnose import Batch, Depth, Subject, examine
from service.diagnosis.forecasts import forecast, remedies_of
from service.diagnosis.loss import Noise, Softmax
from service.diagnosis.report import Report
from service.diagnosis.theory.phase import phases
from service.diagnosis.uploads import OwnWeights
from service.diagnosis.verdicts import judged, overall
from service.errors import FieldError, InvalidRequest, TooLarge
from service.initializers.schemes import SchemeName
from service.numerics.recipe.backend import fill_run
from service.numerics.recipe.distributions import DistributionName, Stream
from service.numerics.recipe.labels import labels
from service.numerics.recipe.reference import Float32s

# Arrays of shape (samples, width) that are kept for each layer: what enters the activation, and what leaves it.
KEPT_ARRAYS = 2
# The same for the widest layer while it is worked on: sums, sorted and centred values, gradients, and what gelu's
# slope takes, which is the most.
WORKING_ARRAYS = 11
# Arrays of a weight's shape: the weight, its gradient, and a centred copy of either.
WEIGHT_ARRAYS = 3
# Arrays of shape (samples, classes) that a real loss is worked on with, counted as float32.
LOSS_ARRAYS = 8
# Arrays of a Jacobian's shape for each sample, and of the largest weight's; both float64.
JACOBIAN_ARRAYS, JACOBIAN_WEIGHTS = 4, 3
FLOAT_BYTES, DOUBLE_BYTES = 4, 8
# What is reported of a layer, as objects and as text.
LAYER_BYTES = 2**16
# What drawing a tensor takes beside its values.
DRAWING_BYTES = 2**19
OWN = "own"
LEAST_CLASSES = 2


def diagnose_network(
    experiment: DiagnosisRequest, network: DenseNetwork, check_wanted: Callable[[], None] = always_wanted
) -> Report:
    """Return the diagnosis of the network that the experiment describes.

    `check_wanted` is called between layers, and may raise.
    """
    subjects = []
    for layer, drawn in zip(network.layers, network.drawn(), strict=True):
        choice = layer.weight.initializer.choice
        subjects.append(Subject(drawn, choice.scheme, choice.reason))
        check_wanted()
    inputs = _inputs(experiment, network.seed, experiment.layers[0])
    described = experiment.network().model_copy(update={"seed": network.seed})
    return replace(_diagnosis(experiment, network.seed, subjects, inputs, check_wanted), network=described)


def diagnose_own(
    experiment: OwnWeightsRequest, seed: int, own: OwnWeights, check_wanted: Callable[[], None] = always_wanted
) -> Report:
    """Return the diagnosis of weights that a client has sent; `check_wanted` is as in `diagnose_network`."""
    activations = activations_of(experiment, len(own.weights))
    subjects = [
        Subject(DrawnLayer(layer_name(number), weight, bias, activation), OWN, "the weights were uploaded")
        for number, (weight, bias, activation) in enumerate(zip(own.weights, own.biases, activations, strict=True))
    ]
    if own.inputs is None:
        inputs = _inputs(experiment, seed, len(own.weights[0]))
        return _diagnosis(experiment, seed, subjects, inputs, check_wanted)
    return replace(_diagnosis(experiment, seed, subjects, own.inputs, check_wanted), input=OWN)


def memory_needed(
    experiment: DiagnosisRequest | OwnWeightsRequest, widths: Sequence[int], samples: int, most_bytes: int
) -> int:
    """Return the bytes that a diagnosis of layers of these widths, inputs first, needs; raise TooLarge beyond most."""
    sizes = [a * b for a, b in pairwise(widths)]
    fixed = FLOAT_BYTES * WEIGHT_ARRAYS * sum(sizes)
    if experiment.jacobian:
        largest_product = min(widths[0], widths[-1]) * max(widths)
        products = experiment.jacobian * JACOBIAN_ARRAYS * largest_product
        fixed += DOUBLE_BYTES * (products + JACOBIAN_WEIGHTS * max(sizes))
    values = widths[0] + KEPT_ARRAYS * sum(widths[1:]) + WORKING_ARRAYS * max(widths)
    if experiment.loss is LossName.SOFTMAX:
        values += LOSS_ARRAYS * widths[-1]
    sample = FLOAT_BYTES * values
    asked = fixed + samples * sample
    if asked > most_bytes:
        fitting = max(most_bytes - fixed, 0) // sample
        advice = f"At most {fitting} samples would fit." if fitting >= 2 else "A smaller network would fit."
        raise TooLarge("bytes of memory for one diagnosis", asked, most_bytes, "diagnosis_bytes", advice)
    return asked + LAYER_BYTES * len(widths) + DRAWING_BYTES


def _diagnosis(
    experiment: DiagnosisRequest | OwnWeightsRequest,
    seed: int,
    subjects: Sequence[Subject],
    inputs: Float32s,
    check_wanted: Callable[[], None],
) -> Report:
    layers = [subject.layer for subject in subjects]
    is_normalized = experiment.normalization is Normalization.BATCH
    figures = input_figures(inputs)
    depth = Depth(experiment.report is ReportName.SUMMARY, is_normalized, experiment.jacobian)
    findings = examine(
        subjects, Batch(inputs, figures, _loss(experiment, seed, subjects, len(inputs))), depth, check_wanted
    )
    scheme = experiment.scheme if isinstance(experiment, DiagnosisRequest) else None
    auto = forecast(SchemeName.AUTO, layers, figures, normalized=is_normalized)
    remedies = remedies_of(layers, [layer.weight_std for layer in findings.layers], figures, auto)
    verdicts = judged(Diagnosed(findings.layers, figures, scheme, is_normalized, remedies))
    return Report(
        network=None,
        seed=seed,
        samples=len(inputs),
        input=experiment.input,
        inputs=figures,
        normalization=experiment.normalization,
        layers=[
            replace(layer, verdicts=tuple(of_layer)) for layer, of_layer in zip(findings.layers, verdicts, strict=True)
        ],
        verdict=overall(verdicts),
        auto=auto.summary(),
        phases=phases(findings.setups, normalized=is_normalized),
        jacobian=findings.jacobian,
        loss=findings.loss,
    )


def _loss(
    experiment: DiagnosisRequest | OwnWeightsRequest, seed: int, subjects: Sequence[Subject], samples: int
) -> Noise | Softmax:
    width = subjects[-1].layer.weight.shape[1]
    if experiment.loss is LossName.NOISE:
        return Noise(_batch(seed, "upstream", DistributionName.NORMAL, (samples, width)))
    if width < LEAST_CLASSES:
        message = f"softmax needs at least {LEAST_CLASSES} nodes in the last layer: one for each class"
        raise InvalidRequest((FieldError("loss", message, experiment.loss),))
    return Softmax(labels(seed, samples, width))


def _inputs(experiment: DiagnosisRequest | OwnWeightsRequest, seed: int, width: int) -> Float32s:
    return _batch(seed, "inputs", DistributionName(experiment.input), (experiment.samples, width))


def _batch(seed: int, name: str, distribution: DistributionName, shape: tuple[int, int]) -> Float32s:
    """Draw a batch of unit variance by recipe 1, under a name that no weight has."""
    values = np.empty(shape, np.float32)
    fill_run(values.reshape(-1), Stream.of(seed, name, distribution, 1.0), 0)
    return values
