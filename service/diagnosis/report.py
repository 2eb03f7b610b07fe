"""What a diagnosis finds, as plain data. None stands for a figure that does not exist, as after an overflow."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from service.describe.network import Network, Normalization
from service.diagnosis.messages import Message
from service.numerics.activations import FloatArray, Function

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
BINS = 50


@dataclass(frozen=True, slots=True)
class InputFigures:
    """What a batch of inputs is like: all that theory and verdicts need to know of it."""

    samples: int
    rms: float  # over all samples and values
    variance: float  # over the samples, mean over the values
    lengths: FloatArray  # mean square of a sample; float64, ascending, means of at most 16 groups of equal size
    mean_cosine: float  # between two samples, and its mean square; both over at most 256 of them
    cosine_square: float
    effective_rank: float | None  # over the same samples, corrected for their number


@dataclass(frozen=True, slots=True)
class PreActivationFigures:
    """The sums that a layer forms, before its activation and before a normalization."""

    mean: float | None
    std: float | None


@dataclass(frozen=True, slots=True)
class Histogram:
    """Values counted in bins of equal width between the smallest and the largest."""

    edges: Sequence[float]  # BINS + 1, ascending
    counts: Sequence[int]  # BINS; the last bin includes its upper edge


@dataclass(frozen=True, slots=True)
class ActivationFigures:
    """The values that a layer hands on, over all samples and nodes."""

    mean: float | None = None
    std: float | None = None
    min: float | None = None
    max: float | None = None
    quantiles: Sequence[float] | None = None  # at QUANTILES; of more than 131,072 values, those of some
    histogram: Histogram | None = None  # of the same values
    zero_share: float | None = None  # of values that are exactly 0


@dataclass(frozen=True, slots=True)
class NodeFigures:
    """What the nodes of a layer tell apart."""

    dead_share: float | None = None  # of nodes that are 0 for every sample
    constant_share: float | None = None  # of nodes that are the same for every sample
    effective_rank: float | None = None  # (tr C)² / tr C² of the covariance C of the nodes
    corrected_rank: float | None = None  # what the effective rank of endless samples would be
    mean_correlation: float | None = None  # absolute, between two nodes that vary


@dataclass(frozen=True, slots=True)
class SampleFigures:
    """How alike the samples have become."""

    mean_cosine: float | None = None  # between the activations of two samples
    within_std: float | None = None  # over the samples of one node: root of the mean variance


@dataclass(frozen=True, slots=True)
class GradientFigures:
    """Gradients of the loss at one layer."""

    std: float | None = None  # at the pre-activations
    weight_std: float | None = None  # at the weights, averaged over the samples
    ratio: float | None = None  # `std` divided by that of the last layer
    rms: float | None = None  # at the pre-activations
    quantiles: Sequence[float] | None = None  # of their sizes, at QUANTILES; of more than 131,072, those of some
    small_share: float | None = None  # of the same gradients, of those that are under 1 % of the rms
    histogram: Histogram | None = None  # of up to 32,768 gradients at the pre-activations, evenly spaced
    update_ratio: float | None = None  # rms of the gradient at the weights by that of the weights; of a real loss only
    is_zero: bool = False  # whether all gradients at the weights are exactly 0


@dataclass(frozen=True, slots=True)
class TheoryFigures:
    """What theory expects of a layer: docs/theory.md."""

    mean: float | None  # of the activations
    std: float | None  # of the activations
    std_low: float | None  # about 95 of 100 layers of this width have a std between these;
    std_high: float | None  # neither exists with batch normalization
    gradient_ratio: float | None
    gradient_ratio_low: float | None  # as std_low and std_high
    gradient_ratio_high: float | None
    mean_cosine: float | None  # between samples; neither exists with batch normalization
    within_std: float | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """One finding about a layer."""

    code: str  # healthy, or the name of a fault
    evidence: Message
    advice: Message


@dataclass(frozen=True, slots=True)
class LayerReport:
    """All that is found of one layer."""

    name: str
    width: int
    fan_in: int
    activation_function: Function
    scheme: str
    reason: str  # of the scheme
    weight_std: float | None
    weight_histogram: Histogram | None  # of up to 32,768 weights, evenly spaced
    bias_rms: float
    pre_activation: PreActivationFigures
    activation: ActivationFigures
    saturated_share: float | None  # of activations; bounded functions only
    nodes: NodeFigures
    likeness: SampleFigures
    gradient: GradientFigures
    theory: TheoryFigures
    has_equal_nodes: bool = False  # whether nothing tells two nodes apart, nor will after any step of training
    verdicts: tuple[Verdict, ...] = ()  # the worst first


@dataclass(frozen=True, slots=True)
class OverallVerdict:
    """The worst finding in the network."""

    code: str
    layer: int  # the first that has it, counted from 0
    advice: Message


@dataclass(frozen=True, slots=True)
class Phase:
    """Where mean-field theory has a network that repeats the layers of one activation endlessly."""

    activation: Function
    chi: float  # χ₁: factor of the gradient's variance in each layer
    fixed_point: float | None  # second moment q* of the pre-activations; None where it grows for ever
    depth_scale: float | None  # ξ = 1 / |ln χ₁|, in layers; None where χ₁ is 1
    word: Literal["ordered", "critical", "chaotic"]


@dataclass(frozen=True, slots=True)
class JacobianFigures:
    """Singular values of the derivative of the outputs by the inputs, for one sample."""

    largest: float
    median: float
    smallest: float


@dataclass(frozen=True, slots=True)
class LossFigures:
    """A real loss at the start, and what it is for outputs that know nothing."""

    mean: float | None  # over the samples
    expected: float | None  # ln C + s²/2 (1 - 1/C), for C classes and outputs of standard deviation s


@dataclass(frozen=True, slots=True)
class AutoForecast:
    """What theory expects of the same network under the scheme auto, layer by layer as far as figures exist."""

    schemes: list[str]
    stds: list[float]  # of the activations
    gradient_ratios: list[float]


@dataclass(frozen=True, slots=True)
class Report:
    """The diagnosis of one network."""

    network: Network | None  # None for uploaded weights
    seed: int
    samples: int
    input: str
    inputs: InputFigures
    normalization: Normalization
    layers: list[LayerReport]
    verdict: OverallVerdict
    auto: AutoForecast
    phases: list[Phase]  # one for each activation that another layer follows
    jacobian: list[JacobianFigures]  # of the first samples, as many as were asked for
    loss: LossFigures | None  # None for noise


def existing(value: float) -> float | None:
    """Return a figure if it exists: infinities and NaN do not."""
    return float(value) if math.isfinite(value) else None
