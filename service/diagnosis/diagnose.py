"""The diagnosis itself: layers and a batch in, the figures of every layer out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import MISSING

from service.diagnosis.layer_figures import (
    activation_figures,
    figure,
    mean_and_std,
    node_figures,
    pre_activation_figures,
    saturated_share,
)
from service.diagnosis.passes import DenseLayer, Gradients, Passed, backward, forward
from service.diagnosis.report import GradientFigures, LayerReport, Theory, WeightFigures
from service.diagnosis.scratch import Scratch
from service.diagnosis.theory.expected import LayerTheory, expected
from service.diagnosis.theory.mean_field import LayerSetup
from service.diagnosis.verdicts import verdicts_of
from service.numerics.reference import Floats


@dataclass(frozen=True, slots=True)
class Subject:
    """One layer that is diagnosed, and why its weights are as they are."""

    layer: DenseLayer
    scheme: str
    reason: str


def examine(subjects: Sequence[Subject], inputs: Floats, upstream: Floats, *, normalize: bool) -> list[LayerReport]:
    """Return the figures of each layer for one batch.

    `inputs` has shape (samples, fan_in of the first layer); `upstream`, the gradient at the output,
    (samples, width of the last layer).
    """
    layers = [subject.layer for subject in subjects]
    setups = [_setup_of(layer) for layer in layers]
    passed: list[Passed] = []
    figures: list[dict[str, Any]] = []
    scratch = Scratch()
    # Overflow on the way is a result: it shows as figures that do not exist.
    with np.errstate(all="ignore"):
        for layer, (pre_activation, kept) in zip(layers, forward(layers, inputs, normalize=normalize), strict=True):
            figures.append(_on_the_way(layer, pre_activation, kept, scratch))
            passed.append(kept)
        gradients_exist = all(found["activation"].std is not MISSING for found in figures)
        gradients = [GradientFigures()] * len(layers)
        if gradients_exist:
            gradients = _gradient_figures(layers, passed, upstream, scratch)
        theories = expected(setups, len(inputs), normalized=normalize)
    reports = []
    for subject, setup, found, gradient, theory in zip(subjects, setups, figures, gradients, theories, strict=True):
        report = _report(subject, setup, found, gradient, theory)
        verdicts = verdicts_of(report, gradients_exist=gradients_exist)
        reports.append(report.model_copy(update={"verdicts": verdicts}))
    return reports


def _setup_of(layer: DenseLayer) -> LayerSetup:
    """Return what theory needs to know of a layer."""
    fan_in, width = layer.weight.shape
    bias_std = 0.0 if layer.bias is None else mean_and_std(layer.bias)[1]
    return LayerSetup(layer.activation, fan_in, width, mean_and_std(layer.weight)[1], bias_std)


def _on_the_way(layer: DenseLayer, pre_activation: Floats, kept: Passed, scratch: Scratch) -> dict[str, Any]:
    """Return the fields of a report that the way forward gives."""
    activation, zero_share = activation_figures(kept.activation, scratch)
    found: dict[str, Any] = {
        "pre_activation": pre_activation_figures(pre_activation),
        "activation": activation,
        "zero_share": zero_share,
    }
    if activation.min is MISSING or activation.max is MISSING:
        return found
    nodes = node_figures(kept.activation, max(activation.max, -activation.min), scratch)
    return found | {
        "saturated_share": saturated_share(kept.entering, layer.activation),
        "dead_share": nodes.dead_share,
        "constant_share": nodes.constant_share,
        "effective_rank": nodes.effective_rank,
        "mean_correlation": nodes.mean_correlation,
    }


def _gradient_figures(
    layers: Sequence[DenseLayer], passed: Sequence[Passed], upstream: Floats, scratch: Scratch
) -> list[GradientFigures]:
    """Return the figures of the way back, from the first layer to the last."""
    stds = [_gradient_stds(gradients) for gradients in backward(layers, passed, upstream, scratch)]
    last = stds[0][0]
    return [
        GradientFigures(
            std=figure(std), weight_std=figure(weight_std), ratio=figure(std / last) if last > 0 else MISSING
        )
        for std, weight_std in reversed(stds)
    ]


def _gradient_stds(gradients: Gradients) -> tuple[float, float]:
    return mean_and_std(gradients.pre_activation)[1], mean_and_std(gradients.weight)[1]


def _report(
    subject: Subject, setup: LayerSetup, found: dict[str, Any], gradient: GradientFigures, theory: LayerTheory
) -> LayerReport:
    return LayerReport(
        name=subject.layer.name,
        width=setup.width,
        fan_in=setup.fan_in,
        activation_function=setup.activation,
        scheme=subject.scheme,
        reason=subject.reason,
        weight=WeightFigures(std=figure(setup.weight_std)),
        gradient=gradient,
        theory=Theory(
            mean=figure(theory.mean),
            std=figure(theory.std),
            std_low=figure(theory.std_low),
            std_high=figure(theory.std_high),
            gradient_ratio=figure(theory.gradient_ratio),
        ),
        verdicts=[],
        **found,
    )
