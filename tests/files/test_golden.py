import json

import pytest

from service.describe.model.families import FAMILIES
from service.files.body.pieces import Piece
from tests import golden_families
from tests.golden import DIGESTS, GOLDEN, digest

FROZEN = json.loads(DIGESTS.read_text())


def test_every_row_is_frozen_and_nothing_else() -> None:
    assert list(FROZEN) == list(GOLDEN)


@pytest.mark.parametrize("name", GOLDEN)
def test_a_file_is_the_same_as_when_it_was_frozen(name: str) -> None:
    assert digest(GOLDEN[name]) == FROZEN[name]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_model_of_a_family_is_the_same_as_when_it_was_frozen(family: str) -> None:
    entry = golden_families.frozen()[family]
    assert {"model": entry["model"], **golden_families.digest(entry["model"])} == entry


@pytest.mark.parametrize("name", ["npz-several-units", "safetensors-several-panels", "weight-bin-wide-rows"])
def test_a_large_row_is_drawn_in_several_pieces(name: str) -> None:
    drawn = [piece for piece in GOLDEN[name].body(GOLDEN[name].query).pieces() if isinstance(piece, Piece)]
    assert sum(piece.elements > 0 for piece in drawn) > 1
