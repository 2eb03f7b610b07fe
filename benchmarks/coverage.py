"""Coverage of the bounds of theory: how many networks that are drawn anew lie within them. The table of docs/theory.md.

Run by itself: python -m benchmarks.coverage [networks]
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from service.dense.passes import DrawnLayer, backward, forward
from service.dense.scratch import Scratch
from service.diagnosis.batch import input_figures
from service.diagnosis.theory.expected import expected
from service.diagnosis.theory.mean_field import LayerSetup
from service.numerics.activations import FUNCTIONS, Activation, FloatArray, Function

NETWORKS = 200


@dataclass(frozen=True)
class Cell:
    """Networks of one description."""

    name: str
    widths: Sequence[int]
    gain: float  # of the weights: their variance times fan_in
    samples: int = 100
    bias_std: float = 0.0

    @property
    def activation(self) -> Function:
        """What the name begins with."""
        return FUNCTIONS[Activation(self.name.split()[0])]

    def layers(self, generator: np.random.Generator) -> list[DrawnLayer]:
        """Return one network."""
        return [
            DrawnLayer(
                f"layers.{number}",
                generator.standard_normal((n, m), np.float32) * np.float32(np.sqrt(self.gain / n)),
                generator.standard_normal(m, np.float32) * np.float32(self.bias_std) if self.bias_std else None,
                self.activation,
            )
            for number, (n, m) in enumerate(pairwise(self.widths))
        ]

    def setups(self) -> list[LayerSetup]:
        """Return what theory knows of all these networks."""
        return [
            LayerSetup(self.activation, n, m, np.sqrt(self.gain / n), self.bias_std) for n, m in pairwise(self.widths)
        ]

    def shares_within(self, networks: int, seed: int = 1) -> tuple[FloatArray, FloatArray]:
        """Return the share of its layers that each network has within the bounds of the std and of the ratio."""
        generator = np.random.default_rng(seed)
        inputs = generator.standard_normal((self.samples, self.widths[0]), np.float32)
        theory = expected(self.setups(), input_figures(inputs), normalized=False)
        shares = []
        for _ in range(networks):
            stds, ratios = figures(self.layers(generator), inputs, generator)
            of_std = [(t.std_low or 0) <= std <= (t.std_high or np.inf) for t, std in zip(theory, stds, strict=True)]
            of_ratio = [
                (t.gradient_ratio_low or 0) <= ratio <= (t.gradient_ratio_high or np.inf)
                for t, ratio in zip(theory[:-1], ratios[:-1], strict=True)
            ]
            shares.append((np.mean(of_std), np.mean(of_ratio)))
        within = np.array(shares)
        return within[:, 0], within[:, 1]


def figures(
    layers: Sequence[DrawnLayer], inputs: FloatArray, generator: np.random.Generator
) -> tuple[list[float], list[float]]:
    """Return the std of the activations and the gradient ratio of each layer of one network."""
    passed = [kept for _, kept in forward(layers, inputs, normalize=False)]
    upstream = generator.standard_normal(passed[-1].activation.shape, np.float32)
    stds = [float(kept.activation.std(dtype=np.float64)) for kept in passed]
    back = [
        float(gradients.pre_activation.std(dtype=np.float64))
        for gradients in backward(layers, passed, upstream, Scratch())
    ]
    return stds, [std / back[0] for std in reversed(back)]


CELLS = (
    Cell("tanh 5 x 100", [100] * 6, 1.0),
    Cell("tanh chaotic", [100] * 11, 4.0),
    Cell("sigmoid 5 x 100", [100] * 6, 1.0),
    Cell("relu 5 x 100", [100] * 6, 2.0),
    Cell("relu 30 x 100", [100] * 31, 2.0),
    Cell("relu 10 x 400", [100] + [400] * 10, 2.0),
    Cell("relu 784-256-10", [784, 256, 10], 2.0, samples=300),
    Cell("tanh 2-64-64-2", [2, 64, 64, 2], 1.0, samples=1000),
    Cell("relu 2-64-64-8", [2, 64, 64, 8], 2.0, samples=1000),
    Cell("gelu 10 x 100", [100] * 11, 2.0),
    Cell("selu 10 x 100", [100] * 11, 1.0),
    Cell("tanh with biases", [100] * 11, 1.5, bias_std=0.3),
)


def main() -> None:
    networks = int(sys.argv[1]) if len(sys.argv) > 1 else NETWORKS
    print("| networks | std | gradient ratio |\n|---|---|---|")
    for cell in CELLS:
        of_std, of_ratio = cell.shares_within(networks)
        print(f"| {cell.name} | {of_std.mean():.1%} | {of_ratio.mean():.1%} |", flush=True)


if __name__ == "__main__":
    main()
