"""A diagnosis as a JSON document. A figure that does not exist is left out, never null."""

from typing import Annotated, Any, TypeVar

from pydantic import MISSING, Field

from service.describe.network import Language, Network, Normalization, Samples, Seed
from service.diagnosis import report as plain
from service.diagnosis.messages import Message as PlainMessage
from service.diagnosis.report import BINS, QUANTILES
from service.documents.base import Count, Document
from service.numerics.activations import Activation

Real = Annotated[float, Field(allow_inf_nan=False, json_schema_extra={"format": "double"})]
Share = Annotated[float, Field(ge=0, le=1, json_schema_extra={"format": "double"})]
Positive = Annotated[float, Field(ge=0, allow_inf_nan=False, json_schema_extra={"format": "double"})]


class Histogram(Document):
    """Values counted in bins of equal width between the smallest and the largest."""

    edges: Annotated[list[Real], Field(min_length=BINS + 1, max_length=BINS + 1)]
    """Edges of the bins, ascending."""
    counts: Annotated[list[Count], Field(min_length=BINS, max_length=BINS)]
    """Values in each bin; the last one includes its upper edge."""


class WeightFigures(Document):
    """The weights of one layer."""

    std: Annotated[Positive | MISSING, Field(examples=[0.1])] = MISSING
    """Standard deviation of the weights as drawn; in units of the weights."""
    histogram: Annotated[Histogram | MISSING, Field()] = MISSING
    """How up to 16,384 of them, evenly spaced, are distributed."""


class PreActivation(Document):
    """The sums that a layer forms, before its activation (and before a normalization)."""

    mean: Annotated[Real | MISSING, Field(examples=[0.001])] = MISSING
    """Mean over all samples and nodes."""
    std: Annotated[Positive | MISSING, Field(examples=[0.98])] = MISSING
    """Standard deviation over all samples and nodes."""


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
    quantiles: Annotated[list[Real] | MISSING, Field(min_length=len(QUANTILES), max_length=len(QUANTILES))] = MISSING
    """Quantiles at 1, 5, 25, 50, 75, 95 and 99 percent; of more than 131,072 values, those of some 16,384 of them."""
    histogram: Annotated[Histogram | MISSING, Field()] = MISSING
    """How the same values are distributed, between the smallest and the largest of all."""


class GradientFigures(Document):
    """Gradients of the loss at one layer: of each sample's own loss, or for a gradient of N(0, 1) at the output."""

    std: Annotated[Positive | MISSING, Field(examples=[0.5])] = MISSING
    """Standard deviation of the gradient at the pre-activations, over all samples and nodes."""
    weight_std: Annotated[Positive | MISSING, Field(examples=[0.01])] = MISSING
    """Standard deviation of the gradient at the weights, averaged over the samples."""
    ratio: Annotated[Positive | MISSING, Field(examples=[0.9])] = MISSING
    """`std` divided by that of the last layer."""
    rms: Annotated[Positive | MISSING, Field(examples=[0.5])] = MISSING
    """Root mean square of the gradient at the pre-activations."""
    quantiles: Annotated[list[Positive] | MISSING, Field(min_length=len(QUANTILES), max_length=len(QUANTILES))] = (
        MISSING
    )
    """Quantiles of their sizes at 1, 5, 25, 50, 75, 95 and 99 percent; of more than 131,072, those of some 16,384."""
    small_share: Annotated[Share | MISSING, Field(examples=[0.01])] = MISSING
    """Share of the same gradients that is under 1 % of the rms."""
    histogram: Annotated[Histogram | MISSING, Field()] = MISSING
    """How up to 16,384 of them, evenly spaced, are distributed."""
    update_ratio: Annotated[Positive | MISSING, Field(examples=[0.02])] = MISSING
    """Rms of the gradient at the weights by that of the weights: times the learning rate, a step's share of them.
    With loss=softmax only."""


class Theory(Document):
    """What mean-field theory expects (Poole et al. 2016; Schoenholz et al. 2017)."""

    mean: Annotated[Real | MISSING, Field(examples=[0.0])] = MISSING
    """Expected mean of the activations."""
    std: Annotated[Positive | MISSING, Field(examples=[0.63])] = MISSING
    """Expected standard deviation of the activations."""
    std_low: Annotated[Positive | MISSING, Field(examples=[0.6])] = MISSING
    """Lower end of the spread that a layer of this width has around `std`; without batch normalization only."""
    std_high: Annotated[Positive | MISSING, Field(examples=[0.66])] = MISSING
    """Upper end of that spread; about 95 of 100 layers lie within it."""
    gradient_ratio: Annotated[Positive | MISSING, Field(examples=[0.9])] = MISSING
    """Expected ratio of the gradient's standard deviation to that of the last layer."""
    gradient_ratio_low: Annotated[Positive | MISSING, Field(examples=[0.8])] = MISSING
    """Lower end of the spread that layers of these widths have around `gradient_ratio`."""
    gradient_ratio_high: Annotated[Positive | MISSING, Field(examples=[1.0])] = MISSING
    """Upper end of that spread; about 95 of 100 networks lie within it."""
    mean_cosine: Annotated[Real | MISSING, Field(examples=[0.0])] = MISSING
    """Expected mean cosine between two samples; without batch normalization only."""
    within_std: Annotated[Positive | MISSING, Field(examples=[0.63])] = MISSING
    """Expected standard deviation of one node's activations over the samples; without batch normalization only."""


class Message(Document):
    """A sentence by its key, for translations, with the values in it."""

    key: Annotated[str, Field(examples=["vanishing_gradients"])]
    """Which sentence."""
    # Texts and numbers. Not said so: no generator can make one type of both.
    values: Annotated[dict[str, Any], Field(examples=[{"figure": 0.0002, "threshold": 0.001}])]
    """Its values, by name."""


class Verdict(Document):
    """One finding about a layer."""

    code: Annotated[str, Field(examples=["healthy"])]
    """What was found: healthy, or the name of a fault."""
    evidence: Annotated[str, Field(examples=["No figure is beyond its threshold."])]
    """The figure, the threshold, and the reason with its source."""
    advice: Annotated[str, Field(examples=["Nothing needs to change."])]
    """What to change."""
    evidence_message: Message
    """The evidence, for translations."""
    advice_message: Message
    """The advice, for translations."""


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
    activation_parameter: Annotated[Positive | MISSING, Field(examples=[0.2])] = MISSING
    """Its slope (leaky_relu) or alpha (elu); left out where it is the usual one."""
    scheme: Annotated[str, Field(examples=["xavier"])]
    """Scheme of the weights; own for uploaded ones."""
    reason: Annotated[str, Field(examples=["auto: he for relu, xavier for every other activation"])]
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
    mean_cosine: Annotated[Real | MISSING, Field(examples=[0.02])] = MISSING
    """Mean cosine between the activations of two samples: 1 where all samples look alike."""
    within_std: Annotated[Positive | MISSING, Field(examples=[0.6])] = MISSING
    """Standard deviation of one node's activations over the samples: root of the mean variance of the nodes."""
    effective_rank: Annotated[Positive | MISSING, Field(examples=[85.0])] = MISSING
    """(tr C)²/tr C² of the activations' covariance C: from 1 to the number of nodes, of which 512 stand for more.
    Left out, with the correlation, where samples differ by no more than float32's rounding."""
    corrected_rank: Annotated[Positive | MISSING, Field(examples=[93.0])] = MISSING
    """That of endless samples: 1 / (1 / effective_rank - 1 / (samples - 1)); left out where samples are too few."""
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
    """What to change."""
    advice_message: Message
    """The advice, for translations."""


class Phase(Document):
    """Where mean-field theory has a network that repeats the layers of one activation endlessly."""

    activation: Annotated[Activation, Field(examples=["tanh"])]
    """The activation function."""
    chi: Annotated[Positive, Field(examples=[1.0])]
    """χ₁: factor of the gradient's variance in each layer."""
    fixed_point: Annotated[Positive | MISSING, Field(examples=[0.0])] = MISSING
    """q*: second moment of the pre-activations that the network comes to; left out where it grows for ever."""
    depth_scale: Annotated[Positive | MISSING, Field(examples=[100.0])] = MISSING
    """ξ = 1/|ln χ₁|, in layers; left out where χ₁ is 1."""
    word: Annotated[str, Field(examples=["critical"])]
    """ordered (χ₁ < 1, gradients vanish), critical (within 2 % of 1) or chaotic (χ₁ > 1, gradients explode)."""
    trainable_layers: Annotated[Positive | MISSING, Field(examples=[600.0])] = MISSING
    """6ξ: about so many layers can be trained (Schoenholz et al. 2017)."""


class JacobianFigures(Document):
    """Singular values of the derivative of the outputs by the inputs, for one sample; all near 1 is isometry."""

    largest: Annotated[Positive, Field(examples=[1.5])]
    """The largest."""
    median: Annotated[Positive, Field(examples=[0.05])]
    """The median."""
    smallest: Annotated[Positive, Field(examples=[5e-11])]
    """The smallest of min(inputs, outputs)."""


class LossFigures(Document):
    """The cross-entropy at the start."""

    mean: Annotated[Positive | MISSING, Field(examples=[2.4])] = MISSING
    """Mean over the samples."""
    expected: Annotated[Positive | MISSING, Field(examples=[2.4])] = MISSING
    """ln C + s²/2 (1 - 1/C) for C classes and outputs of standard deviation s: knows nothing of the labels."""


class InputFigures(Document):
    """The batch of inputs."""

    rms: Annotated[Positive, Field(examples=[1.0])]
    """Root mean square over all samples and values."""
    mean_cosine: Annotated[Real, Field(examples=[0.0])]
    """Mean cosine between two samples."""
    effective_rank: Annotated[Positive | MISSING, Field(examples=[784.0])] = MISSING
    """Effective rank of their covariance, corrected for the number of samples; left out where those are too few."""


class SummaryLine(Document):
    """One layer in a line."""

    name: Annotated[str, Field(examples=["layers.0"])]
    """Name of the layer."""
    std: Annotated[Positive | MISSING, Field(examples=[0.63])] = MISSING
    """Standard deviation of the activations."""
    gradient_ratio: Annotated[Positive | MISSING, Field(examples=[0.9])] = MISSING
    """Standard deviation of the gradient by that of the last layer."""
    verdicts: Annotated[list[str], Field(examples=[["healthy"]])]
    """Codes of all findings, the worst first."""


class AutoSchemeForecast(Document):
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
    inputs: InputFigures
    """What the inputs are like."""
    normalization: Annotated[Normalization, Field(examples=["none"])]
    """Whether batches are normalized before each activation."""
    layers: list[LayerReport]
    """All layers, from the first to the last; none in a summary."""
    summary: Annotated[list[SummaryLine] | MISSING, Field()] = MISSING
    """A line for each layer; in a summary only."""
    verdict: OverallVerdict
    """The worst finding."""
    auto: AutoSchemeForecast
    """The choice of auto, for comparison."""
    phases: list[Phase]
    """One for each activation that another layer follows."""
    jacobian: Annotated[list[JacobianFigures] | MISSING, Field()] = MISSING
    """Of the first samples, as many as were asked for."""
    loss: Annotated[LossFigures | MISSING, Field()] = MISSING
    """With loss=softmax only."""


# So many times ξ is the depth that was found trainable: Schoenholz et al. 2017, section 6.
TRAINABLE_SCALES = 6

Value = TypeVar("Value")


def diagnosis_document(report: plain.Report, language: Language, *, is_summary: bool) -> Diagnosis:
    """Return the document of a diagnosis, with its sentences in this language."""
    verdict, inputs, loss = report.verdict, report.inputs, report.loss
    return Diagnosis(
        network=_if_any(report.network),
        seed=report.seed,
        samples=report.samples,
        input=report.input,
        inputs=InputFigures(
            rms=inputs.rms, mean_cosine=inputs.mean_cosine, effective_rank=_if_any(inputs.effective_rank)
        ),
        normalization=report.normalization,
        layers=[] if is_summary else [_layer_report(layer, language) for layer in report.layers],
        summary=[_summary_line(layer) for layer in report.layers] if is_summary else MISSING,
        verdict=OverallVerdict(
            code=verdict.code,
            layer=report.layers[verdict.layer].name,
            advice=verdict.advice.sentence(language),
            advice_message=_message(verdict.advice),
        ),
        auto=AutoSchemeForecast(
            schemes=report.auto.schemes,
            theory_std=report.auto.stds,
            theory_gradient_ratio=report.auto.gradient_ratios,
        ),
        phases=[_phase(phase) for phase in report.phases],
        jacobian=[
            JacobianFigures(largest=values.largest, median=values.median, smallest=values.smallest)
            for values in report.jacobian
        ]
        or MISSING,
        loss=MISSING if loss is None else LossFigures(mean=_if_any(loss.mean), expected=_if_any(loss.expected)),
    )


def _summary_line(layer: plain.LayerReport) -> SummaryLine:
    return SummaryLine(
        name=layer.name,
        std=_if_any(layer.activation.std),
        gradient_ratio=_if_any(layer.gradient.ratio),
        verdicts=[verdict.code for verdict in layer.verdicts],
    )


def _phase(phase: plain.Phase) -> Phase:
    scale = phase.depth_scale
    return Phase(
        activation=phase.activation.name,
        chi=phase.chi,
        fixed_point=_if_any(phase.fixed_point),
        depth_scale=_if_any(scale),
        word=phase.word,
        trainable_layers=MISSING if scale is None else TRAINABLE_SCALES * scale,
    )


def _message(message: PlainMessage) -> Message:
    return Message(key=message.key, values=dict(message.values))


def _verdict(verdict: plain.Verdict, language: Language) -> Verdict:
    return Verdict(
        code=verdict.code,
        evidence=verdict.evidence.sentence(language),
        advice=verdict.advice.sentence(language),
        evidence_message=_message(verdict.evidence),
        advice_message=_message(verdict.advice),
    )


def _layer_report(layer: plain.LayerReport, language: Language) -> LayerReport:
    nodes, likeness = layer.nodes, layer.likeness
    return LayerReport(
        name=layer.name,
        width=layer.width,
        fan_in=layer.fan_in,
        activation_function=layer.activation_function.name,
        activation_parameter=_if_any(layer.activation_function.parameter),
        scheme=layer.scheme,
        reason=layer.reason,
        weight=WeightFigures(std=_if_any(layer.weight_std), histogram=_histogram(layer.weight_histogram)),
        pre_activation=PreActivation(
            mean=_if_any(layer.pre_activation.mean),
            std=_if_any(layer.pre_activation.std),
        ),
        activation=_activation_figures(layer.activation),
        zero_share=_if_any(layer.activation.zero_share),
        saturated_share=_if_any(layer.saturated_share),
        dead_share=_if_any(nodes.dead_share),
        constant_share=_if_any(nodes.constant_share),
        mean_cosine=_if_any(likeness.mean_cosine),
        within_std=_if_any(likeness.within_std),
        effective_rank=_if_any(nodes.effective_rank),
        corrected_rank=_if_any(nodes.corrected_rank),
        mean_correlation=_if_any(nodes.mean_correlation),
        gradient=_gradient_figures(layer.gradient),
        theory=_theory(layer.theory),
        verdicts=[_verdict(verdict, language) for verdict in layer.verdicts],
    )


def _gradient_figures(gradient: plain.GradientFigures) -> GradientFigures:
    return GradientFigures(
        std=_if_any(gradient.std),
        weight_std=_if_any(gradient.weight_std),
        ratio=_if_any(gradient.ratio),
        rms=_if_any(gradient.rms),
        quantiles=MISSING if gradient.quantiles is None else list(gradient.quantiles),
        small_share=_if_any(gradient.small_share),
        histogram=_histogram(gradient.histogram),
        update_ratio=_if_any(gradient.update_ratio),
    )


def _theory(theory: plain.TheoryFigures) -> Theory:
    return Theory(
        mean=_if_any(theory.mean),
        std=_if_any(theory.std),
        std_low=_if_any(theory.std_low),
        std_high=_if_any(theory.std_high),
        gradient_ratio=_if_any(theory.gradient_ratio),
        gradient_ratio_low=_if_any(theory.gradient_ratio_low),
        gradient_ratio_high=_if_any(theory.gradient_ratio_high),
        mean_cosine=_if_any(theory.mean_cosine),
        within_std=_if_any(theory.within_std),
    )


def _activation_figures(activation: plain.ActivationFigures) -> ActivationFigures:
    return ActivationFigures(
        mean=_if_any(activation.mean),
        std=_if_any(activation.std),
        min=_if_any(activation.min),
        max=_if_any(activation.max),
        quantiles=MISSING if activation.quantiles is None else list(activation.quantiles),
        histogram=_histogram(activation.histogram),
    )


def _histogram(histogram: plain.Histogram | None) -> Histogram | MISSING:
    if histogram is None:
        return MISSING
    return Histogram(edges=list(histogram.edges), counts=list(histogram.counts))


def _if_any(value: Value | None) -> Value | MISSING:
    """Return a value, or what leaves its field out."""
    return MISSING if value is None else value
