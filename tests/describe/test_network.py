import math
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import MISSING, ValidationError

from service.describe.network import Network
from service.errors import LONGEST_VALUE_SHOWN, InvalidRequest, shortened
from tests.networks import networks

SMALL = {"layers": [3, 2], "activation": "relu"}

# Fields as JSON carries them, and the field that is at fault.
REFUSED: list[tuple[Mapping[str, Any], str]] = [
    ({"layers": [3.0, 2]}, "layers.0"),
    ({"layers": [3, "2"]}, "layers.1"),
    ({"layers": [3, True]}, "layers.1"),
    ({"layers": [3, None]}, "layers.1"),
    ({"layers": [0, 2]}, "layers.0"),
    ({"layers": [3, 2**31]}, "layers.1"),
    ({"layers": [3]}, "layers"),
    ({"layers": []}, "layers"),
    ({"layers": 3}, "layers"),
    ({"layers": "3,2"}, "layers"),
    ({"layers": None}, "layers"),
    ({"activation": None}, "activation"),
    ({"activation": "ReLU"}, "activation"),
    ({"activation": ["relu"]}, "activation"),
    ({"output_activation": None}, "output_activation"),
    ({"output_activation": "softmax"}, "output_activation"),
    ({"scheme": "kaiming"}, "scheme"),
    ({"distribution": "gaussian"}, "distribution"),
    ({"dtype": "float8"}, "dtype"),
    ({"layout": "row"}, "layout"),
    ({"bias": False}, "bias"),
    ({"seed": -1}, "seed"),
    ({"seed": 2**53}, "seed"),
    ({"seed": 1.0}, "seed"),
    ({"seed": True}, "seed"),
    ({"seed": "1"}, "seed"),
    ({"seed": None}, "seed"),
    ({"recipe": 0}, "recipe"),
    ({"recipe": 2}, "recipe"),
    ({"recipe": True}, "recipe"),
    ({"scheme": "fixed"}, "std"),
    ({"std": 0.5}, "std"),
    ({"scheme": "he", "std": 0.5}, "std"),
    ({"scheme": "fixed", "std": math.nan}, "std"),
    ({"scheme": "fixed", "std": math.inf}, "std"),
    ({"scheme": "fixed", "std": -math.inf}, "std"),
    ({"scheme": "fixed", "std": -1}, "std"),
    ({"scheme": "fixed", "std": -5e-324}, "std"),
    ({"scheme": "fixed", "std": 1.1e37}, "std"),
    ({"scheme": "fixed", "std": 10**400}, "std"),
    ({"scheme": "fixed", "std": "0.5"}, "std"),
    ({"scheme": "fixed", "std": True}, "std"),
    ({"scheme": "fixed", "std": None}, "std"),
    ({"scheme": "fixed", "std": 8000.1, "dtype": "float16"}, "std"),
    ({"Seed": 1}, "Seed"),
    ({"": 1}, ""),
]


@pytest.mark.parametrize(("fields", "field"), REFUSED, ids=[shortened(repr(fields)) for fields, _ in REFUSED])
def test_a_refusal_names_the_field_at_fault(fields: Mapping[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        Network.of({**SMALL, **fields})
    assert [error.field for error in refusal.value.errors] == [field]


@pytest.mark.parametrize("field", ["layers", "activation"])
def test_a_required_field_is_asked_for_by_name(field: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        Network.of({name: value for name, value in SMALL.items() if name != field})
    assert [(error.field, error.message, error.value) for error in refusal.value.errors] == [(field, "is required", "")]


def test_all_fields_at_fault_are_named_at_once() -> None:
    with pytest.raises(InvalidRequest) as refusal:
        Network.of({"layers": [0, 2, -1], "activation": "x", "seed": -1, "size": 5})
    assert [error.field for error in refusal.value.errors] == ["layers.0", "layers.2", "activation", "seed", "size"]


def test_one_wrong_choice_does_not_make_std_wrong() -> None:
    with pytest.raises(InvalidRequest) as refusal:
        Network.of({**SMALL, "scheme": "fix", "std": 0.5})
    assert [error.field for error in refusal.value.errors] == ["scheme"]


@pytest.mark.parametrize(
    ("dtype", "largest"), [("float32", 1e37), ("float64", 1e37), ("float16", 8000.0), ("bfloat16", 1e37)]
)
def test_the_largest_std_of_a_dtype_is_accepted_and_no_larger_one(dtype: str, largest: float) -> None:
    fixed = {**SMALL, "scheme": "fixed", "dtype": dtype}
    assert Network.of({**fixed, "std": largest}).std == largest
    with pytest.raises(InvalidRequest):
        Network.of({**fixed, "std": math.nextafter(largest, math.inf)})


@pytest.mark.parametrize("std", [0, 0.0, -0.0])
def test_every_zero_std_is_positive_zero(std: float) -> None:
    found = Network.of({**SMALL, "scheme": "fixed", "std": std}).std
    assert isinstance(found, float)
    assert math.copysign(1.0, found) == 1.0


def test_what_is_left_out_is_at_its_documented_default() -> None:
    network = Network.of(SMALL)
    assert network.model_dump(mode="json") == {
        **SMALL, "scheme": "auto", "distribution": "normal", "dtype": "float32",
        "layout": "in_out", "bias": "zeros", "gain": 1.0, "cut": 2.0, "cut_std": "after", "fan": "in",
        "slope": 0.01, "alpha": 1.0, "recipe": 1,
    }  # fmt: skip
    assert network.output_activation is network.std is network.seed is MISSING


@pytest.mark.parametrize(
    ("field", "value"),
    [("layers", (1, 1)), ("layers", (2**31 - 1, 2**31 - 1)), ("seed", 0), ("seed", 2**53 - 1), ("recipe", 1)],
)
def test_the_bounds_themselves_are_accepted(field: str, value: object) -> None:
    assert getattr(Network.of({**SMALL, field: value}), field) == value


def test_a_network_cannot_be_changed() -> None:
    network = Network.of(SMALL)
    with pytest.raises(ValidationError, match="frozen"):
        network.seed = 1  # type: ignore[misc]  # what is tested


@pytest.mark.parametrize(
    "fields",
    [{"activation": "\ud800"}, {"layers": [3, "\ud800"]}, {"seed": ["\ud800"]}, {"\ud800": 1}],
    ids=["choice", "item", "list", "name"],
)
def test_a_refusal_can_be_sent_whatever_it_refuses(fields: Mapping[str, Any]) -> None:
    # JSON can escape half of a surrogate pair, which is no character and has no UTF-8.
    with pytest.raises(InvalidRequest) as refusal:
        Network.of({**SMALL, **fields})
    for error in refusal.value.errors:
        assert f"{error.field} {error.message} {error.value}".encode() != b""


def test_a_refusal_does_not_grow_with_the_number_of_faults() -> None:
    with pytest.raises(InvalidRequest) as refusal:
        Network.of({**SMALL, "layers": [0] * 20_000})
    assert len(refusal.value.errors) <= 100


@given(networks())
def test_json_carries_a_network_unchanged(network: Network) -> None:
    assert Network.model_validate_json(network.model_dump_json()) == network


@given(st.text())
def test_a_shortened_text_is_the_text_or_its_beginning(text: str) -> None:
    short = shortened(text)
    assert short == text or (short[-1] == "…" and text.startswith(short[:-1]))
    assert len(short) <= LONGEST_VALUE_SHOWN + 1
