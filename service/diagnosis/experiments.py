"""What is diagnosed: a described network, or weights that a client has sent."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from pydantic import MISSING

from service.diagnosis.diagnose import Subject, examine
from service.diagnosis.layer_figures import figure
from service.diagnosis.passes import DenseLayer
from service.diagnosis.report import Automatic, Diagnosis
from service.diagnosis.theory.mean_field import LayerSetup, mean_field
from service.diagnosis.uploads.network import OwnWeights
from service.diagnosis.verdicts import overall
from service.errors import TooLarge
from service.numerics.activations import Activation
from service.numerics.distributions import DistributionName
from service.numerics.reference import Floats
from service.numerics.sampler import Stream
from service.numerics.schemes import Fan, SchemeName, choose
from service.plan import Plan
from service.spec import Experiment, Layout, Normalization, OwnExperiment
from service.tensor import Tensor

# Arrays of shape (samples, width) that are kept for each layer: what enters the activation, and what leaves it.
KEPT_ARRAYS = 2
# The same for the widest layer while it is worked on: sums, sorted and centred values, gradients.
WORKING_ARRAYS = 6
# Arrays of a weight's shape: the weight, its gradient, and a centred copy of either.
WEIGHT_ARRAYS = 3
FLOAT_BYTES = 4
OWN = "own"


def diagnose_network(experiment: Experiment, plan: Plan) -> Diagnosis:
    """Return the diagnosis of a described network."""
    tensors = [tensor for tensor in plan.tensors if tensor.stream is not None]
    activations = _activations(experiment, len(tensors))
    subjects = [
        Subject(_drawn_layer(tensor, activation), tensor.choice.scheme, tensor.choice.reason)
        for tensor, activation in zip(tensors, activations, strict=True)
    ]
    inputs = _inputs(experiment, plan.seed, experiment.layers[0])
    network = experiment.network().model_copy(update={"seed": plan.seed})
    return _diagnosis(experiment, plan.seed, subjects, inputs).model_copy(update={"network": network})


def diagnose_own(experiment: OwnExperiment, seed: int, own: OwnWeights, most_bytes: int) -> Diagnosis:
    """Return the diagnosis of weights that a client has sent; raise TooLarge if it needs more memory than allowed."""
    widths = (own.weights[0].shape[0], *(weight.shape[1] for weight in own.weights))
    check_memory(widths, experiment.samples if own.inputs is None else len(own.inputs), most_bytes)
    activations = _activations(experiment, len(own.weights))
    subjects = [
        Subject(DenseLayer(f"layers.{number}", weight, bias, activation), OWN, "the weights were uploaded")
        for number, (weight, bias, activation) in enumerate(zip(own.weights, own.biases, activations, strict=True))
    ]
    if own.inputs is None:
        return _diagnosis(experiment, seed, subjects, _inputs(experiment, seed, widths[0]))
    return _diagnosis(experiment, seed, subjects, own.inputs).model_copy(update={"input": OWN})


def check_memory(widths: Sequence[int], samples: int, most_bytes: int) -> None:
    """Raise TooLarge if a diagnosis of layers of these widths, inputs first, needs more memory than allowed."""
    weights = FLOAT_BYTES * WEIGHT_ARRAYS * sum(a * b for a, b in pairwise(widths))
    sample = FLOAT_BYTES * (widths[0] + KEPT_ARRAYS * sum(widths[1:]) + WORKING_ARRAYS * max(widths))
    asked = weights + samples * sample
    if asked > most_bytes:
        fitting = max(most_bytes - weights, 0) // sample
        advice = f"At most {fitting} samples would fit." if fitting >= 2 else "A smaller network would fit."
        raise TooLarge("bytes of memory for one diagnosis", asked, most_bytes, "diagnosis_bytes", advice)


def _diagnosis(
    experiment: Experiment | OwnExperiment, seed: int, subjects: Sequence[Subject], inputs: Floats
) -> Diagnosis:
    samples, width = len(inputs), subjects[-1].layer.weight.shape[1]
    upstream = _batch(seed, "upstream", DistributionName.NORMAL, (samples, width))
    is_normalized = experiment.normalization is Normalization.BATCH
    reports = examine(subjects, inputs, upstream, normalize=is_normalized)
    return Diagnosis(
        seed=seed,
        samples=samples,
        input=experiment.input,
        normalization=experiment.normalization,
        layers=reports,
        verdict=overall(reports),
        auto=_automatic([subject.layer for subject in subjects], normalized=is_normalized),
    )


def _automatic(layers: Sequence[DenseLayer], *, normalized: bool) -> Automatic:
    """Return what the scheme auto would have led to, by mean-field theory."""
    setups, schemes = [], []
    for layer in layers:
        fan = Fan(*layer.weight.shape)
        choice = choose(SchemeName.AUTO, layer.activation, fan, fixed_std=0.0)
        schemes.append(choice.scheme)
        setups.append(LayerSetup(layer.activation, fan.inputs, fan.outputs, choice.std))
    theories = mean_field(setups, normalized=normalized)
    return Automatic(
        schemes=schemes,
        theory_std=[theory.std for theory in theories if figure(theory.std) is not MISSING],
        theory_gradient_ratio=[
            theory.gradient_ratio for theory in theories if figure(theory.gradient_ratio) is not MISSING
        ],
    )


def _activations(experiment: Experiment | OwnExperiment, count: int) -> list[Activation]:
    last = experiment.activation if experiment.output_activation is MISSING else experiment.output_activation
    return [experiment.activation] * (count - 1) + [last]


def _drawn_layer(tensor: Tensor, activation: Activation) -> DenseLayer:
    """Draw a weight, rounded to its dtype, in the orientation of the forward pass."""
    drawn = tensor.whole().read(0, tensor.elements).reshape(tensor.shape).astype(np.float32, copy=False)
    weight = drawn if tensor.layout is Layout.IN_OUT else drawn.T
    return DenseLayer(tensor.name.removesuffix(".weight"), weight, None, activation)


def _inputs(experiment: Experiment | OwnExperiment, seed: int, width: int) -> Floats:
    return _batch(seed, "inputs", DistributionName(experiment.input), (experiment.samples, width))


def _batch(seed: int, name: str, distribution: DistributionName, shape: tuple[int, int]) -> Floats:
    """Draw a batch of unit variance by recipe 1, under a name that no weight has."""
    values = np.empty(shape, np.float32)
    Stream.of(seed, name, distribution, 1.0).fill(values.reshape(-1), 0)
    return values
