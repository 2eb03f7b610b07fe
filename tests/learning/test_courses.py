"""What comes of trainings, and what is said of it."""

import math
import tracemalloc
from xml.etree import ElementTree as ET

import pytest

from service.dense.network import Limits, dense_network
from service.describe.learning import LearningRequest, OptimizerName
from service.describe.network import DiagnosisRequest, Language
from service.diagnosis.experiments import diagnose_network
from service.documents.learning import learning_document, learning_outcome
from service.errors import TooLarge
from service.learning.courses import Watching, check_work, learn_network, memory_needed
from service.learning.curves import Course, Point
from service.learning.messages import CLAUSES
from service.learning.outcome import outcome_of
from service.learning.picture import picture
from service.learning.samples import task
from service.learning.train import steps_between

LIMITS = Limits(layers=1000, width=10_000)
WIDE = (64, 100, 100, 100, 100, 100, 10)


def course(**fields: object) -> Course:
    asked = LearningRequest.of({"layers": (64, 40, 10), "activation": "relu", "seed": 1, "steps": 80} | fields)
    return learn_network(asked, dense_network(asked.network(), 1, LIMITS), Watching())


def test_a_good_start_learns_the_digits_in_a_few_hundred_steps() -> None:
    found = course(layers=WIDE, scheme="he", steps=400)
    assert found.outcome.code == "learned"
    assert found.outcome.steps_to_90 is not None
    assert 50 <= found.outcome.steps_to_90 <= 400
    assert found.outcome.verdict == "healthy"
    assert found.outcome.relation.key == "and"


# The trial with PyTorch: each of these stays at guessing.
@pytest.mark.parametrize("fields", [{"activation": "sigmoid", "scheme": "xavier"}, {"scheme": "fixed", "std": 0.01}])
def test_a_start_whose_gradients_vanish_is_stuck(fields: dict[str, object]) -> None:
    found = course(layers=WIDE, steps=300, **fields)
    assert found.outcome.code == "stuck"
    assert found.outcome.best_test_accuracy < 0.25
    assert found.outcome.relation.key == "because"


def test_what_overflows_has_diverged_and_is_left_out() -> None:
    found = course(scheme="fixed", std=1e30)
    assert (found.outcome.code, len(found.points)) == ("diverged", 1)
    assert found.points[0].training_loss is None
    text = learning_document(found, Language.EN).model_dump_json()
    assert "training_loss" not in text
    assert "NaN" not in text
    assert "null" not in text


def test_too_large_a_rate_diverges_from_a_healthy_start() -> None:
    found = course(layers=WIDE, scheme="he", learning_rate=100.0)
    assert found.outcome.code == "diverged"
    assert (found.outcome.why.key, found.outcome.relation.key) == ("healthy", "although.rate")


def test_too_much_decay_diverges_whatever_the_gradient() -> None:
    # 0.01 * 1000: each step multiplies a weight by -9.
    found = course(layers=WIDE, scheme="he", learning_rate=0.01, weight_decay=1000.0)
    assert (found.outcome.code, found.outcome.relation.key) == ("diverged", "although.decay")


# By hand: a step of sgd multiplies a parameter by 1 - x, x being rate times decay, and grows it for x > 2. Momentum's
# two values are multiplied by a matrix of determinant 0.9 and trace 1.9 - x, of which an eigenvalue is -1 at x = 3.8.
# Adam steps by about its rate at most, whatever the decay. From He's start, sgd at 0.01 learns without decay.
@pytest.mark.parametrize(
    ("optimizer", "rate", "product", "code", "relation"),
    [
        ("sgd", 0.01, 2.2, "diverged", "although.decay"),
        ("sgd", 0.01, 1.5, "stuck", "although.steps_or_decay"),
        ("momentum", 0.01, 2.2, "stuck", "although.steps_or_decay"),
        ("momentum", 0.01, 4.2, "diverged", "although.decay"),
        ("adam", 0.01, 4.2, "stuck", "although.steps_or_decay"),
        ("adam", 1000.0, 4.2, "diverged", "although.rate"),
        ("sgd", 100.0, 0.1, "diverged", "although.rate"),
    ],
)
def test_decay_is_blamed_where_it_alone_would_diverge(
    optimizer: str, rate: float, product: float, code: str, relation: str
) -> None:
    found = course(
        layers=WIDE, scheme="he", optimizer=optimizer, learning_rate=rate, weight_decay=product / rate, steps=200
    )
    assert found.outcome.why.key == "healthy"
    assert (found.outcome.code, found.outcome.relation.key) == (code, relation)


# Gradients that vanish make no loss grow: what does is said, and not the start.
@pytest.mark.parametrize(
    ("fields", "relation"),
    [
        ({"std": 0.01, "weight_decay": 1000.0}, "because.decay"),
        ({"std": 0.01, "learning_rate": 1000.0}, "because.rate"),
        ({"std": 1.0}, "because"),
        ({"std": 1e30, "weight_decay": 1000.0}, "because"),
    ],
)
def test_a_divergence_is_blamed_on_what_makes_the_loss_grow(fields: dict[str, object], relation: str) -> None:
    found = course(layers=WIDE, scheme="fixed", **fields)
    assert (found.outcome.code, found.outcome.relation.key) == ("diverged", relation)
    assert "{" not in learning_document(found, Language.EN).outcome.sentence


def test_one_step_is_a_step() -> None:
    told = learning_document(course(layers=WIDE, scheme="he", steps=1), Language.EN).outcome.sentence
    assert told.startswith("It still guesses after 1 step, with ")
    told = learning_document(course(scheme="fixed", std=1e30), Language.EN).outcome.sentence
    assert told.startswith("The loss is not finite before the first step, because ")


@pytest.mark.parametrize(("steps", "said"), [(0, "before the first step"), (1, "after 1 step"), (2, "after 2 steps")])
def test_the_steps_until_it_has_learned_are_counted_as_people_do(steps: int, said: str) -> None:
    asked = LearningRequest.of({"layers": (64, 40, 10), "activation": "relu", "seed": 1, "steps": 2})
    network = dense_network(asked.network(), 1, LIMITS)
    test, start = (
        task(asked.data, 1).test,
        diagnose_network(DiagnosisRequest(layers=(64, 40, 10), activation="relu"), network),
    )
    points = [Point(step, 1.0, 0.1, 0.95 if step >= steps else 0.1, ()) for step in range(3)]
    outcome = outcome_of(asked, points, test, start)
    sentence = learning_outcome(outcome, Language.EN).sentence
    assert sentence.startswith(f"90 % of the test samples are right {said}; ")


def test_zeros_are_stuck_since_no_gradient_moves_them() -> None:
    found = course(layers=WIDE, scheme="fixed", std=0.0)
    assert (found.outcome.code, found.outcome.verdict) == ("stuck", "no_gradients")
    assert all(layer.update_ratio is None for layer in found.points[0].layers)


@pytest.mark.parametrize("steps", [1, 39, 40, 41, 80, 99])
def test_there_is_a_point_at_the_start_at_the_end_and_at_equal_steps_between(steps: int) -> None:
    found = [point.step for point in course(steps=steps).points]
    between = math.ceil(steps / 40)
    assert found == sorted({*range(0, steps, between), steps})
    assert steps_between(steps) == between


def test_each_point_is_shown_as_it_is_computed() -> None:
    shown: list[Point] = []
    asked = LearningRequest.of({"layers": (64, 10), "activation": "relu", "seed": 1, "steps": 80})
    network = dense_network(asked.network(), 1, LIMITS)
    found = learn_network(asked, network, Watching(show=shown.append))
    assert shown == list(found.points)


def test_the_first_update_ratio_of_descent_is_rate_times_gradient_by_weight() -> None:
    found = course(scheme="fixed", std=0.1, learning_rate=0.5)
    for layer in found.points[0].layers:
        assert layer.gradient_std is not None
        # The mean gradient is nearly 0, and the std of the weights 0.1.
        assert layer.update_ratio == pytest.approx(0.5 * layer.gradient_std / 0.1, rel=0.1)


def test_the_same_seed_is_the_same_training() -> None:
    assert course(dtype="float32").points == course().points


def test_more_work_than_is_allowed_says_what_would_fit() -> None:
    asked = LearningRequest.of({"layers": (64, 10), "activation": "relu", "steps": 1000, "batch": 10})
    one_step = 650 * 10
    check_work(asked, asked.layers, 1000 * one_step)
    with pytest.raises(TooLarge) as caught:
        check_work(asked, asked.layers, 1000 * one_step - 1)
    assert caught.value.advice == "At most 999 steps would fit."


@pytest.mark.parametrize("normalization", ["none", "batch"])
@pytest.mark.parametrize("optimizer", OptimizerName)
@pytest.mark.parametrize("layers", [(64, 10), (64, 700, 700, 10), (64, *[30] * 40, 10)], ids=["small", "wide", "deep"])
def test_a_training_takes_no_more_than_was_said(layers: tuple[int, ...], optimizer: str, normalization: str) -> None:
    course(steps=1)  # what is read once, the digits, is the service's
    asked = LearningRequest.of(
        {
            "layers": layers, "activation": "gelu", "seed": 1, "steps": 3, "batch": 200, "optimizer": optimizer,
            "normalization": normalization, "learning_rate": 1e-5,
        }
    )  # fmt: skip
    network = dense_network(asked.network(), 1, LIMITS)
    tracemalloc.start()
    try:
        learn_network(asked, network, Watching())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak <= memory_needed(asked, layers, 2**40)


def test_both_languages_have_the_same_clauses_with_the_same_values() -> None:
    english, japanese = CLAUSES[Language.EN], CLAUSES[Language.JA]
    assert english.keys() == japanese.keys()
    for key, clause in english.items():
        assert fields(clause) == fields(japanese[key])


def fields(clause: str) -> set[str]:
    return {part.partition("}")[0] for part in clause.split("{")[1:]}


@pytest.mark.parametrize("language", Language)
def test_every_outcome_has_a_whole_sentence(language: Language) -> None:
    for found in (course(), course(scheme="fixed", std=1e30), course(layers=WIDE, scheme="fixed", std=0.0)):
        sentence = learning_document(found, language).outcome.sentence
        assert sentence.endswith("." if language is Language.EN else "。")
        assert "{" not in sentence


def test_the_picture_is_well_formed_and_shows_every_curve() -> None:
    root = ET.fromstring(picture(course(layers=(64, *[20] * 30, 10), steps=40)))
    lines = root.findall(".//{http://www.w3.org/2000/svg}polyline")
    assert len(lines) == 1 + 2 + 6
    assert ET.fromstring(picture(course(scheme="fixed", std=1e30))).find(".//{*}desc") is not None
