"""A training as a JSON document, and as lines. A figure that does not exist is left out, never null."""

from typing import Annotated, TypeVar

from pydantic import MISSING, Field

from service.describe.learning import BatchSize, Clip, DataName, Decay, OptimizerName, Rate, Steps
from service.describe.network import Language, Network, Normalization, Seed
from service.diagnosis.messages import Message as PlainMessage
from service.documents.base import Count, Document
from service.documents.diagnosis import Message, Positive, Share
from service.learning import curves as plain
from service.learning.messages import sentence

Value = TypeVar("Value")


class LearningLayer(Document):
    """One layer at one step, of the batch that this step is made from."""

    name: Annotated[str, Field(examples=["layers.0"])]
    """Name of the layer."""
    gradient_std: Annotated[Positive | MISSING, Field(examples=[0.0021])] = MISSING
    """Standard deviation of the gradient at the weights, of the batch's mean loss."""
    activation_std: Annotated[Positive | MISSING, Field(examples=[0.82])] = MISSING
    """Standard deviation of the activations."""
    update_ratio: Annotated[Positive | MISSING, Field(examples=[0.001])] = MISSING
    """Root mean square of the weights' change in this step, by that of the weights; left out where those are all 0."""


class LearningPoint(Document):
    """A network after some steps, as it would be used then."""

    step: Annotated[Count, Field(examples=[50])]
    """Steps made so far: 0 is the start."""
    training_loss: Annotated[Positive | MISSING, Field(examples=[1.95])] = MISSING
    """Mean cross-entropy of all training samples; left out where it is no number."""
    training_accuracy: Annotated[Share, Field(examples=[0.42])]
    """Share of the training samples whose class has the largest output."""
    test_accuracy: Annotated[Share, Field(examples=[0.4])]
    """The same share of the test samples, of which nothing was learned."""
    layers: list[LearningLayer]
    """All layers, from the first to the last."""


class LearningOutcome(Document):
    """What came of a training, and why."""

    code: Annotated[str, Field(examples=["learned"])]
    """learned (test accuracy reached 90 %), slow, stuck (it never did better than guess) or diverged."""
    steps_to_90: Annotated[Count | MISSING, Field(examples=[250])] = MISSING
    """Step of the first point with a test accuracy of 90 % or more; left out where there is none."""
    best_test_accuracy: Annotated[Share, Field(examples=[0.97])]
    """Largest test accuracy of all points."""
    verdict: Annotated[str, Field(examples=["healthy"])]
    """Verdict of the diagnosis of the same start."""
    verdict_layer: Annotated[str, Field(examples=["layers.0"])]
    """The first layer that has it."""
    sentence: Annotated[
        str,
        Field(
            examples=["90 % of the test samples are right after 250 steps; the diagnosis of the start finds no fault."]
        ),
    ]
    """What came of it, and why."""
    what: Message
    """What came of it, for translations."""
    why: Message
    """Why, for translations."""
    relation: Message
    """How the two are joined, for translations."""


class Learning(Document):
    """How a network learned from its start. Repeats to rounding, not to the bit: it rests on matrix products."""

    network: Annotated[Network | MISSING, Field()] = MISSING
    """The whole description, with seed and recipe; left out for uploaded weights."""
    seed: Seed
    """Where the split of the data, the order of the batches and drawn weights come from."""
    data: Annotated[DataName, Field(examples=["digits"])]
    """What was learned."""
    optimizer: Annotated[OptimizerName, Field(examples=["sgd"])]
    """How a gradient moved the parameters."""
    learning_rate: Rate
    """Factor of each step."""
    steps: Steps
    """Steps of the optimizer that were asked for."""
    batch: BatchSize
    """Samples in the batch of one step."""
    normalization: Annotated[Normalization, Field(examples=["none"])]
    """Normalization before the activation of each layer but the last."""
    weight_decay: Decay
    """Times each parameter, added to its gradient."""
    clip: Clip | MISSING = MISSING
    """Largest norm of all gradients together; left out where they were not clipped."""
    parameters: Annotated[Count, Field(examples=[47610])]
    """Numbers that were learned."""
    training_samples: Annotated[Count, Field(examples=[1437])]
    """Samples that were learned from."""
    test_samples: Annotated[Count, Field(examples=[360])]
    """Samples that were kept for the test."""
    points: list[LearningPoint]
    """The curves: about 40 points, from the start to the last step."""
    outcome: LearningOutcome
    """What came of it, and why."""


class LastLine(Document):
    """The last line of a stream of points."""

    outcome: LearningOutcome
    """What came of it, and why."""


def learning_document(course: plain.Course, language: Language) -> Learning:
    """Return the document of a training that has ended, with its sentence in this language."""
    asked = course.asked
    return Learning(
        network=_if_any(course.network),
        seed=course.seed,
        data=asked.data,
        optimizer=asked.optimizer,
        learning_rate=asked.learning_rate,
        steps=asked.steps,
        batch=asked.batch,
        normalization=asked.normalization,
        weight_decay=asked.weight_decay,
        clip=asked.clip,
        parameters=course.parameters,
        training_samples=course.sizes.training,
        test_samples=course.sizes.test,
        points=[learning_point(point) for point in course.points],
        outcome=learning_outcome(course.outcome, language),
    )


def point_line(point: plain.Point) -> bytes:
    """Return a point as one line of JSON."""
    return learning_point(point).model_dump_json().encode() + b"\n"


def last_line(outcome: plain.Outcome, language: Language) -> bytes:
    """Return the line that says that a stream of points is whole."""
    return LastLine(outcome=learning_outcome(outcome, language)).model_dump_json().encode() + b"\n"


def learning_point(point: plain.Point) -> LearningPoint:
    """Return the document of one point."""
    return LearningPoint(
        step=point.step,
        training_loss=_if_any(point.training_loss),
        training_accuracy=point.training_accuracy,
        test_accuracy=point.test_accuracy,
        layers=[
            LearningLayer(
                name=layer.name,
                gradient_std=_if_any(layer.gradient_std),
                activation_std=_if_any(layer.activation_std),
                update_ratio=_if_any(layer.update_ratio),
            )
            for layer in point.layers
        ],
    )


def learning_outcome(outcome: plain.Outcome, language: Language) -> LearningOutcome:
    """Return the document of an outcome."""
    return LearningOutcome(
        code=outcome.code,
        steps_to_90=_if_any(outcome.steps_to_90),
        best_test_accuracy=outcome.best_test_accuracy,
        verdict=outcome.verdict,
        verdict_layer=outcome.verdict_layer,
        sentence=sentence(outcome.relation, outcome.what, outcome.why, language),
        what=_message(outcome.what),
        why=_message(outcome.why),
        relation=_message(outcome.relation),
    )


def _message(message: PlainMessage) -> Message:
    return Message(key=message.key, values=dict(message.values))


def _if_any(value: Value | None) -> Value | MISSING:
    """Return a value, or what leaves its field out."""
    return MISSING if value is None else value
