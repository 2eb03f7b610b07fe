"""What an expert says of sixty networks: verdict, advice and reason, from theory and the literature alone.

These are opinions, written down before the code that is to meet them. `equal(100, 5)` is the textbook's network: 100
inputs and five layers of 100.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from service.diagnosis.uploads import OwnWeights
from service.numerics.activations import FloatArray

Generator = np.random.Generator


@dataclass(frozen=True)
class Situation:
    """A network, and what an expert says of it."""

    name: str
    query: str  # of /diagnose, or of /diagnose/weights where `own` is given
    worst: str  # code of the overall verdict; "" where several would do
    reason: str
    found: dict[str, Sequence[int]] = field(default_factory=dict)  # code: layers that must have it, from 0; none: any
    absent: Sequence[str] = ()  # codes that no layer may have
    advised: Sequence[str] = ()  # words of which the overall advice has at least one
    avoided: Sequence[str] = ()  # words that no advice has
    own: Callable[[Generator], OwnWeights] | None = None


def equal(width: int, depth: int) -> str:
    return "layers=" + ",".join([str(width)] * (depth + 1))


def own(
    widths: Sequence[int],
    weight: Callable[[Generator, int, int], FloatArray],
    bias: Callable[[int, int], FloatArray | None] = lambda _number, _width: None,
    inputs: Callable[[Generator, int], FloatArray] | None = None,
) -> Callable[[Generator], OwnWeights]:
    """Return what makes a network that a client sends."""

    def made(generator: Generator) -> OwnWeights:
        weights = tuple(weight(generator, a, b).astype(np.float32) for a, b in pairwise(widths))
        biases = tuple(bias(number, width) for number, width in enumerate(widths[1:]))
        return OwnWeights(
            weights,
            tuple(None if one is None else one.astype(np.float32) for one in biases),
            None if inputs is None else inputs(generator, widths[0]).astype(np.float32),
        )

    return made


def gain(variance: float) -> Callable[[Generator, int, int], FloatArray]:
    """Return what draws weights of this variance over fan_in."""
    return lambda generator, a, b: generator.normal(0, np.sqrt(variance / a), (a, b))


AUTO = ("scheme auto",)
MENDS_COLLAPSE = ("fewer layers", "batch normalization", "orthogonal", "skip")
SCHEME_OR_STD = ("scheme", "std")
CANNOT_LEARN = ("vanishing_activations", "vanishing_gradients", "dead")
HEALTHY = "healthy"

WRONG_ONCE = (
    Situation(
        "sigmoid of std 0.01", f"{equal(100, 5)}&activation=sigmoid&scheme=fixed&std=0.01", "vanishing_gradients",
        "Slopes are at most 1/4: each layer leaves 0.025 of a gradient. Outputs lie at 0.5 (Glorot and Bengio 2010), "
        "but not in one direction: in float64 the rank of layer 4 is 17.7.",
        found={"same_outputs": [1, 2, 3, 4]}, absent=["rank_collapse"], advised=["auto", "xavier"],
    ),
    Situation(
        "sigmoid with xavier, 10 layers", f"{equal(100, 10)}&activation=sigmoid", "vanishing_gradients",
        "χ₁ = 0.04: ordered. From layer 5 on an output is a constant of its node (Schoenholz 2017, section 3).",
        found={"same_outputs": [5, 6, 7, 8, 9], "vanishing_gradients": [0]}, avoided=AUTO,
    ),
    Situation(
        "sigmoid with xavier, 50 layers", f"{equal(100, 50)}&activation=sigmoid", "",
        "Ordered: samples converge to one point. A single direction is what float32's rounding shows, not the network.",
        found={"same_outputs": range(11, 50)}, absent=["rank_collapse"], avoided=AUTO,
    ),
    Situation(
        "relu with he, 30 layers", f"{equal(100, 30)}&activation=relu&scheme=he", "rank_collapse",
        "Correlations of samples go to 1 like 1 - c ~ 1/depth² (Daneshmand 2020): rank 1.1 of 100.",
        found={"rank_collapse": [29]}, advised=MENDS_COLLAPSE, avoided=[*AUTO, "std"],
    ),
    Situation(
        "gelu with he, 20 layers", f"{equal(100, 20)}&activation=gelu&scheme=he", "rank_collapse",
        "As relu, and lengths spread as well: few directions remain.",
        found={"rank_collapse": [19]}, advised=MENDS_COLLAPSE, avoided=AUTO,
    ),
    Situation(
        "selu with he, 50 layers", f"{equal(100, 50)}&activation=selu&scheme=he", "rank_collapse",
        "Gain 2 is not the self-normalizing 1 (Klambauer 2017): above 0 selu is linear, and one direction wins.",
        found={"rank_collapse": [49]},
    ),
    Situation(
        "a linear network of 100 layers", f"{equal(100, 100)}&activation=identity", "rank_collapse",
        "Singular values of a product of Gaussian matrices part exponentially (Saxe 2014); orthogonal ones would not.",
        found={"rank_collapse": [99]}, advised=["orthogonal", "fewer layers"], avoided=AUTO,
    ),
    Situation(
        "relu6 with xavier", f"{equal(100, 5)}&activation=relu6", HEALTHY,
        "The left half is flat by design, as relu's; at std 1 next to nothing reaches 6.",
    ),
    Situation(
        "hard_tanh with xavier", f"{equal(100, 5)}&activation=hard_tanh", HEALTHY,
        "At std 1 a third of the first layer is cut; two thirds pass a full gradient, and later layers lie inside.",
    ),
    Situation(
        "a batch of two", f"{equal(100, 5)}&activation=tanh&samples=2", HEALTHY,
        "Two samples span one direction whatever the weights are: nothing can be said of correlations.",
    ),
    Situation(
        "one input", "layers=1,64,64,1&activation=tanh", HEALTHY,
        "All nodes are functions of one number, so they rise and fall together; that is the task, not the weights.",
    ),
    Situation(
        "one linear layer of std 1e-4", "layers=100,10&activation=identity&scheme=fixed&std=1e-4", HEALTHY,
        "Nothing follows that small outputs would starve; the gradient at the weights does not depend on them.",
    ),
    Situation(
        "gelu with auto, 20 layers", f"{equal(100, 20)}&activation=gelu", "vanishing_gradients",
        "Slope 1/2 near 0: each layer halves. He's gain of 2 keeps about as much as for relu (Hendrycks 2016).",
        found={"vanishing_gradients": [0]}, advised=["scheme he", "variance_preserving"], avoided=AUTO,
    ),
    Situation(
        "silu with auto, 20 layers", f"{equal(100, 20)}&activation=silu", "vanishing_gradients",
        "Slope 1/2 near 0, as gelu.",
        found={"vanishing_gradients": [0]}, advised=["scheme he", "variance_preserving"], avoided=AUTO,
    ),
    Situation(
        "leaky_relu with auto, 30 layers", f"{equal(100, 30)}&activation=leaky_relu", "vanishing_gradients",
        "Half of the variance in each layer: He 2015, equation 15, has 2 / (1 + leak²) instead of 1.",
        found={"vanishing_gradients": [0]}, advised=["scheme he", "variance_preserving"], avoided=AUTO,
    ),
    Situation(
        "mish with auto, 30 layers", f"{equal(100, 30)}&activation=mish", "vanishing_gradients",
        "Slope 0.6 near 0.",
        found={"vanishing_gradients": [0]}, advised=["scheme he", "variance_preserving"], avoided=AUTO,
    ),
    Situation(
        "normalized relu, 50 layers", f"{equal(100, 50)}&activation=relu&normalization=batch", "exploding_gradients",
        "π/(π - 1) in each layer whatever the std is (Yang 2019): fewer layers, or skip connections.",
        found={"exploding_gradients": [0]}, advised=["fewer layers", "skip"], avoided=SCHEME_OR_STD,
    ),
    Situation(
        "equal weights", "activation=tanh", "unbroken_symmetry",
        "Nodes with the same weights get the same gradient and stay the same for ever (Goodfellow 2016, section 8.4).",
        found={"unbroken_symmetry": [0, 1]}, advised=["random"], avoided=["fewer layers", "std"],
        own=own((100, 100, 100, 10), lambda _, a, b: np.full((a, b), 0.05)),
    ),
    Situation(
        "relu with biases of -8", "activation=relu", "",
        "Few sums of std 1.4 reach 8: nodes are 0 for every sample. Weights cannot mend it, the bias can.",
        found={"dead": []}, avoided=["larger std", *AUTO], advised=["bias", "leaky_relu"],
        own=own((100, 100, 100, 10), gain(2), lambda number, width: np.full(width, -8.0 if number == 0 else 0.0)),
    ),
    Situation(
        "sigmoid of std 1", f"{equal(100, 5)}&activation=sigmoid&scheme=fixed&std=1", "saturated",
        "χ₁ = 0.99: the rms of gradients stays; the typical one is under a hundredth of it.",
        found={"saturated": range(5)}, absent=["vanishing_gradients", "exploding_gradients"],
        advised=["smaller std", "auto"],
    ),
    Situation(
        "tanh of std 1", f"{equal(100, 5)}&activation=tanh&scheme=fixed&std=1", "saturated",
        "Chaotic: the rms gradient even grows. The typical one is next to 0.",
        found={"saturated": range(5)}, absent=["vanishing_gradients"], advised=["smaller std", "auto"],
    ),
    Situation(
        "weights of zeros", "layers=100,100,100,10&activation=relu&scheme=fixed&std=0", "no_gradients",
        "Every gradient is a product with a weight or an activation, and both are 0.",
        found={"no_gradients": [0, 1, 2]}, absent=CANNOT_LEARN, advised=["random", "above 0"],
    ),
    Situation(
        "an output that is dead", "activation=relu", "no_gradients",
        "No output is above 0 for any sample, so the slope is 0 and nothing comes back.",
        found={"no_gradients": [0, 1, 2]}, advised=["bias", "leaky_relu"],
        own=own((100, 100, 100, 10), gain(2), lambda number, width: np.full(width, -100.0 if number == 2 else 0.0)),
    ),
    Situation(
        "two inputs", "layers=2,64,64,2&activation=tanh", HEALTHY,
        "Two inputs span two directions: the rank is the task's.",
    ),
    Situation(
        "pixels of 0 to 255", "activation=relu", HEALTHY,
        "Activations are as large as the inputs: the weights amplify nothing.",
        own=own((100, 100, 100, 10), gain(2), inputs=lambda generator, n: generator.uniform(0, 255, (500, n))),
    ),
    Situation(
        "biases of 1", "activation=tanh", HEALTHY,
        "A constant in all sums; three layers still tell samples apart.",
        own=own((100, 100, 100, 10), gain(1), lambda _, width: np.ones(width)),
    ),
)  # fmt: skip

LITERATURE = (
    Situation("relu with he", f"{equal(100, 5)}&activation=relu&scheme=he", HEALTHY, "He 2015, equation 10."),
    Situation("a classifier", "layers=784,256,10&activation=relu", HEALTHY, "He 2015: each layer keeps the variance."),
    Situation("tanh with xavier", f"{equal(100, 5)}&activation=tanh", HEALTHY, "Glorot and Bengio 2010."),
    Situation(
        "sigmoid with xavier", f"{equal(100, 5)}&activation=sigmoid", HEALTHY,
        "0.21 of the gradient in each of four layers: 1/500, slow and not lost; the textbook's good example.",
    ),
    Situation(
        "relu of std 0.01", f"{equal(100, 5)}&activation=relu&scheme=fixed&std=0.01", "vanishing_gradients",
        "0.07 of the signal in each layer.",
        found={"vanishing_gradients": [0], "vanishing_activations": [4]}, advised=["auto", "he"],
    ),
    Situation(
        "relu of std 1", f"{equal(100, 5)}&activation=relu&scheme=fixed&std=1", "exploding_gradients",
        "Seven times the signal in each layer.",
        found={"exploding_gradients": [0], "exploding_activations": [4]}, advised=["smaller std", "auto", "he"],
    ),
    Situation(
        "relu with xavier, 30 layers", f"{equal(100, 30)}&activation=relu&scheme=xavier", "vanishing_gradients",
        "Half of the variance in each layer: He 2015, figure 3, the network that does not start.",
        found={"vanishing_gradients": [0]}, advised=["he", "auto"],
    ),
    Situation(
        "the lecture's tanh of std 0.01", f"{equal(500, 10)}&activation=tanh&scheme=fixed&std=0.01",
        "vanishing_gradients", "0.22 of the signal in each layer (CS231n, lecture 6).",
        found={"vanishing_gradients": [0], "vanishing_activations": [9]}, advised=["auto", "xavier"],
    ),
    Situation("the lecture's relu with he", f"{equal(500, 10)}&activation=relu", HEALTHY, "CS231n, lecture 6."),
    Situation(
        "relu of std 1, 100 layers", f"{equal(100, 100)}&activation=relu&scheme=fixed&std=1", "non_finite",
        "7.07 to the power of 100 is beyond float32.", advised=["smaller std", "auto", "he"],
    ),
    Situation(
        "tanh of std 3", f"{equal(100, 5)}&activation=tanh&scheme=fixed&std=3", "saturated",
        "Sums of std 30: most outputs are -1 or 1.", found={"saturated": range(5)}, advised=["smaller std", "auto"],
    ),
    Situation(
        "tanh of std 0.5, 30 layers", f"{equal(100, 30)}&activation=tanh&scheme=fixed&std=0.5", "exploding_gradients",
        "Deep in chaos: χ₁ is near 3 (Schoenholz 2017, section 5).",
        found={"exploding_gradients": [0]}, advised=["smaller std", "auto"],
    ),
    Situation(
        "normalized relu", f"{equal(100, 5)}&activation=relu&normalization=batch", HEALTHY,
        "1.47 in variance for each of four layers is 2 in all.",
    ),
    Situation(
        "normalized tanh of std 0.01", f"{equal(100, 5)}&activation=tanh&scheme=fixed&std=0.01&normalization=batch",
        HEALTHY, "Normalization takes the scale out (Ioffe and Szegedy 2015, section 3.3).",
    ),
    Situation(
        "normalized sigmoid", f"{equal(100, 5)}&activation=sigmoid&normalization=batch", HEALTHY,
        "0.0448 : 0.0434 in each layer.",
    ),
    Situation(
        "normalized tanh, 20 layers", f"{equal(100, 20)}&activation=tanh&normalization=batch", HEALTHY,
        "0.464 : 0.394 in each layer is 5 in all.",
    ),
    Situation(
        "normalized relu of two samples", f"{equal(100, 5)}&activation=relu&normalization=batch&samples=2", "",
        "Two samples are normalized to -1 and 1 whatever they were, so no gradient passes: the batch is too small.",
        found={"vanishing_gradients": [0]}, advised=["samples"], avoided=SCHEME_OR_STD,
    ),
    Situation(
        "a linear network of 10 layers", f"{equal(100, 10)}&activation=identity", HEALTHY,
        "A rank of about 100 / 11 remains.",
    ),
    Situation("selu with xavier", f"{equal(100, 10)}&activation=selu", HEALTHY, "Self-normalizing: Klambauer 2017."),
    Situation("elu with xavier", f"{equal(100, 10)}&activation=elu", HEALTHY, "Slope 1 near 0, so χ₁ goes to 1."),
    Situation(
        "softplus with xavier", f"{equal(100, 5)}&activation=softplus", HEALTHY,
        "χ₁ = 0.29: alike after ten layers, not after five.",
    ),
    Situation(
        "softplus with xavier, 20 layers", f"{equal(100, 20)}&activation=softplus", "vanishing_gradients",
        "χ₁ = 0.29 to the power of 19.", found={"vanishing_gradients": [0], "same_outputs": [19]}, avoided=AUTO,
    ),
    Situation("softsign with xavier", f"{equal(100, 5)}&activation=softsign", HEALTHY, "Glorot and Bengio 2010."),
    Situation("relu with glorot", "layers=784,256,10&activation=relu&scheme=glorot", HEALTHY, "Two layers."),
    Situation(
        "relu with he_fan_out", "layers=1000,100,10&activation=relu&scheme=he_fan_out", HEALTHY,
        "He 2015, equation 14: gradients are kept, and a factor of ten in the outputs does no harm.",
    ),
    Situation(
        "all uniform", f"{equal(100, 5)}&activation=tanh&distribution=uniform&input=uniform", HEALTHY,
        "Only the variance counts.",
    ),
    Situation("tanh with xavier, 20 layers", f"{equal(100, 20)}&activation=tanh", HEALTHY, "Critical: χ₁ goes to 1."),
    Situation("gelu with he", f"{equal(100, 5)}&activation=gelu&scheme=he", HEALTHY, "Near to relu."),
    Situation("silu with he", f"{equal(100, 5)}&activation=silu&scheme=he", HEALTHY, "Near to relu."),
    Situation("sigmoid with he", f"{equal(100, 5)}&activation=sigmoid&scheme=he", HEALTHY, "0.28 a layer."),
    Situation(
        "relu6 of std 1", f"{equal(100, 5)}&activation=relu6&scheme=fixed&std=1", "saturated",
        "Sums of std 30: two in five lie above 6.", found={"saturated": [2, 3, 4]}, advised=["smaller std", "auto"],
    ),
    Situation(
        "hard_tanh of std 1", f"{equal(100, 5)}&activation=hard_tanh&scheme=fixed&std=1", "saturated",
        "Sums of std 10: nine in ten are cut.", found={"saturated": range(5)}, advised=["smaller std", "auto"],
    ),
    Situation(
        "tanh with biases of 10", "activation=tanh", "",
        "All outputs are 1, whatever the input.",
        found={"same_outputs": [0], "saturated": [0]}, avoided=["larger std"],
        own=own((100, 100, 100), gain(1), lambda _, width: np.full(width, 10.0)),
    ),
    Situation(
        "inputs of a thousandth", "activation=tanh", HEALTHY,
        "Small inputs, kept as small as they are.",
        own=own((100, 100, 100, 10), gain(1), inputs=lambda generator, n: generator.normal(0, 1e-3, (500, n))),
    ),
)  # fmt: skip

SITUATIONS = (*WRONG_ONCE, *LITERATURE)
