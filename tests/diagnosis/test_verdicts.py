"""Each fault is found on its side of its threshold and not on the other, and each is said in every language."""

import string
from collections.abc import Callable
from dataclasses import replace

import pytest

from service.describe.network import Language
from service.diagnosis.advice import Diagnosed, Place
from service.diagnosis.messages import SENTENCES, Message
from service.diagnosis.report import LayerReport, Verdict
from service.diagnosis.verdicts import CODES, FAULTS, HEALTHY, Fault, overall, verdicts_of
from service.initializers.schemes import SchemeName
from service.numerics.activations import Activation
from tests.diagnosis.reports import diagnosed, endless, equal_layers

GOOD = diagnosed(f"{equal_layers(50, 2)}&activation=tanh&samples=200").layers[0]
FIGURES: dict[str, Callable[[float], LayerReport]] = {
    "exploding_gradients": lambda value: replace(GOOD, gradient=replace(GOOD.gradient, ratio=value)),
    "vanishing_gradients": lambda value: replace(GOOD, gradient=replace(GOOD.gradient, ratio=value)),
    "exploding_activations": lambda value: replace(GOOD, activation=replace(GOOD.activation, std=value, mean=0.0)),
    "vanishing_activations": lambda value: replace(GOOD, activation=replace(GOOD.activation, std=value, mean=0.0)),
    "dead": lambda value: replace(GOOD, nodes=replace(GOOD.nodes, dead_share=value)),
    "saturated": lambda value: replace(GOOD, saturated_share=value),
    "same_outputs.mean": lambda value: replace(GOOD, activation=replace(GOOD.activation, std=3 * value, mean=-3.0)),
    "same_outputs.within": lambda value: replace(
        GOOD,
        activation=replace(GOOD.activation, std=2.0),
        likeness=replace(GOOD.likeness, within_std=2 * value),
    ),
    "rank_collapse": lambda value: replace(GOOD, nodes=replace(GOOD.nodes, effective_rank=value)),
}


def place(*layers: LayerReport, number: int = 0, scheme: SchemeName | None = SchemeName.AUTO) -> Place:
    return Place(Diagnosed(layers, endless(50, 200), scheme, is_normalized=False, remedies=[]), number)


def found(layer: LayerReport) -> list[Verdict]:
    return verdicts_of(place(layer, GOOD))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.key)
def test_a_fault_begins_at_its_threshold(fault: Fault) -> None:
    inside, outside = (0.99, 1.01) if fault.side == "above" else (1.01, 0.99)
    with_figure = FIGURES[fault.key]
    assert fault.code not in {verdict.code for verdict in found(with_figure(fault.threshold * inside))}
    assert fault.code not in {verdict.code for verdict in found(with_figure(fault.threshold))}
    verdicts = found(with_figure(fault.threshold * outside))
    verdict = next(verdict for verdict in verdicts if verdict.code == fault.code)
    assert f"{float(f'{fault.threshold:.3g}'):g}" in verdict.evidence.sentence(Language.EN)


def test_a_layer_without_faults_is_healthy() -> None:
    assert found(GOOD) == [HEALTHY]


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("key", SENTENCES["en"])
def test_sentences_take_the_same_values_in_each_language(key: str, language: Language) -> None:
    def fields(sentence: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}

    assert fields(SENTENCES[language][key]) == fields(SENTENCES["en"][key])
    assert SENTENCES[language][key].endswith("。" if language is Language.JA else ".")


def test_all_languages_have_the_same_sentences() -> None:
    assert set(SENTENCES) == set(Language)
    assert len({frozenset(sentences) for sentences in SENTENCES.values()}) == 1


def test_a_message_shows_three_digits_at_most() -> None:
    message = Message("dead", {"figure": 0.75, "threshold": 0.6})
    assert message.sentence(Language.EN).startswith(
        "The share of nodes that are 0 for every sample is 0.75, above 0.6:"
    )
    assert "0.75" in message.sentence(Language.JA)


def test_the_output_may_be_small_where_what_enters_it_is_not() -> None:
    small = replace(GOOD, activation=replace(GOOD.activation, std=1e-4, mean=0.0))
    assert verdicts_of(place(GOOD, small, number=1)) == [HEALTHY]
    assert "vanishing_activations" in {verdict.code for verdict in verdicts_of(place(small, small, number=1))}


def test_the_overall_verdict_is_the_worst_of_the_first_layer_that_has_it() -> None:
    def layer(*codes: str) -> list[Verdict]:
        return [Verdict(code, Message(code), Message(code)) for code in codes]

    layers = [layer("healthy"), layer("dead", "saturated"), layer("vanishing_gradients"), layer("vanishing_gradients")]
    assert (overall(layers).code, overall(layers).layer) == ("vanishing_gradients", 2)
    assert overall(layers[:2]).code == "dead"
    assert overall(layers[:1]).code == "healthy"


def test_codes_are_in_order_of_severity_without_repeats() -> None:
    assert len(set(CODES)) == len(CODES)
    assert [code for code in CODES if code in {fault.code for fault in FAULTS}] == list(
        dict.fromkeys(fault.code for fault in FAULTS)
    )


@pytest.mark.parametrize("scheme", ["auto", "xavier", "he", "glorot", "fixed&std=0.01", "fixed&std=1", "fixed&std=0"])
@pytest.mark.parametrize("normalization", ["none", "batch"])
@pytest.mark.parametrize("activation", Activation)
def test_no_advice_is_to_do_what_was_done(activation: str, scheme: str, normalization: str) -> None:
    query = f"{equal_layers(40, 12)}&activation={activation}&scheme={scheme}&normalization={normalization}&samples=40"
    for layer in diagnosed(query).layers:
        for verdict in layer.verdicts:
            values = verdict.advice.values
            if "scheme" in values:
                assert values["scheme"] != scheme
                assert normalization == "none"
                # The advised std is another one.
                assert values["better"] != pytest.approx(values["std"], rel=0.02)
            if verdict.advice.key.endswith("_smaller"):
                assert float(values["better"]) < float(values["std"])
            for language in Language:
                assert "{" not in verdict.evidence.sentence(language) + verdict.advice.sentence(language)
