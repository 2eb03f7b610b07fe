"""Levels of x86-64: System V ABI, x86-64 supplement, table 3.1."""

import pytest

pytest.importorskip("llvmlite", reason="comes with Numba")

from service.numerics.recipe.levels import LEVELS, best_level


def with_levels(*levels: str) -> dict[str, bool]:
    return {feature: True for level in levels for feature in LEVELS[level]}


@pytest.mark.parametrize(
    ("features", "level"),
    [
        ({}, None),
        (with_levels("x86-64-v2"), "x86-64-v2"),
        (with_levels("x86-64-v2", "x86-64-v3"), "x86-64-v3"),
        (with_levels("x86-64-v2", "x86-64-v3", "x86-64-v4"), "x86-64-v4"),
        (with_levels("x86-64-v3", "x86-64-v4"), None),
        (with_levels("x86-64-v2", "x86-64-v4"), "x86-64-v2"),
        (with_levels("x86-64-v2", "x86-64-v3") | {"fma": False}, "x86-64-v2"),
    ],
)
def test_a_level_needs_all_below_it(features: dict[str, bool], level: str | None) -> None:
    assert best_level(features) == level
