"""The sentences of a diagnosis: one table by language, and messages that name a sentence and its values."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

from service.describe.network import Language


def _read() -> Mapping[str, Mapping[str, str]]:
    table: dict[str, dict[str, str]] = json.loads(Path(__file__).with_name("messages.json").read_text(encoding="utf-8"))
    return MappingProxyType({language: MappingProxyType(sentences) for language, sentences in table.items()})


# Sentences by language and key; {name} stands for a value. The page at / reads the same file.
SENTENCES: Final = _read()


@dataclass(frozen=True, slots=True)
class Message:
    """A sentence by its key, and the values in it."""

    key: str
    values: Mapping[str, float | str] = field(default_factory=dict)

    def sentence(self, language: Language) -> str:
        """Return the sentence."""
        shown = {name: value if isinstance(value, str) else f"{value:g}" for name, value in self.values.items()}
        return SENTENCES[language][self.key].format(**shown)


def rounded(value: float) -> float:
    """Return a value with the three digits that a sentence shows."""
    return float(f"{value:.3g}")
