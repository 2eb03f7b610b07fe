"""A network that learns: forward, loss and backward of one batch, in arrays that every step uses again."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from service.learning.normalization import BatchNormalization
from service.learning.parameters import LayerValues, StartLayer, start_of, zeros_of
from service.learning.samples import Samples
from service.numerics.activations import Activation, FloatArray

# Samples that are looked at together, when nothing is learned of them.
MOST_AT_ONCE = 512


@dataclass(slots=True)
class Workspace:
    """What one layer keeps from the way forward to the way back."""

    sums: FloatArray  # shape (samples, width)
    below: FloatArray  # gradient at the layer's inputs, shape (samples, fan_in)
    normalization: BatchNormalization | None
    # Of the last batch, once there is one.
    inputs: FloatArray = field(default_factory=lambda: np.empty(0))  # shape (samples, fan_in)
    entering: FloatArray = field(default_factory=lambda: np.empty(0))  # what the activation is taken of
    activation: FloatArray = field(default_factory=lambda: np.empty(0))


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How well a network does on samples."""

    loss: float  # mean cross-entropy; not finite after an overflow
    accuracy: float  # share of samples whose class has the largest output


class Network:
    """Dense layers, softmax and cross-entropy; float32 in service, float64 where it is compared."""

    def __init__(self, layers: Sequence[StartLayer], batch: int, dtype: npt.DTypeLike = np.float32) -> None:
        """Take copies of the layers' values, and room for a batch of so many samples."""
        self.layers = tuple(layers)
        self.parameters = start_of(layers, dtype)
        self.gradients = zeros_of(layers, dtype)
        self.workspaces = tuple(
            _workspace(values, gradients, batch)
            for values, gradients in zip(self.parameters.layers, self.gradients.layers, strict=True)
        )
        self._rows = np.arange(batch)

    def learn_from(self, batch: Samples) -> None:
        """Write the gradients of the batch's mean loss to `gradients`; running statistics take the batch in."""
        outputs = self._forward(batch.inputs)
        gradient = log_shares(outputs)
        np.exp(gradient, out=gradient)
        gradient[self._rows, batch.labels] -= 1
        gradient /= len(batch)
        self._backward(gradient)

    def evaluate(self, samples: Samples) -> Evaluation:
        """Return how well the network does, as it is used: normalized by the running statistics."""
        losses = np.empty(len(samples))
        right = 0
        for start in range(0, len(samples), MOST_AT_ONCE):
            inputs, labels = (of[start : start + MOST_AT_ONCE] for of in (samples.inputs, samples.labels))
            outputs = self.outputs(inputs)
            losses[start : start + len(labels)] = -log_shares(outputs)[np.arange(len(labels)), labels]
            right += int(np.count_nonzero(outputs.argmax(axis=1) == labels))
        return Evaluation(float(losses.mean()), right / len(samples))

    def outputs(self, inputs: FloatArray) -> FloatArray:
        """Return the outputs of the network as it is used, shape (samples, classes)."""
        for layer, values, workspace in zip(self.layers, self.parameters.layers, self.workspaces, strict=True):
            sums = inputs @ values.weight
            if values.bias is not None:
                sums += values.bias
            if workspace.normalization is not None:
                workspace.normalization.use(sums)
            inputs = layer.activation.value(sums)
        return inputs

    def _forward(self, inputs: FloatArray) -> FloatArray:
        for layer, values, workspace in zip(self.layers, self.parameters.layers, self.workspaces, strict=True):
            workspace.inputs = inputs
            sums = np.matmul(inputs, values.weight, out=workspace.sums)
            if values.bias is not None:
                sums += values.bias
            normalization = workspace.normalization
            workspace.entering = sums if normalization is None else normalization.forward(sums)
            workspace.activation = inputs = layer.activation.value(workspace.entering)
        return inputs

    def _backward(self, gradient: FloatArray) -> None:
        """Write the gradients, given that of the loss at the outputs, which is overwritten."""
        for number in reversed(range(len(self.layers))):
            layer, workspace = self.layers[number], self.workspaces[number]
            values, gradients = self.parameters.layers[number], self.gradients.layers[number]
            if layer.activation.name is not Activation.IDENTITY:
                gradient *= layer.activation.slope(workspace.entering)
            if workspace.normalization is not None:
                workspace.normalization.backward(gradient)
            if gradients.bias is not None:
                gradient.sum(axis=0, out=gradients.bias)
            np.matmul(workspace.inputs.T, gradient, out=gradients.weight)
            if number:
                gradient = np.matmul(gradient, values.weight.T, out=workspace.below)


def log_shares(outputs: FloatArray) -> FloatArray:
    """Return the logarithms of the softmax of outputs of shape (samples, classes)."""
    below: FloatArray = outputs - outputs.max(axis=1, keepdims=True)
    below -= np.log(np.exp(below).sum(axis=1, keepdims=True))
    return below


def _workspace(values: LayerValues, gradients: LayerValues, batch: int) -> Workspace:
    (fan_in, width), dtype = values.weight.shape, values.weight.dtype
    normalization = None
    if values.affine is not None and gradients.affine is not None:
        normalization = BatchNormalization(values.affine, gradients.affine, batch)
    return Workspace(np.empty((batch, width), dtype), np.empty((batch, fan_in), dtype), normalization)
