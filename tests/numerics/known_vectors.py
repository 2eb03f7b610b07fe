"""The given known answers of recipe 1: docs/recipe-vectors.json."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service.numerics.distributions import DistributionName

DOCS = Path(__file__).parents[2] / "docs"


@dataclass(frozen=True)
class Case:
    seed: int
    tensor: str
    key: tuple[int, int]
    start: int
    words: tuple[int, ...]  # from pair start // 2 on
    bits: dict[DistributionName, tuple[int, ...]]  # of elements from start on, at std 1


def _integers(texts: list[str]) -> tuple[int, ...]:
    return tuple(int(text, 16) for text in texts)


def _case(fields: dict[str, Any]) -> Case:
    k0, k1 = _integers(fields["key"])
    bits = {name: _integers(fields[name]) for name in DistributionName}
    return Case(fields["seed"], fields["tensor"], (k0, k1), fields["start"], _integers(fields["words"]), bits)


CASES = [_case(fields) for fields in json.loads((DOCS / "recipe-vectors.json").read_text("utf-8"))["cases"]]
IDS = [f"{case.seed}-{case.tensor}-{case.start}".encode("ascii", "replace").decode() for case in CASES]
