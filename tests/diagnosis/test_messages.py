"""Sentences for people: the same values in each language, and Japanese of one style."""

import re
from collections.abc import Mapping

import pytest

from service.describe.network import Language
from service.diagnosis.messages import SENTENCES
from service.learning.messages import CLAUSES


@pytest.mark.parametrize("table", [SENTENCES, CLAUSES], ids=["diagnosis", "learning"])
def test_both_languages_have_the_same_values(table: Mapping[str, Mapping[str, str]]) -> None:
    english, japanese = table[Language.EN], table[Language.JA]
    assert list(english) == list(japanese)
    for key, sentence in english.items():
        assert sorted(re.findall(r"\{\w+\}", sentence)) == sorted(re.findall(r"\{\w+\}", japanese[key])), key


@pytest.mark.parametrize("table", [SENTENCES, CLAUSES], ids=["diagnosis", "learning"])
def test_japanese_is_plain_and_names_no_settings(table: Mapping[str, Mapping[str, str]]) -> None:
    for key, sentence in table[Language.JA].items():
        assert not re.search(r"(ます|です|ください|ません)", sentence), key
        # Which is the uniform distribution alone.
        assert "一様" not in sentence, key
        assert not re.search(r"FANIN_|[a-z]+_(bytes|work|seconds)", sentence), key
