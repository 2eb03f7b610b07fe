from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.describe.network import Network
from service.describe.url import parameters, query_of, request_of
from service.errors import LONGEST_VALUE_SHOWN, InvalidRequest
from tests.networks import networks, seeds

SMALL = "layers=3,2&activation=relu"
FIXED = f"{SMALL}&scheme=fixed&std="

NOT_INTEGERS = (
    "01", "%2B1", "+1", "1_0", "1.0", "1.", "%201", "1%20", "1%0A", "-0", "00", "1e3", "0x1", "", "nan", "null", "true",
    "%EF%BC%91", "%C2%B9", "%D9%A1", "9" * 32, "9" * 5000,
)  # fmt: skip
NOT_NUMBERS = (
    "01", "%2B1", "+1", "1_0", "1.", ".5", "%201", "1%20", "1%0A", "1e", "1e+3", "0x1", "0x1p3", "", "nan", "NaN",
    "inf", "-inf", "infinity", "1e999", "-1", "-1e-320", "1,5", "null", "%EF%BC%91", "1e38",
)  # fmt: skip
CHOICES = ("output_activation", "scheme", "distribution", "dtype", "layout", "bias")
REFUSED = [
    *((f"{SMALL}&seed={text}", "seed") for text in (*NOT_INTEGERS, "-1", "9007199254740992")),
    *((f"{SMALL}&recipe={text}", "recipe") for text in (*NOT_INTEGERS, "0", "2")),
    *((f"layers=3,{text}&activation=relu", "layers.1") for text in (*NOT_INTEGERS, "0", "-1", "2147483648")),
    *((f"layers={text},3&activation=relu", "layers.0") for text in ("", "01", "0")),
    *((f"{FIXED}{text}", "std") for text in NOT_NUMBERS),
    (f"{FIXED}8001&dtype=float16", "std"),
    (f"{SMALL}&scheme=fixed", "std"),
    (f"{SMALL}&std=0.5", "std"),
    (f"{SMALL}&scheme=he&std=0.5", "std"),
    ("layers=&activation=relu", "layers"),
    ("layers=3&activation=relu", "layers"),
    ("layers=3;2&activation=relu", "layers.0"),
    ("activation=relu", "layers"),
    ("layers=3,2", "activation"),
    ("layers=3,2&activation=", "activation"),
    ("layers=3,2&activation=ReLU", "activation"),
    ("layers=3,2&activation=relu+", "activation"),
    *((f"{SMALL}&{name}={text}", name) for name in CHOICES for text in ("", "x", "None")),
    *((f"{SMALL}&{name}=1", name) for name in ("Seed", "seeds", "rows", "format")),
    (f"{SMALL}&se%20ed=1", "se ed"),
    (f"{SMALL}&=1", ""),
    (f"{SMALL}&seed=1&seed=1", "seed"),
    (f"{SMALL}&seed=1&%73eed=2", "seed"),
    (f"{SMALL}&size=1&size=1", "size"),
    (f"{SMALL}&", "query"),
    (f"&{SMALL}", "query"),
    (f"{SMALL}&&seed=1", "query"),
    (f"{SMALL}&seed", "query"),
    (f"{SMALL}&seed=%FF", "query"),
    (f"{SMALL}&%FF=1", "query"),
    (f"{SMALL}&seed=%C0%80", "query"),
    (f"{SMALL}&seed=%ED%A0%80", "query"),
    ("&".join(f"p{number}=1" for number in range(101)), "query"),
]  # fmt: skip

# What DESIGN promises where an option is left out, spelled out.
DEFAULTS = [
    "scheme=auto", "distribution=normal", "dtype=float32", "layout=in_out", "bias=zeros", "recipe=1",
]  # fmt: skip


@pytest.mark.parametrize(("query", "field"), REFUSED, ids=[query[-60:] or "empty" for query, _ in REFUSED])
def test_a_refused_spelling_names_the_field_at_fault(query: str, field: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        request_of(Network, parameters(query))
    assert [error.field for error in refusal.value.errors] == [field]


def test_an_empty_query_lacks_what_is_required() -> None:
    with pytest.raises(InvalidRequest) as refusal:
        request_of(Network, parameters(""))
    assert [error.field for error in refusal.value.errors] == ["layers", "activation"]


@pytest.mark.parametrize("text", ["01", "x" * 80, "x" * 81, "x" * 50_000], ids=["short", "longest", "longer", "long"])
def test_a_refusal_shows_what_was_sent_shortened(text: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        request_of(Network, parameters(f"{SMALL}&seed={text}"))
    shown = text if len(text) <= LONGEST_VALUE_SHOWN else text[:LONGEST_VALUE_SHOWN] + "…"
    assert [error.value for error in refusal.value.errors] == [shown]


@pytest.mark.parametrize(
    ("spelling", "std"),
    [
        ("0", 0.0), ("-0", 0.0), ("-0.0", 0.0), ("0.10", 0.1), ("1e-3", 0.001), ("1E-3", 0.001), ("1e%2B3", 1000.0),
        ("100e-2", 1.0), ("1e37", 1e37), ("5e-324", 5e-324), ("1e-999", 0.0),
    ],
)  # fmt: skip
def test_all_spellings_of_a_std_are_one_number(spelling: str, std: float) -> None:
    network = request_of(Network, parameters(f"{FIXED}{spelling}"))
    assert network == request_of(Network, {"layers": "3,2", "activation": "relu", "scheme": "fixed", "std": repr(std)})
    assert repr(network.std) == repr(std)


def test_a_refusal_shows_an_unknown_name_shortened() -> None:
    with pytest.raises(InvalidRequest) as refusal:
        request_of(Network, parameters(f"{SMALL}&{'x' * 5000}=1"))
    assert [error.field for error in refusal.value.errors] == ["x" * LONGEST_VALUE_SHOWN + "…"]


def test_parameters_are_percent_decoded_once() -> None:
    assert parameters("a=%2541&b=%26%3D&c=+") == {"a": "%41", "b": "&=", "c": " "}


def test_a_canonical_query_has_the_options_in_the_order_of_the_documentation() -> None:
    query = (
        "layers=3,2&activation=relu&output_activation=sigmoid&scheme=fixed&distribution=uniform"
        "&dtype=float16&layout=out_in&bias=none&std=0.5&seed=7"
    )
    shuffled = query.split("&")
    Random(7).shuffle(shuffled)
    assert query_of(request_of(Network, parameters("&".join(shuffled))), 7) == query


@pytest.mark.parametrize("default", DEFAULTS)
def test_a_canonical_query_omits_a_default(default: str) -> None:
    assert query_of(request_of(Network, parameters(f"{SMALL}&{default}")), 5) == f"{SMALL}&seed=5"


def test_a_canonical_query_carries_the_seed_zero() -> None:
    assert query_of(request_of(Network, parameters(SMALL)), 0) == f"{SMALL}&seed=0"


@given(networks(), seeds)
def test_a_canonical_query_describes_the_same_network_with_its_seed(network: Network, seed: int) -> None:
    assert request_of(Network, parameters(query_of(network, seed))) == network.model_copy(update={"seed": seed})


@given(networks(), seeds)
def test_a_canonical_query_is_its_own_canonical_query(network: Network, seed: int) -> None:
    query = query_of(network, seed)
    assert query_of(request_of(Network, parameters(query)), seed) == query


@given(networks(), networks(), seeds, seeds)
def test_different_descriptions_have_different_canonical_queries(
    one: Network, other: Network, one_seed: int, other_seed: int
) -> None:
    same = one.model_copy(update={"seed": one_seed}) == other.model_copy(update={"seed": other_seed})
    assert (query_of(one, one_seed) == query_of(other, other_seed)) == same


@given(networks(), seeds, st.data())
def test_one_changed_field_changes_the_canonical_query(network: Network, seed: int, data: st.DataObject) -> None:
    other = data.draw(networks())
    name = data.draw(st.sampled_from(["layers", "activation", "output_activation", "distribution", "layout", "bias"]))
    changed = network.model_copy(update={name: getattr(other, name)})
    assert (query_of(changed, seed) == query_of(network, seed)) == (changed == network)


@given(networks(), seeds, st.randoms(use_true_random=False))
def test_the_order_of_parameters_does_not_matter(network: Network, seed: int, random: Random) -> None:
    shuffled = query_of(network, seed).split("&")
    random.shuffle(shuffled)
    assert query_of(request_of(Network, parameters("&".join(shuffled))), seed) == query_of(network, seed)


@given(st.text(alphabet="layersctivon=&,%0123456789+-._ sduF", max_size=60))
def test_any_text_is_a_network_or_an_explained_refusal(text: str) -> None:
    def read() -> Network | tuple[str, ...]:
        try:
            return request_of(Network, parameters(text))
        except InvalidRequest as refusal:
            return tuple(error.message for error in refusal.errors)

    found = read()
    if isinstance(found, Network):
        assert request_of(Network, parameters(query_of(found, 1))).layers == found.layers
    else:
        assert found
        assert all(found)
