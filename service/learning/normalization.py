"""Batch normalization that learns: Ioffe and Szegedy 2015, arXiv:1502.03167, as torch.nn.BatchNorm1d does it."""

from typing import Final

import numpy as np

from service.dense.passes import EPSILON
from service.learning.parameters import Affine
from service.numerics.activations import FloatArray

# Of each batch in the running statistics: PyTorch's default.
RUNNING_SHARE: Final = 0.1


class BatchNormalization:
    """γ x + β, where x has mean 0 and variance 1 for each node: over the batch while it learns, afterwards over all.

    A batch is divided by the root of its own variance, Σ (x - mean)² / n. The running variance is of the estimate for
    endless samples, with n - 1.
    """

    def __init__(self, learned: Affine, gradient: Affine, batch: int) -> None:
        """Take views of what is learned and of its gradient."""
        self._learned = learned
        self._gradient = gradient
        self._scaled = np.empty((batch, learned.scale.size), learned.scale.dtype)
        self._running_mean = np.zeros_like(learned.scale)
        self._running_variance = np.ones_like(learned.scale)
        self._normalized = self._scaled  # until there is a batch
        self._inverse_std = self._running_variance

    def forward(self, sums: FloatArray) -> FloatArray:
        """Return what a batch becomes, shape (samples, width); the sums are overwritten and kept."""
        samples = len(sums)
        mean = sums.mean(axis=0)
        sums -= mean
        variance = np.einsum("ij,ij->j", sums, sums) / samples
        self._inverse_std = 1 / np.sqrt(variance + EPSILON)
        sums *= self._inverse_std
        self._normalized = sums
        _take_in(self._running_mean, mean)
        _take_in(self._running_variance, variance * (samples / (samples - 1)))
        np.multiply(sums, self._learned.scale, out=self._scaled)
        self._scaled += self._learned.offset
        return self._scaled

    def backward(self, gradient: FloatArray) -> None:
        """Write the gradients of γ and β, and make the gradient at what `forward` gave that at its sums, in place."""
        samples, normalized, own = len(gradient), self._normalized, self._gradient
        gradient.sum(axis=0, out=own.offset)
        np.einsum("ij,ij->j", gradient, normalized, out=own.scale)
        gradient -= own.offset / samples
        gradient -= normalized * (own.scale / samples)
        gradient *= self._learned.scale * self._inverse_std

    def use(self, sums: FloatArray) -> None:
        """Normalize by the running statistics, in place."""
        sums -= self._running_mean
        sums *= self._learned.scale / np.sqrt(self._running_variance + EPSILON)
        sums += self._learned.offset


def _take_in(running: FloatArray, found: FloatArray) -> None:
    running *= 1 - RUNNING_SHARE
    running += RUNNING_SHARE * found
