"""The given known answers of recipe 1: recipe-vectors.json."""

import json
from dataclasses import dataclass
from typing import Any

from service.numerics import recipe
from service.numerics.recipe.distributions import DistributionName


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


@dataclass(frozen=True)
class CutCase:
    seed: int
    tensor: str
    cut: float
    start: int
    bits: tuple[int, ...]  # of elements from start on, at std 1 after the cut


VECTORS = json.loads(recipe.VECTORS.read_text("utf-8"))
CASES = [_case(fields) for fields in VECTORS["cases"]]
CUT_CASES = [CutCase(**fields | {"bits": _integers(fields["bits"])}) for fields in VECTORS["cuts"]]
IDS = [f"{case.seed}-{case.tensor}-{case.start}".encode("ascii", "replace").decode() for case in CASES]
