import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.describe.model.patterns import Names, filled, highest_place, matched, without_ranges

texts = st.text("ab.*", max_size=12)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a", ["a"]),
        ("h.(0-2).w", ["h.0.w", "h.1.w", "h.2.w"]),
        ("(9-10)", ["9", "10"]),
        ("(0-1).(1-2)", ["0.1", "0.2", "1.1", "1.2"]),
        ("f((x)(0-0)", ["f(x)0"]),
        ("a)", ["a)"]),
    ],
)
def test_ranges_multiply_the_last_varying_fastest(text: str, names: list[str]) -> None:
    read = Names.of(text)
    assert list(read.each()) == names
    assert read.how_many == len(names)


@pytest.mark.parametrize("text", ["(", "a(b)", "(1-0)", "(01-2)", "(-1-2)", "(1-2", "(1-)", "(a-b)", "((("])
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape("(( for a parenthesis")):
        Names.of(text)


def test_names_are_counted_before_they_are_made() -> None:
    assert Names.of("(0-999999999999).(0-999999999999)").how_many == 10**24


@given(st.text("(ab)-0", max_size=8))
def test_a_name_without_ranges_stands_for_itself(name: str) -> None:
    assert list(Names.of(without_ranges(name)).each()) == [name]


@given(texts.filter(lambda text: text.count("*") <= 4), st.text("ab.", max_size=20))
def test_a_pattern_matches_as_a_lazy_regular_expression_does(pattern: str, name: str) -> None:
    expected = re.fullmatch("(.*?)".join(map(re.escape, pattern.split("*"))), name, re.DOTALL)
    assert matched(pattern.split("*"), name) == (expected.groups() if expected else None)


def test_the_most_tedious_pattern_is_matched_at_once() -> None:
    name, pattern = "a" * 500 + "b", ["", "a" * 100, "a" * 100, "a" * 100, "c"]
    start = time.process_time()
    for _ in range(100):
        assert matched(pattern, name) is None
    # A regular expression would take 500 to the fourth power of steps.
    assert time.process_time() - start < 60


def test_templates_are_filled_with_what_the_stars_matched() -> None:
    assert filled("h.$1.$2.$b$", ("0", "attn")) == "h.0.attn.$b$"
    assert highest_place("$1.$3.$b$0") == 3
