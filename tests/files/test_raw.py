import struct
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.dense.network import DenseNetwork
from service.files.raw import box_as_raw
from tests.bodies import cut_small, elements_of, values_of, whole, whole_out_of_order
from tests.networks import dense_networks, network_from


@given(dense_networks(), st.randoms(use_true_random=False))
def test_the_body_is_the_values_and_nothing_else(network: DenseNetwork, random: Random) -> None:
    with cut_small():
        for tensor in network.plan.tensors:
            body = box_as_raw(tensor.whole())
            assert whole(body) == whole_out_of_order(body, random) == values_of(tensor.whole())
            assert body.length == tensor.byte_count
            assert elements_of(body) == tensor.elements


@pytest.mark.parametrize(("dtype", "code"), [("float32", "f"), ("float64", "d"), ("float16", "e")])
def test_values_are_little_endian(dtype: str, code: str) -> None:
    block = network_from(f"layers=3,5&activation=relu&dtype={dtype}").plan.tensors[0].whole()
    assert struct.unpack(f"<15{code}", whole(box_as_raw(block))) == tuple(block.read(0, 15).tolist())


def test_bfloat16_is_the_upper_half_of_float32_little_endian() -> None:
    block = network_from("layers=3,5&activation=relu&dtype=bfloat16").plan.tensors[0].whole()
    upper = np.frombuffer(whole(box_as_raw(block)), "<u2").astype(np.uint32) << 16
    assert upper.view(np.float32).tolist() == block.read(0, 15).astype(np.float32).tolist()


def test_values_are_row_major_in_the_layout_asked_for() -> None:
    query = "layers=3,5&activation=relu&layout="
    in_out, out_in = (network_from(f"{query}{layout}").plan.tensors[0].whole() for layout in ("in_out", "out_in"))
    one = np.frombuffer(whole(box_as_raw(in_out)), "<f4").reshape(3, 5)
    other = np.frombuffer(whole(box_as_raw(out_in)), "<f4").reshape(5, 3)
    assert (one == other.T).all()


def test_a_block_carries_its_own_values_alone() -> None:
    tensor = network_from("layers=6,5&activation=relu").plan.tensors[0]
    all_values = np.frombuffer(whole(box_as_raw(tensor.whole())), "<f4").reshape(6, 5)
    body = box_as_raw(tensor.cut(range(2, 5), range(1, 3)))
    assert whole(body) == all_values[2:5, 1:3].tobytes()
    assert body.length == 3 * 2 * 4
