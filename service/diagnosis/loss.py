"""Where the gradient at the output comes from: noise, or the cross-entropy of softmax and labels."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from service.diagnosis.report import LossFigures, existing
from service.numerics.activations import FloatArray


@dataclass(frozen=True, slots=True)
class Noise:
    """A gradient that does not depend on the output."""

    upstream: FloatArray  # shape (samples, width)

    def gradient(self, _outputs: FloatArray) -> FloatArray:
        """Return the gradient at outputs of shape (samples, width)."""
        return self.upstream

    def figures(self, _outputs: FloatArray) -> None:
        """Noise is no loss."""


@dataclass(frozen=True, slots=True)
class Softmax:
    """The cross-entropy of softmax(outputs) and labels, one loss for each sample."""

    labels: npt.NDArray[np.int64]  # shape (samples,)

    def gradient(self, outputs: FloatArray) -> FloatArray:
        """Return the gradient of each sample's own loss, at outputs of shape (samples, classes)."""
        gradient: FloatArray = np.exp(self._log_shares(outputs))
        gradient[np.arange(len(outputs)), self.labels] -= 1
        return gradient

    def figures(self, outputs: FloatArray) -> LossFigures:
        """Return the mean loss, and the one to be expected of normal outputs of this spread: docs/theory.md."""
        wide = outputs.astype(np.float64)
        mean = -float(self._log_shares(wide)[np.arange(len(wide)), self.labels].mean())
        classes = wide.shape[1]
        expected = math.log(classes) + float(wide.var()) / 2 * (1 - 1 / classes)
        return LossFigures(existing(mean), existing(expected))

    def _log_shares(self, outputs: FloatArray) -> FloatArray:
        below = outputs - outputs.max(axis=1, keepdims=True)
        log_shares: FloatArray = below - np.log(np.exp(below).sum(axis=1, keepdims=True))
        return log_shares
