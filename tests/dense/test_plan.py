import hashlib
import math
from itertools import accumulate, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import MISSING

from service.dense.network import DenseNetwork, Limits, dense_network
from service.describe.network import Bias, Layout, Network
from service.describe.url import parameters, request_of
from service.errors import TooLarge, UnknownTensor
from service.initializers.constant import Constant
from service.initializers.fans import Fan
from service.numerics.dtypes import DTYPES
from service.numerics.recipe import backend
from service.tensors.tensor import TensorBox
from tests.bodies import values_of
from tests.networks import LIMITS, dense_networks, network_from

DEEP = "layers=5,4,3,2"


def scheme_names(query: str) -> list[str]:
    return [tensor.initializer.choice.scheme for tensor in network_from(f"{query}&bias=none").plan.tensors]


def test_tensors_stand_in_the_order_of_the_layers_weight_before_bias() -> None:
    assert [tensor.name for tensor in network_from(f"{DEEP}&activation=relu").plan.tensors] == [
        "layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias", "layers.2.weight", "layers.2.bias",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("layout", "shapes"),
    [("in_out", [(5, 4), (4,), (4, 3), (3,)]), ("out_in", [(4, 5), (4,), (3, 4), (3,)])],
)
def test_a_layout_decides_the_shapes(layout: str, shapes: list[tuple[int, ...]]) -> None:
    network = network_from(f"layers=5,4,3&activation=relu&layout={layout}")
    assert [tensor.shape for tensor in network.plan.tensors] == shapes


def test_offsets_and_counts_of_a_known_network() -> None:
    network = network_from("layers=784,256,10&activation=relu&dtype=float16")
    assert [(tensor.elements, tensor.byte_count) for tensor in network.plan.tensors] == [
        (200_704, 401_408), (256, 512), (2_560, 5_120), (10, 20),
    ]  # fmt: skip
    assert list(network.plan.offsets.values()) == [0, 401_408, 401_920, 407_040]
    assert (network.plan.elements, network.plan.byte_count) == (203_530, 407_060)


@given(dense_networks())
def test_offsets_are_the_running_sums_of_the_byte_counts(network: DenseNetwork) -> None:
    counts = [math.prod(tensor.shape) for tensor in network.plan.tensors]
    sizes = [count * DTYPES[network.description.dtype].size for count in counts]
    assert list(network.plan.offsets.values()) == [0, *accumulate(sizes)][:-1]
    assert [tensor.elements for tensor in network.plan.tensors] == counts
    assert network.plan.elements == sum(counts)


@given(dense_networks())
def test_element_counts_follow_from_the_node_counts(network: DenseNetwork) -> None:
    layers = network.description.layers
    weights = sum(a * b for a, b in pairwise(layers))
    assert network.plan.elements == weights + (sum(layers[1:]) if network.description.bias is Bias.ZEROS else 0)


@given(dense_networks())
def test_a_layer_has_the_fan_of_its_neighbours_whatever_the_layout(network: DenseNetwork) -> None:
    for layer, in_out in zip(network.layers, pairwise(network.description.layers), strict=True):
        assert {tensor.fan for tensor in layer.tensors} == {Fan(*in_out)}
        assert layer.weight.shape == (in_out if network.description.layout is Layout.IN_OUT else in_out[::-1])


@given(dense_networks(), st.data())
def test_names_change_names_and_no_value(network: DenseNetwork, data: st.DataObject) -> None:
    count = len(network.layers)
    letters = st.text("ab0.-_", min_size=1, max_size=6).filter(lambda name: not name.startswith("__"))
    names = data.draw(st.lists(letters, min_size=count, max_size=count, unique=True))
    description = network.description.model_copy(update={"names": ",".join(names)})
    renamed = dense_network(description, network.seed, LIMITS)
    kinds = ("weight", "bias") if network.description.bias is Bias.ZEROS else ("weight",)
    assert [tensor.name for tensor in renamed.plan.tensors] == [f"{name}.{kind}" for name in names for kind in kinds]
    for one, other in zip(network.plan.tensors, renamed.plan.tensors, strict=True):
        assert values_of(one.whole()) == values_of(other.whole())


def test_a_template_has_the_number_of_each_layer() -> None:
    network = network_from(f"{DEEP}&activation=relu&bias=none&names=b.$n.w$n")
    assert [tensor.name for tensor in network.plan.tensors] == ["b.0.w0.weight", "b.1.w1.weight", "b.2.w2.weight"]


def test_the_usual_names_are_left_out_of_the_url() -> None:
    usual = network_from(f"{DEEP}&activation=relu")
    assert network_from(f"{DEEP}&activation=relu&names=layers.$n").query == usual.query


def test_without_biases_there_are_weights_alone() -> None:
    network = network_from(f"{DEEP}&activation=relu&bias=none")
    assert [tensor.name for tensor in network.plan.tensors] == ["layers.0.weight", "layers.1.weight", "layers.2.weight"]


@given(dense_networks())
def test_a_bias_is_zero_by_plan(network: DenseNetwork) -> None:
    for tensor in network.plan.tensors:
        assert isinstance(tensor.initializer, Constant) == tensor.name.endswith("bias")
        assert (tensor.initializer.choice.scheme == "zeros") == tensor.name.endswith("bias")


@pytest.mark.parametrize(
    ("query", "schemes"),
    [
        ("activation=relu", ["he", "he", "he"]),
        ("activation=tanh", ["xavier", "xavier", "xavier"]),
        ("activation=relu&output_activation=sigmoid", ["he", "he", "xavier"]),
        ("activation=sigmoid&output_activation=relu", ["xavier", "xavier", "he"]),
        ("activation=relu&output_activation=relu", ["he", "he", "he"]),
        ("activation=relu&output_activation=sigmoid&scheme=glorot", ["glorot", "glorot", "glorot"]),
        ("activation=relu&scheme=fixed&std=0.5", ["fixed", "fixed", "fixed"]),
    ],
)
def test_auto_decides_layer_by_layer_and_any_other_scheme_for_all(query: str, schemes: list[str]) -> None:
    assert scheme_names(f"{DEEP}&{query}") == schemes


def test_an_output_activation_is_that_of_the_only_layer() -> None:
    assert scheme_names("layers=5,4&activation=relu&output_activation=tanh") == ["xavier"]


@pytest.mark.parametrize(
    ("scheme", "variance"),
    [("xavier", 1 / 50), ("lecun", 1 / 50), ("he", 2 / 50), ("glorot", 2 / 58), ("he_fan_out", 2 / 8)],
)
def test_a_scheme_gives_the_documented_variance(scheme: str, variance: float) -> None:
    (weight, _) = network_from(f"layers=50,8&activation=tanh&scheme={scheme}").plan.tensors
    assert weight.initializer.choice.std == pytest.approx(math.sqrt(variance), rel=1e-15)


def test_a_fixed_std_is_taken_as_it_is() -> None:
    (weight, bias) = network_from("layers=50,8&activation=relu&scheme=fixed&std=0.0123").plan.tensors
    assert (weight.initializer.choice.std, bias.initializer.choice.std) == (0.0123, 0.0)


@given(dense_networks())
def test_the_spread_does_not_depend_on_layout_or_dtype(network: DenseNetwork) -> None:
    plain = network.description.model_copy(update={"layout": Layout.OUT_IN, "dtype": "float64"})
    others = dense_network(plain, network.seed, LIMITS).plan.tensors
    assert [tensor.initializer.choice for tensor in network.plan.tensors] == [
        tensor.initializer.choice for tensor in others
    ]


@given(dense_networks())
def test_a_tensor_is_found_by_its_name(network: DenseNetwork) -> None:
    assert [network.plan.tensor(tensor.name) for tensor in network.plan.tensors] == list(network.plan.tensors)


@pytest.mark.parametrize("name", ["", "layers.2.weight", "layers.00.weight", "layers.0.weight.npy", "LAYERS.0.WEIGHT"])
def test_an_unknown_tensor_is_answered_with_those_there_are(name: str) -> None:
    with pytest.raises(UnknownTensor) as failure:
        network_from("layers=4,3,2&activation=relu").plan.tensor(name)
    assert failure.value.name == name
    assert failure.value.known == ("layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias")


def test_a_network_with_a_layer_beyond_the_limit_is_too_large() -> None:
    network = request_of(Network, parameters("layers=9,3,1&activation=relu"))
    with pytest.raises(TooLarge) as failure:
        dense_network(network, 1, Limits(layers=3, width=8))
    assert (failure.value.asked, failure.value.allowed, failure.value.setting) == (9, 8, "width")


def test_more_layers_than_the_limit_are_too_large() -> None:
    Limits(layers=2, width=9).check_count(2)
    with pytest.raises(TooLarge) as failure:
        Limits(layers=2, width=9).check_count(3)
    assert (failure.value.asked, failure.value.allowed, failure.value.setting) == (3, 2, "layers")


def test_a_network_at_its_limits_is_planned() -> None:
    network = request_of(Network, parameters("layers=9,3,1&activation=relu"))
    assert dense_network(network, 1, Limits(layers=3, width=9)).plan.elements == 9 * 3 + 3 + 3 + 1


def test_ten_billion_parameters_are_planned_without_drawing_or_hashing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("a plan draws nothing and hashes nothing")

    drawn = (
        (backend, "fill_rows"),
        (backend, "fill_runs"),
        (hashlib, "sha256"),
        (TensorBox, "fill"),
        (np, "empty"),
        (np, "zeros"),
    )
    for owner, name in drawn:
        monkeypatch.setattr(owner, name, fail)
    network = network_from("layers=100000,100000,10&activation=relu&dtype=float64")
    assert network.plan.elements == 100_000 * 100_000 + 100_000 + 100_000 * 10 + 10
    assert network.plan.byte_count == 8 * network.plan.elements
    assert network.plan.offsets["layers.1.weight"] == 8 * 10_000_100_000


@given(dense_networks())
def test_a_plan_depends_on_nothing_but_network_and_seed(network: DenseNetwork) -> None:
    again = dense_network(network.description.model_copy(update={"seed": MISSING}), network.seed, LIMITS)
    assert again.plan.tensors == network.plan.tensors
