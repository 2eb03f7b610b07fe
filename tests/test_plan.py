import math
from itertools import accumulate, pairwise

import numpy as np
import pytest
from hypothesis import given
from pydantic import MISSING

from service.errors import TooLarge, UnknownTensor
from service.numerics.sampler import Stream
from service.plan import Limits, Plan, plan_of
from service.query import parameters, request_of
from service.spec import Bias, Layout, Network
from service.tensor import Tensor
from tests.networks import LIMITS, plan_from, plans

DEEP = "layers=5,4,3,2"


def scheme_names(query: str) -> list[str]:
    return [tensor.choice.scheme for tensor in plan_from(f"{query}&bias=none").tensors]


def test_tensors_stand_in_the_order_of_the_layers_weight_before_bias() -> None:
    assert [tensor.name for tensor in plan_from(f"{DEEP}&activation=relu").tensors] == [
        "layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias", "layers.2.weight", "layers.2.bias",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("layout", "shapes"),
    [("in_out", [(5, 4), (4,), (4, 3), (3,)]), ("out_in", [(4, 5), (4,), (3, 4), (3,)])],
)
def test_a_layout_decides_the_shapes(layout: str, shapes: list[tuple[int, ...]]) -> None:
    plan = plan_from(f"layers=5,4,3&activation=relu&layout={layout}")
    assert [tensor.shape for tensor in plan.tensors] == shapes


def test_offsets_and_counts_of_a_known_network() -> None:
    plan = plan_from("layers=784,256,10&activation=relu&dtype=float16")
    assert [(tensor.offset, tensor.elements, tensor.byte_count) for tensor in plan.tensors] == [
        (0, 200_704, 401_408), (200_704, 256, 512), (200_960, 2_560, 5_120), (203_520, 10, 20),
    ]  # fmt: skip
    assert (plan.elements, plan.byte_count) == (203_530, 407_060)


@given(plans())
def test_offsets_are_the_running_sums_of_the_element_counts(plan: Plan) -> None:
    counts = [math.prod(tensor.shape) for tensor in plan.tensors]
    assert [tensor.offset for tensor in plan.tensors] == [0, *accumulate(counts)][:-1]
    assert [tensor.elements for tensor in plan.tensors] == counts
    assert plan.elements == sum(counts)


@given(plans())
def test_element_counts_follow_from_the_node_counts(plan: Plan) -> None:
    layers = plan.network.layers
    weights = sum(a * b for a, b in pairwise(layers))
    assert plan.elements == weights + (sum(layers[1:]) if plan.network.bias is Bias.ZEROS else 0)


@given(plans())
def test_a_layer_has_the_fan_of_its_neighbours_whatever_the_layout(plan: Plan) -> None:
    for tensor in plan.tensors:
        index = int(tensor.name.split(".")[1])
        assert (tensor.fan.inputs, tensor.fan.outputs) == plan.network.layers[index : index + 2]
        if tensor.name.endswith("weight"):
            in_out = (tensor.fan.inputs, tensor.fan.outputs)
            assert tensor.shape == (in_out if plan.network.layout is Layout.IN_OUT else in_out[::-1])


def test_without_biases_there_are_weights_alone() -> None:
    plan = plan_from(f"{DEEP}&activation=relu&bias=none")
    assert [tensor.name for tensor in plan.tensors] == ["layers.0.weight", "layers.1.weight", "layers.2.weight"]


@given(plans())
def test_a_bias_is_zero_by_plan(plan: Plan) -> None:
    for tensor in plan.tensors:
        assert (tensor.stream is None) == tensor.name.endswith("bias")
        assert (tensor.choice.scheme == "zeros") == tensor.name.endswith("bias")


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
    (weight, _) = plan_from(f"layers=50,8&activation=tanh&scheme={scheme}").tensors
    assert weight.choice.std == pytest.approx(math.sqrt(variance), rel=1e-15)


def test_a_fixed_std_is_taken_as_it_is() -> None:
    (weight, bias) = plan_from("layers=50,8&activation=relu&scheme=fixed&std=0.0123").tensors
    assert (weight.choice.std, bias.choice.std) == (0.0123, 0.0)


@given(plans())
def test_the_spread_does_not_depend_on_layout_or_dtype(plan: Plan) -> None:
    plain = plan.network.model_copy(update={"layout": Layout.OUT_IN, "dtype": "float64"})
    others = plan_of(plain, plan.seed, LIMITS).tensors
    assert [tensor.choice for tensor in plan.tensors] == [tensor.choice for tensor in others]


@given(plans())
def test_a_tensor_is_found_by_its_name(plan: Plan) -> None:
    assert [plan.tensor(tensor.name) for tensor in plan.tensors] == list(plan.tensors)


@pytest.mark.parametrize("name", ["", "layers.2.weight", "layers.00.weight", "layers.0.weight.npy", "LAYERS.0.WEIGHT"])
def test_an_unknown_tensor_is_answered_with_those_there_are(name: str) -> None:
    with pytest.raises(UnknownTensor) as failure:
        plan_from("layers=4,3,2&activation=relu").tensor(name)
    assert failure.value.name == name
    assert failure.value.known == ("layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias")


@pytest.mark.parametrize(
    ("limits", "asked", "allowed", "setting"),
    [(Limits(layers=2, width=9), 3, 2, "layers"), (Limits(layers=3, width=8), 9, 8, "width")],
    ids=["layers", "width"],
)
def test_a_network_beyond_a_limit_is_too_large(limits: Limits, asked: int, allowed: int, setting: str) -> None:
    network = request_of(Network, parameters("layers=9,3,1&activation=relu"))
    with pytest.raises(TooLarge) as failure:
        plan_of(network, 1, limits)
    assert (failure.value.asked, failure.value.allowed, failure.value.setting) == (asked, allowed, setting)


def test_a_network_at_its_limits_is_planned() -> None:
    network = request_of(Network, parameters("layers=9,3,1&activation=relu"))
    assert plan_of(network, 1, Limits(layers=3, width=9)).elements == 9 * 3 + 3 + 3 + 1


def test_ten_billion_parameters_are_planned_without_drawing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("a plan draws nothing")

    for owner, name in ((Stream, "fill"), (Stream, "fill_rows"), (Tensor, "fill"), (np, "empty"), (np, "zeros")):
        monkeypatch.setattr(owner, name, fail)
    plan = plan_from("layers=100000,100000,10&activation=relu&dtype=float64")
    assert plan.elements == 100_000 * 100_000 + 100_000 + 100_000 * 10 + 10
    assert plan.byte_count == 8 * plan.elements
    assert plan.tensor("layers.1.weight").offset == 10_000_100_000


@given(plans())
def test_a_plan_depends_on_nothing_but_network_and_seed(plan: Plan) -> None:
    again = plan_of(plan.network.model_copy(update={"seed": MISSING}), plan.seed, LIMITS)
    assert again.tensors == plan.tensors
