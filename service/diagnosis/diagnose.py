"""The diagnosis itself: layers and a batch in, the figures of every layer out."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from service.dense.passes import DrawnLayer, Gradients, Passed, always_wanted, backward, forward
from service.dense.scratch import Scratch
from service.diagnosis.jacobian import jacobian_figures
from service.diagnosis.layer_figures import (
    MOST_NODES_COMPARED,
    MOST_NODES_IN_SUMMARY,
    activation_figures,
    brief_activation_figures,
    gradient_sizes,
    mean_and_std,
    node_and_sample_figures,
    pre_activation_figures,
    saturated_share,
    value_histogram,
)
from service.diagnosis.loss import Noise, Softmax
from service.diagnosis.report import (
    ActivationFigures,
    GradientFigures,
    Histogram,
    InputFigures,
    JacobianFigures,
    LayerReport,
    LossFigures,
    NodeFigures,
    PreActivationFigures,
    SampleFigures,
    TheoryFigures,
    existing,
)
from service.diagnosis.theory.expected import expected
from service.diagnosis.theory.mean_field import LayerSetup
from service.numerics.activations import FloatArray


@dataclass(frozen=True, slots=True)
class Subject:
    """One layer that is diagnosed, and why its weights are as they are."""

    layer: DrawnLayer
    scheme: str
    reason: str


@dataclass(frozen=True, slots=True)
class Batch:
    """What is sent through a network, forward and backward."""

    inputs: FloatArray  # shape (samples, fan_in of the first layer)
    figures: InputFigures
    loss: Noise | Softmax


@dataclass(frozen=True, slots=True)
class Depth:
    """How far an examination goes."""

    is_summary: bool
    normalize: bool
    jacobians: int  # samples whose Jacobian is taken


@dataclass(frozen=True, slots=True)
class Findings:
    """All figures of a network, without verdicts."""

    layers: list[LayerReport]
    setups: list[LayerSetup]
    jacobian: list[JacobianFigures]
    loss: LossFigures | None


@dataclass(frozen=True, slots=True)
class _ForwardFigures:
    """What the way forward says of a layer, and of its weights."""

    weight_histogram: Histogram | None
    pre_activation: PreActivationFigures
    activation: ActivationFigures
    saturated_share: float | None
    nodes: NodeFigures
    likeness: SampleFigures


def examine(
    subjects: Sequence[Subject], batch: Batch, depth: Depth, check_wanted: Callable[[], None] = always_wanted
) -> Findings:
    """Return the figures of each layer, and of the network, for one batch.

    `check_wanted` is called between layers, and may raise.
    """
    layers = [subject.layer for subject in subjects]
    setups = [setup_of(layer) for layer in layers]
    passed: list[Passed] = []
    figures: list[_ForwardFigures] = []
    scratch = Scratch()
    # Overflow on the way is a result: it shows as figures that do not exist.
    with np.errstate(all="ignore"):
        way = forward(layers, batch.inputs, normalize=depth.normalize)
        for layer, (pre_activation, kept) in zip(layers, way, strict=True):
            figures.append(_forward_figures(layer, pre_activation, kept, depth, scratch))
            passed.append(kept)
            check_wanted()
        outputs = passed[-1].activation
        gradients = [GradientFigures()] * len(layers)
        if all(layer_figures.activation.std is not None for layer_figures in figures):
            gradients = []
            for of_layer in _gradient_figures(layers, passed, batch, depth, scratch):
                gradients.insert(0, of_layer)
                check_wanted()
        theories = expected(setups, batch.figures, normalized=depth.normalize, bounded=not depth.is_summary)
        samples = min(depth.jacobians, len(batch.inputs))
        jacobian = jacobian_figures(layers, passed, samples) if samples else []
        loss = batch.loss.figures(outputs)
    equal = [*(_are_equal(layer, after) for layer, after in pairwise(layers)), False]
    reports = map(_report, subjects, setups, figures, gradients, theories)
    return Findings(
        [replace(report, has_equal_nodes=is_equal) for report, is_equal in zip(reports, equal, strict=True)],
        setups,
        jacobian,
        loss,
    )


def setup_of(layer: DrawnLayer) -> LayerSetup:
    """Return what theory needs to know of a layer."""
    fan_in, width = layer.weight.shape
    bias_rms = 0.0 if layer.bias is None else math.hypot(*mean_and_std(layer.bias))
    return LayerSetup(layer.activation, fan_in, width, mean_and_std(layer.weight)[1], bias_rms)


def _are_equal(layer: DrawnLayer, after: DrawnLayer) -> bool:
    """Whether all nodes of a layer have the same weights, to what is before them and to what is after."""
    weight, bias, onward = layer.weight, layer.bias, after.weight
    return (
        weight.shape[1] > 1
        and bool((weight[0] == weight[0, 0]).all() and (weight == weight[:, :1]).all())
        and (bias is None or bool((bias == bias[0]).all()))
        and bool((onward == onward[0]).all())
    )


def _forward_figures(
    layer: DrawnLayer, pre_activation: FloatArray, kept: Passed, depth: Depth, scratch: Scratch
) -> _ForwardFigures:
    weights = None if depth.is_summary else value_histogram(layer.weight)
    before = pre_activation_figures(pre_activation)
    if depth.is_summary:
        after, most_nodes = brief_activation_figures(kept.activation), MOST_NODES_IN_SUMMARY
    else:
        after, most_nodes = activation_figures(kept.activation), MOST_NODES_COMPARED
    if after.min is None or after.max is None:
        return _ForwardFigures(weights, before, after, None, NodeFigures(), SampleFigures())
    scale = max(after.max, -after.min)
    nodes, likeness = node_and_sample_figures(kept.activation, scale, scratch, most_nodes)
    return _ForwardFigures(weights, before, after, saturated_share(kept.entering, layer.activation), nodes, likeness)


def _gradient_figures(
    layers: Sequence[DrawnLayer], passed: Sequence[Passed], batch: Batch, depth: Depth, scratch: Scratch
) -> Iterator[GradientFigures]:
    """Yield the figures of the way back, from the last layer to the first."""
    upstream = batch.loss.gradient(passed[-1].activation)
    last = None
    for layer, gradients in zip(reversed(layers), backward(layers, passed, upstream, scratch), strict=True):
        weight_rms = math.hypot(*mean_and_std(layer.weight)) if isinstance(batch.loss, Softmax) else 0.0
        of_layer = _figures_of(gradients, last, weight_rms, is_summary=depth.is_summary)
        last = of_layer.std if last is None else last
        yield of_layer


def _figures_of(gradients: Gradients, last: float | None, weight_rms: float, *, is_summary: bool) -> GradientFigures:
    """Return the figures of one layer; `last` is the std of the last layer, None for the last itself."""
    mean, std = mean_and_std(gradients.pre_activation)
    weight_mean, weight_std = mean_and_std(gradients.weight)
    rms = math.hypot(mean, std)
    last = std if last is None else last
    quantiles, small_share = None, None
    if not is_summary and 0 < rms < math.inf:
        quantiles, small_share = gradient_sizes(gradients.pre_activation, rms)
    return GradientFigures(
        std=existing(std),
        weight_std=existing(weight_std),
        ratio=existing(std / last) if last > 0 else None,
        rms=existing(rms),
        quantiles=quantiles,
        small_share=small_share,
        histogram=None if is_summary else value_histogram(gradients.pre_activation),
        update_ratio=existing(math.hypot(weight_mean, weight_std) / weight_rms) if weight_rms > 0 else None,
        is_zero=weight_mean == weight_std == 0 and not gradients.weight.any(),
    )


def _report(
    subject: Subject,
    setup: LayerSetup,
    figures: _ForwardFigures,
    gradient: GradientFigures,
    theory: TheoryFigures,
) -> LayerReport:
    return LayerReport(
        name=subject.layer.name,
        width=setup.width,
        fan_in=setup.fan_in,
        activation_function=setup.activation,
        scheme=subject.scheme,
        reason=subject.reason,
        weight_std=existing(setup.weight_std),
        weight_histogram=figures.weight_histogram,
        bias_rms=setup.bias_rms,
        pre_activation=figures.pre_activation,
        activation=figures.activation,
        saturated_share=figures.saturated_share,
        nodes=figures.nodes,
        likeness=figures.likeness,
        gradient=gradient,
        theory=theory,
    )
