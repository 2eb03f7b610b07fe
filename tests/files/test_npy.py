import io
from collections.abc import Callable
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.lib import format as npy_format

from service.dense.network import DenseNetwork
from service.errors import InvalidRequest
from service.files.body.pieces import Body
from service.files.npy import box_as_npy, npy_header
from service.numerics.dtypes import DType
from tests.bodies import cut_small, elements_of, network_as_npy, values_of, whole, whole_out_of_order
from tests.networks import WITH_NPY, dense_networks, network_from

sides = st.integers(0, 2**31 - 1)
shapes = st.one_of(st.tuples(st.integers(0, 2**63 - 1)), st.tuples(sides, sides))


@given(st.sampled_from(WITH_NPY), shapes)
def test_numpy_reads_the_header_of_any_shape(dtype: DType, shape: tuple[int, ...]) -> None:
    file = io.BytesIO(npy_header(dtype, shape))
    assert npy_format.read_magic(file) == (1, 0)
    found = npy_format.read_array_header_1_0(file)
    assert found == (shape, False, np.dtype(dtype.value).newbyteorder("<"))
    assert file.tell() == 128


@given(st.sampled_from(WITH_NPY), shapes)
def test_every_header_is_128_bytes_and_ends_as_the_format_asks(dtype: DType, shape: tuple[int, ...]) -> None:
    header = npy_header(dtype, shape)
    assert len(header) == 128
    assert header[:10] == b"\x93NUMPY\x01\x00" + (118).to_bytes(2, "little")
    assert header[-1:] == b"\n"


def test_a_known_header_is_laid_out_as_the_format_asks() -> None:
    text = b"{'descr': '<f4', 'fortran_order': False, 'shape': (784, 256), }"
    assert npy_header(DType.FLOAT32, (784, 256)) == b"\x93NUMPY\x01\x00v\x00" + text + b" " * (117 - len(text)) + b"\n"


@pytest.mark.parametrize(
    "body",
    [network_as_npy, lambda network: box_as_npy(network.plan.tensors[0].whole())],
    ids=["network", "block"],
)
def test_bfloat16_is_refused_and_the_refusal_names_dtype(body: Callable[[DenseNetwork], Body]) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        body(network_from("layers=3,2&activation=relu&dtype=bfloat16"))
    (error,) = refusal.value.errors
    assert (error.field, error.value) == ("dtype", "bfloat16")
    assert "safetensors" in error.message


@given(dense_networks(dtypes=WITH_NPY), st.randoms(use_true_random=False))
def test_numpy_reads_each_tensor_in_its_shape(network: DenseNetwork, random: Random) -> None:
    with cut_small():
        for tensor in network.plan.tensors:
            body = box_as_npy(tensor.whole())
            made = whole_out_of_order(body, random)
            array = np.load(io.BytesIO(made), allow_pickle=False)
            assert (array.shape, array.dtype.name) == (tensor.shape, network.description.dtype)
            assert array.tobytes() == values_of(tensor.whole())
            assert body.length == len(made)


@given(dense_networks(dtypes=WITH_NPY))
def test_numpy_reads_a_network_as_one_array_in_plan_order(network: DenseNetwork) -> None:
    with cut_small():
        body = network_as_npy(network)
        made = whole(body)
    array = np.load(io.BytesIO(made), allow_pickle=False)
    assert array.shape == (network.plan.elements,)
    assert array.tobytes() == b"".join(values_of(tensor.whole()) for tensor in network.plan.tensors)
    assert body.length == len(made)
    assert elements_of(body) == network.plan.elements


def test_numpy_reads_a_block_in_the_shape_of_the_block() -> None:
    tensor = network_from("layers=6,5&activation=relu&layout=out_in").plan.tensors[0]
    array = np.load(io.BytesIO(whole(box_as_npy(tensor.whole()))), allow_pickle=False)
    block = np.load(io.BytesIO(whole(box_as_npy(tensor.cut(range(1, 4), range(2, 6))))), allow_pickle=False)
    assert np.array_equal(block, array[1:4, 2:6])
