"""The sentence of an outcome: what came of the training, and why, joined by one of a few relations."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from service.describe.network import Language
from service.diagnosis.messages import Message


def _read() -> Mapping[str, Mapping[str, str]]:
    table: dict[str, dict[str, str]] = json.loads(Path(__file__).with_name("messages.json").read_text(encoding="utf-8"))
    return MappingProxyType({language: MappingProxyType(clauses) for language, clauses in table.items()})


# Clauses and relations by language and key; {name} stands for a value.
CLAUSES: Final = _read()


def sentence(relation: Message, what: Message, why: Message, language: Language) -> str:
    """Return the whole sentence."""
    clauses = {"what": _clause(what, language), "why": _clause(why, language)}
    joined = CLAUSES[language][relation.key].format(**clauses, **_shown(relation))
    return joined[0].upper() + joined[1:]


def _clause(message: Message, language: Language) -> str:
    return CLAUSES[language][message.key].format(**_shown(message))


def _shown(message: Message) -> dict[str, str]:
    return {name: value if isinstance(value, str) else f"{value:g}" for name, value in message.values.items()}
