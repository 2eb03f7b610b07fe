"""The published recipe, recipe.md, says what the code does: its numbers are read out of its text."""

import hashlib
import math
import re

import numpy as np
import pytest

from service.initializers.gains import ELU_BELOW_ZERO, GAINS
from service.initializers.schemes import FIXED_FORMULA, SCHEMES, SchemeName
from service.numerics import recipe
from service.numerics.recipe import distributions, philox, reference
from service.numerics.recipe.backend import fill_run
from service.numerics.recipe.distributions import DistributionName, Stream
from service.numerics.recipe.labels import labels
from tests.networks import network_from
from tests.numerics.recipe import recipe_by_hand
from tests.numerics.recipe.known_vectors import CASES, VECTORS
from tests.numerics.recipe.recipe_by_hand import bits, f32, float_of

PAGE = recipe.PAGE.read_text("utf-8")


def rows_below(header: str) -> dict[str, list[str]]:
    """Return the rows of the table with this header, by their first cell."""
    table = PAGE.split(header, 1)[1].split("\n\n", 1)[0]
    rows = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in table.strip().splitlines()[1:]]
    return {row[0]: row[1:] for row in rows}


def found(pattern: str) -> str:
    """Return what the group of the pattern matches on the page, where it must match once."""
    (text,) = re.findall(pattern, PAGE)
    return str(text)


@pytest.mark.parametrize("name", ["LOG", "SIN", "COS"])
def test_polynomials_are_those_of_the_code(name: str) -> None:
    (patterns,) = rows_below("| name | float32 bit patterns, from c0 on |")[name]
    coefficients = np.array([int(pattern, 16) for pattern in patterns.split()], np.uint32).view(np.float32)
    assert coefficients.tolist() == [coefficient.item() for coefficient in getattr(reference, name)]
    assert coefficients.tolist() == getattr(recipe_by_hand, name)


@pytest.mark.parametrize(("name", "value"), [("LN2", math.log(2)), ("ANGLE", math.pi / 2 * 2.0**-31)])
def test_single_constants_are_those_of_the_code_and_of_mathematics(name: str, value: float) -> None:
    (pattern,) = rows_below("| name | float32 bit patterns, from c0 on |")[name]
    assert float_of(int(pattern, 16)) == getattr(reference, name).item() == f32(value)


def test_masks_are_those_of_the_code() -> None:
    root, mask, root_again = re.findall(r"0x([0-9A-F]{8})\b", PAGE)
    assert int(root, 16) == int(root_again, 16) == reference.SQRT_HALF_BITS.item() == bits(math.sqrt(0.5))
    assert int(mask, 16) == reference.MANTISSA_MASK.item()


def test_philox_is_that_of_the_code() -> None:
    rows = rows_below("| constant | value | use |")
    assert tuple(int(rows[name][0], 16) for name in ("M0", "M1")) == philox.MULTIPLIERS
    assert tuple(int(rows[name][0], 16) for name in ("W0", "W1")) == philox.KEY_INCREMENTS
    assert int(found(r"do (\d+) times:")) == philox.ROUNDS


def test_truncated_std_is_that_of_the_code() -> None:
    assert float(rows_below("| constant | value | meaning |")["TRUNCATED_STD"][0]) == distributions.CUT_STDS[2]
    assert distributions.Cut().at == 2


def test_schemes_are_those_of_the_code() -> None:
    formulas = {name: formula for name, (formula,) in rows_below("| scheme | std |").items()}
    formulas |= {name: formula for name, (formula,) in rows_below("| scheme of tensors | std |").items()}
    assert formulas == {name: row.formula for name, row in SCHEMES.items()} | {SchemeName.FIXED: FIXED_FORMULA}


KNOWN = re.findall(
    r"^\| (\d+) \| `(\S+)` \| (\d+) \| ([0-9A-F]{16}) \| ([0-9A-F]{8}) \| ([0-9A-F]{8}) \| ([0-9A-F]{8}) \|$",
    PAGE,
    re.M,
)


def test_the_table_of_known_answers_is_read_whole() -> None:
    after_header = PAGE.split("| seed | tensor | element |", 1)[1].split("\n\n", 1)[0]
    assert len(KNOWN) == len(after_header.splitlines()) - 2 > 8


@pytest.mark.parametrize("row", KNOWN, ids=[f"row {number}" for number in range(len(KNOWN))])
def test_known_answers_are_given_ones_and_those_of_the_code(row: tuple[str, ...]) -> None:
    seed, tensor, element, word, *patterns = row
    i = int(element)
    (case,) = [
        case
        for case in CASES
        if (str(case.seed), case.tensor) == (seed, tensor) and case.start <= i < case.start + 8
    ]  # fmt: skip
    assert int(word, 16) == case.words[i // 2 - case.start // 2]
    for name, pattern in zip(DistributionName, patterns, strict=True):
        assert int(pattern, 16) == case.bits[name][i - case.start]
        value = np.empty(1, np.float32)
        fill_run(value, Stream.of(case.seed, case.tensor, name, 1.0), i)
        assert int(pattern, 16) == value.view(np.uint32).item()


def test_the_orthogonal_matrix_is_the_given_one() -> None:
    rows = rows_below("| row | column 0 | column 1 | column 2 | column 3 |")
    first = VECTORS["orthogonal"][0]
    assert (first["seed"], first["key"], first["rows"], first["columns"]) == (42, "layers.0.weight", 4, 4)
    assert list(rows.values()) == first["bits"]


def test_cuts_are_those_of_the_code() -> None:
    cuts = rows_below("| cut | CUT_STD |")
    assert {float(cut): float(std) for cut, (std,) in cuts.items()} == distributions.CUT_STDS


def test_gains_are_those_of_the_code() -> None:
    gains = rows_below("| activation | gain |")
    assert {name: float(gain) for name, (gain,) in gains.items()} == GAINS
    assert float(rows_below("| constant of elu | value |")["ELU"][0]) == ELU_BELOW_ZERO


def test_the_worked_example_begins_with_the_digest_and_the_words() -> None:
    digest = found(r"\n\n    ([0-9a-f]{64})\n\n")
    assert digest == hashlib.sha256(b"42/layers.0.weight").hexdigest()
    key = (int(found(r"k0 = ([0-9A-F]{16})"), 16), int(found(r"k1 = ([0-9A-F]{16})"), 16))
    assert key == philox.key_of(42, "layers.0.weight")
    words = [int(word, 16) for (word,) in rows_below("| output | word |").values()]
    assert words == philox.consecutive_words(philox.Key(*key), 0)(1).tolist()
    low, high = found(r"lo = ([0-9A-F]{8}) and"), found(r"and hi = ([0-9A-F]{8})")
    assert int(high + low, 16) == words[0]
    assert int(found(r"signed integer is (-\d+)")) == int(high, 16) - 2**32


def test_every_step_of_the_worked_example_is_that_of_the_oracle() -> None:
    word = int(rows_below("| output | word |")["0"][0], 16)
    steps = recipe_by_hand.box_muller(word)._asdict()
    rows = rows_below("| step | bits | value |")
    assert list(rows) == list(steps)
    for name, (pattern, text) in rows.items():
        number = float(text)
        if isinstance(steps[name], int):
            assert int(pattern, 16) == steps[name] == number
        else:
            assert int(pattern, 16) == bits(steps[name]) == bits(number)


def test_the_worked_example_ends_with_the_weight() -> None:
    weight = network_from("layers=784,256&activation=relu&seed=42").plan.tensors[0]
    std = float(found(r"sqrt\(2 / 784\) = (0\.\d+)"))
    assert std == weight.initializer.choice.std
    assert int(found(r"f32\(std\) has the bits ([0-9A-F]{8})"), 16) == bits(std)
    first = int(found(r"element 0 of the normal weights is ([0-9A-F]{8})"), 16)
    assert first == weight.whole().read(0, 1).view(np.uint32).item()


def test_the_example_of_drawing_again_is_that_of_the_code() -> None:
    key = philox.key_of(0, "layers.1.weight")
    word = int(found(r"word 3 = ([0-9A-F]{16})"), 16)
    assert word == philox.scattered_words(key, np.array([0], np.uint64), attempt=1)[3]
    too_large = int(found(r"Attempt 0 gives z = ([0-9A-F]{8})"), 16)
    accepted = int(found(r"and z = ([0-9A-F]{8})"), 16)
    scale = int(found(r"the weight is z times ([0-9A-F]{8})"), 16)
    again = int(found(r"that is ([0-9A-F]{8})\."), 16)
    drawn = np.empty(1, np.float32)
    for distribution, pattern in ((DistributionName.NORMAL, too_large), (DistributionName.TRUNCATED_NORMAL, again)):
        fill_run(drawn, Stream.of(0, "layers.1.weight", distribution, 1.0), 6)
        assert drawn.view(np.uint32).item() == pattern
    assert bits(recipe_by_hand.normals_of(word)[0]) == accepted
    assert bits(float_of(accepted) * float_of(scale)) == again


def test_labels_of_the_page_are_made_by_its_rule() -> None:
    rows = re.findall(r"^\| (\d+) \| (\d+) \| ((?:\d+ ){7}\d+) \|$", PAGE, re.MULTILINE)
    assert len(rows) == 2
    for seed, classes, printed in rows:
        key = recipe_by_hand.key(int(seed), "labels")
        halves = [recipe_by_hand.word(key, i // 2) >> 32 * (i % 2) & 0xFFFFFFFF for i in range(8)]
        by_hand = [half * int(classes) >> 32 for half in halves]
        assert by_hand == [int(label) for label in printed.split()]
        assert labels(int(seed), 8, int(classes)).tolist() == by_hand
