"""Singular values of the Jacobian: how much the outputs of a network turn, stretch or lose of its inputs.

All near 1 is dynamical isometry (Saxe et al. 2014, arXiv:1312.6120; Pennington et al. 2017, arXiv:1711.04735).
"""

from collections.abc import Sequence

import numpy as np

from service.dense.passes import DrawnLayer, Passed
from service.diagnosis.report import JacobianFigures
from service.numerics.activations import FloatArray


def jacobian_figures(layers: Sequence[DrawnLayer], passed: Sequence[Passed], samples: int) -> list[JacobianFigures]:
    """Return the singular values of d output / d input at the first samples, as far as they exist.

    Products are taken in float64, whose digits the smallest values need: slopes of float32 only move each value by a
    share of itself. Mean and variance of a normalization are taken as given.
    """
    from_the_end = layers[-1].weight.shape[1] < layers[0].weight.shape[0]
    order = range(len(layers))
    products: list[FloatArray | None] = [None] * samples
    for number in reversed(order) if from_the_end else order:
        weight = layers[number].weight.astype(np.float64)
        slopes = _slopes(layers[number], passed[number], samples)
        for sample, product in enumerate(products):
            step = weight * slopes[sample]
            if product is None:
                products[sample] = step
            else:
                products[sample] = step @ product if from_the_end else product @ step
    figures = [_figures(product) for product in products if product is not None and np.isfinite(product).all()]
    return [values for values in figures if np.isfinite(values.largest)]


def _slopes(layer: DrawnLayer, passed: Passed, samples: int) -> FloatArray:
    """Return the factor at each node of the first samples: float64, shape (samples, width)."""
    slopes: FloatArray = layer.activation.slope(passed.entering[:samples].astype(np.float64))
    return slopes if passed.inverse_std is None else slopes * passed.inverse_std


def _figures(jacobian: FloatArray) -> JacobianFigures:
    values = np.linalg.svd(jacobian, compute_uv=False)
    return JacobianFigures(float(values[0]), float(np.median(values)), float(values[-1]))
