"""A diagnosis as a JSON document. A figure that does not exist is left out, never null."""

from typing import Annotated

from pydantic import MISSING, Field

from service.document import Count, Document
from service.numerics.activations import Activation
from service.spec import Network, Normalization, Samples, Seed

Real = Annotated[float, Field(allow_inf_nan=False, json_schema_extra={"format": "double"})]
Share = Annotated[float, Field(ge=0, le=1, json_schema_extra={"format": "double"})]
Positive = Annotated[float, Field(ge=0, allow_inf_nan=False, json_schema_extra={"format": "double"})]

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
BINS = 50


class WeightFigures(Document):
    """The weights of one layer."""

    std: Annotated[Positive | MISSING, Field(examples=[0.1])] = MISSING
    """Standard deviation of the weights as drawn; in units of the weights."""


class PreActivation(Document):
    """The sums that a layer forms, before its activation (and before a normalization)."""

    mean: Annotated[Real | MISSING, Field(examples=[0.001])] = MISSING
    """Mean over all samples and nodes."""
    std: Annotated[Positive | MISSING, Field(examples=[0.98])] = MISSING
    """Standard deviation over all samples and nodes."""


class Histogram(Document):
    """Values counted in bins of equal width between the smallest and the largest."""

    edges: Annotated[list[Real], Field(min_length=BINS + 1, max_length=BINS + 1)]
    """Edges of the bins, ascending."""
    counts: Annotated[list[Count], Field(min_length=BINS, max_length=BINS)]
    """Values in each bin; the last one includes its upper edge."""


class ActivationFigures(Document):
    """The values that a layer hands on, over all samples and nodes."""

    mean: Annotated[Real | MISSING, Field(examples=[0.0])] = MISSING
    """Mean."""
    std: Annotated[Positive | MISSING, Field(examples=[0.63])] = MISSING
    """Standard deviation."""
    min: Annotated[Real | MISSING, Field(examples=[-0.99])] = MISSING
    """Smallest value."""
    max: Annotated[Real | MISSING, Field(examples=[0.99])] = MISSING
    """Largest value."""
    quantiles: Annotated[list[Real] | MISSING, Field(min_length=7, max_length=7)] = MISSING
    """Quantiles at 1, 5, 25, 50, 75, 95 and 99 percent."""
    histogram: Annotated[Histogram | MISSING, Field()] = MISSING
    """How the values are distributed."""


class GradientFigures(Document):
    """Gradients of the loss at one layer, for a gradient of N(0, 1) at the output."""

    std: Annotated[Positive | MISSING, Field(examples=[0.5])] = MISSING
    """Standard deviation of the gradient at the pre-activations, over all samples and nodes."""
    weight_std: Annotated[Positive | MISSING, Field(examples=[0.01])] = MISSING
    """Standard deviation of the gradient at the weights, averaged over the samples."""
    ratio: Annotated[Positive | MISSING, Field(examples=[0.9])] = MISSING
    """`std` divided by that of the last layer."""


class Theory(Document):
    """What mean-field theory expects (Poole et al. 2016; Schoenholz et al. 2017)."""

    mean: Annotated[Real | MISSING, Field(examples=[0.0])] = MISSING
    """Expected mean of the activations."""
    std: Annotated[Positive | MISSING, Field(examples=[0.63])] = MISSING
    """Expected standard deviation of the activations."""
    std_low: Annotated[Positive | MISSING, Field(examples=[0.6])] = MISSING
    """Lower end of the spread that a layer of this width has around `std`."""
    std_high: Annotated[Positive | MISSING, Field(examples=[0.66])] = MISSING
    """Upper end of that spread; about 95 of 100 layers lie within it, with normalization at least."""
    gradient_ratio: Annotated[Positive | MISSING, Field(examples=[0.9])] = MISSING
    """Expected ratio of the gradient's standard deviation to that of the last layer."""


class Verdict(Document):
    """One finding about a layer."""

    code: Annotated[str, Field(examples=["healthy"])]
    """What was found: healthy, or the name of a fault."""
    evidence: Annotated[str, Field(examples=["no figure is beyond its threshold"])]
    """The figure and the threshold."""
    advice: Annotated[str, Field(examples=["Nothing needs to change."])]
    """What it means and what to change."""


class LayerReport(Document):
    """All figures of one layer."""

    name: Annotated[str, Field(examples=["layers.0"])]
    """Name of the layer."""
    width: Annotated[Count, Field(examples=[100])]
    """Nodes of the layer."""
    fan_in: Annotated[Count, Field(examples=[784])]
    """Nodes of the layer before."""
    activation_function: Annotated[Activation, Field(examples=["tanh"])]
    """Activation function of the layer."""
    scheme: Annotated[str, Field(examples=["xavier"])]
    """Scheme of the weights; own for uploaded ones."""
    reason: Annotated[str, Field(examples=["auto: xavier suits tanh"])]
    """Why this scheme."""
    weight: WeightFigures
    """The weights."""
    pre_activation: PreActivation
    """Before the activation."""
    activation: ActivationFigures
    """After the activation."""
    zero_share: Annotated[Share | MISSING, Field(examples=[0.5])] = MISSING
    """Share of activations that are exactly 0."""
    saturated_share: Annotated[Share | MISSING, Field(examples=[0.01])] = MISSING
    """Share of activations where the slope is under 6 % of its largest; bounded functions only."""
    dead_share: Annotated[Share | MISSING, Field(examples=[0.0])] = MISSING
    """Share of nodes that are 0 for every sample."""
    constant_share: Annotated[Share | MISSING, Field(examples=[0.0])] = MISSING
    """Share of nodes that are the same for every sample."""
    effective_rank: Annotated[Positive | MISSING, Field(examples=[85.0])] = MISSING
    """(tr C)²/tr C² of the activations' covariance C over at most 1024 evenly spaced nodes: 1 up to their number."""
    mean_correlation: Annotated[Share | MISSING, Field(examples=[0.03])] = MISSING
    """Mean absolute correlation between two of these nodes, constant ones left out."""
    gradient: GradientFigures
    """Gradients on the way back."""
    theory: Theory
    """What was to be expected."""
    verdicts: list[Verdict]
    """Every finding; just healthy where there is no fault."""


class OverallVerdict(Document):
    """The worst finding in the network."""

    code: Annotated[str, Field(examples=["healthy"])]
    """The worst of the layers' verdicts."""
    layer: Annotated[str, Field(examples=["layers.0"])]
    """The first layer that has it."""
    advice: Annotated[str, Field(examples=["Nothing needs to change."])]
    """What it means and what to change."""


class Automatic(Document):
    """What the scheme auto would have predicted for the same network, one entry for each layer."""

    schemes: Annotated[list[str], Field(examples=[["xavier"]])]
    """Schemes that auto would choose."""
    theory_std: Annotated[list[Real], Field(examples=[[0.63]])]
    """Expected standard deviation of the activations, as far as it is finite."""
    theory_gradient_ratio: Annotated[list[Real], Field(examples=[[1.0]])]
    """Expected gradient ratio, as far as it is finite."""


class Diagnosis(Document):
    """What an initialization does to every layer. Repeats to rounding, not to the bit: it rests on matrix products."""

    network: Annotated[Network | MISSING, Field()] = MISSING
    """The whole description, with seed and recipe; left out for uploaded weights."""
    seed: Seed
    """Where inputs, the gradient at the output and drawn weights come from."""
    samples: Samples
    """Samples in the batch."""
    input: Annotated[str, Field(examples=["normal"])]
    """Distribution of the inputs, of mean 0 and variance 1; own for uploaded ones."""
    normalization: Annotated[Normalization, Field(examples=["none"])]
    """Whether batches are normalized before each activation."""
    layers: list[LayerReport]
    """All layers, from the first to the last."""
    verdict: OverallVerdict
    """The worst finding."""
    auto: Automatic
    """The choice of auto, for comparison."""
