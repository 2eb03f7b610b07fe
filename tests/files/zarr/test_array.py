"""Chunks against NumPy arrays that are padded with zeros, and their shapes against the rule written out."""

from math import prod
from random import Random

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.dense.network import DenseNetwork
from service.describe.tensor import tensor_in_query
from service.describe.url import parameters
from service.errors import InvalidRequest
from service.files.zarr.array import Array, asked_chunks, usual_chunks
from service.tensors.build import build
from service.tensors.tensor import Tensor
from tests.bodies import cut_small, whole, whole_out_of_order
from tests.networks import dense_networks

MIB = 2**20
# Sides of at most 7 in any order of the axes, drawn one by one and all together; a scalar too.
QUERIES = (
    "shape=7,5&axes=OI&activation=relu",
    "shape=7,5&axes=IO&activation=relu&dtype=bfloat16",
    "shape=7,5,3,2&axes=OIHW&activation=tanh&dtype=float16",
    "shape=2,3,5,7&axes=HWIO&activation=tanh&distribution=uniform",
    "shape=3,6,5&axes=BOI&parts=q,k,v&activation=tanh&copy_key=e.$b&dtype=float64",
    "shape=6,5&axes=OI&scheme=orthogonal",
    "shape=6,5&axes=IO&scheme=orthogonal&dtype=float16",
    "shape=3,6,5&axes=BOI&parts=q,k&copy_key=e.$b&scheme=orthogonal",
    "shape=5,4,3,3&axes=OIHW&scheme=identity",
    "shape=6,5,3&axes=OIW&scheme=delta_orthogonal",
    "shape=3,7&scheme=arange&dtype=int64",
    "shape=7&scheme=ones&dtype=uint8",
    "shape=7&scheme=fixed&std=2",
    "shape=&scheme=ones&dtype=bool",
)


def tensor(query: str, name: str = "w") -> Tensor:
    asked = tensor_in_query(name, parameters(f"{query}&seed=5"))
    assert asked.seed is not None
    return build(asked.tensor, asked.seed)


def array(made: Tensor, chunks: tuple[int, ...]) -> Array:
    text = ",".join(map(str, chunks))
    return Array(made, asked_chunks(text, made) if chunks else usual_chunks(made), ())


def padded(made: Tensor, chunk_shape: tuple[int, ...]) -> npt.NDArray[np.generic]:
    """Return all values, with zeros up to whole chunks."""
    values = made.whole().read(0, made.elements).reshape(made.shape)
    sides = (-(-side // length) * length for side, length in zip(made.shape, chunk_shape, strict=True))
    filled = np.zeros(tuple(sides), values.dtype)
    filled[tuple(map(slice, made.shape))] = values
    return filled


def check_every_chunk(made: Array, random: Random) -> None:
    expected = padded(made.tensor, made.chunk_shape)
    counts = [side // length for side, length in zip(expected.shape, made.chunk_shape, strict=True)]
    for place in np.ndindex(*counts):
        part = tuple(slice(n * s, (n + 1) * s) for n, s in zip(place, made.chunk_shape, strict=True))
        chunk = made.chunk("/".join(map(str, place)))
        values = expected[part].tobytes()
        assert whole(chunk) == whole_out_of_order(chunk, random) == values
        start = random.randrange(len(values))
        stop = random.randrange(start, len(values)) + 1
        assert whole(chunk.cut(start, stop)) == values[start:stop]


@given(dense_networks(widest=20), st.lists(st.integers(1, 12), min_size=2, max_size=2), st.randoms())
def test_every_chunk_of_a_network_is_that_of_a_padded_array(
    network: DenseNetwork, chunks: list[int], random: Random
) -> None:
    with cut_small():
        for made in network.plan.tensors:
            check_every_chunk(array(made, tuple(chunks[: len(made.shape)])), random)
            check_every_chunk(array(made, ()), random)


@pytest.mark.parametrize("query", QUERIES)
@settings(max_examples=15)
@given(data=st.data())
def test_every_chunk_of_any_tensor_is_that_of_a_padded_array(query: str, data: st.DataObject) -> None:
    made = tensor(query)
    lengths = tuple(data.draw(st.integers(1, 9), label="length") for _ in made.shape)
    with cut_small():
        check_every_chunk(array(made, lengths), data.draw(st.randoms(), label="random"))


@pytest.mark.parametrize(
    ("shape", "dtype", "chunks"),
    [
        ("784,256", "float32", (784, 256)),  # all of it is less than 4 MiB
        ("5003,1999", "float32", (501, 1999)),  # 524 rows fit, which makes 10 chunks: 5003 / 10, rounded up
        ("5003,1999", "float16", (1001, 1999)),
        ("3,2500001", "float32", (1, 833334)),  # a row is longer than a chunk
        ("2097152,1", "float32", (1048576, 1)),
        ("3000000", "float32", (1000000,)),
        ("5,3,2000,2000", "float32", (1, 1, 500, 2000)),  # 524 rows of one kernel fit
        ("5,30,200,200", "float32", (1, 15, 200, 200)),  # 26 kernels fit
        ("70,30,200", "float64", (70, 30, 200)),
    ],
)
def test_a_chunk_is_whole_rows_within_4_mib_as_equal_as_can_be(shape: str, dtype: str, chunks: tuple[int, ...]) -> None:
    made = tensor(f"shape={shape}&scheme=fixed&std=1&dtype={dtype}")
    assert usual_chunks(made) == chunks


@given(st.lists(st.integers(1, 10_000), min_size=1, max_size=4), st.sampled_from(["float32", "float16", "float64"]))
def test_no_chunk_is_over_4_mib_and_few_overhang(sides: list[int], dtype: str) -> None:
    made = tensor(f"shape={','.join(map(str, sides))}&scheme=fixed&std=1&dtype={dtype}")
    chunks = usual_chunks(made)
    size = made.byte_count // made.elements
    assert prod(chunks) * size <= 4 * MIB
    for side, length in zip(made.shape, chunks, strict=True):
        count = -(-side // length)
        assert count * length - side < count


def test_chunks_asked_for_are_no_longer_than_the_tensor() -> None:
    assert asked_chunks("512,512", tensor("shape=100,2000&axes=OI&activation=relu")) == (100, 512)


@pytest.mark.parametrize(
    "key", ["", "0", "0/0/0", "4/0", "0/1", "00/0", "-1/0", "0/", "/0", "0.0", "a/0", "٣/0", "0/0 "]
)
def test_a_key_that_is_no_chunk_is_refused(key: str) -> None:
    made = array(tensor("shape=7,5&axes=OI&activation=relu"), (2, 5))
    with pytest.raises(InvalidRequest, match="key"):
        made.chunk(key)
    assert made.chunk("3/0").length == 2 * 5 * 4


@pytest.mark.parametrize(
    ("dtype", "fill", "codec"),
    [
        ("float32", "NaN", {"name": "bytes", "configuration": {"endian": "little"}}),
        ("bfloat16", "NaN", {"name": "bytes", "configuration": {"endian": "little"}}),
        ("int32", 0, {"name": "bytes", "configuration": {"endian": "little"}}),
        ("uint8", 0, {"name": "bytes"}),
        ("bool", False, {"name": "bytes"}),
    ],
)
def test_a_lost_chunk_of_floats_is_no_number(dtype: str, fill: object, codec: object) -> None:
    metadata = array(tensor(f"shape=3&scheme=ones&dtype={dtype}"), ()).metadata
    assert metadata["fill_value"] == fill
    assert type(metadata["fill_value"]) is type(fill)
    assert metadata["codecs"] == [codec]
