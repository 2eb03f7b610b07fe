import struct
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from service.dense.network import DenseNetwork, dense_network
from service.describe.network import Layout
from service.errors import InvalidRequest
from service.initializers.constant import Constant
from service.initializers.random import Random
from service.initializers.schemes import SchemeName
from service.numerics.box import Box
from service.numerics.dtypes import DType
from service.numerics.recipe import backend as chosen_backend
from service.numerics.recipe import numpy_backend
from service.numerics.recipe.distributions import Stream
from service.tensors import tensor as module
from service.tensors.tensor import Tensor, TensorBox
from tests.bodies import cut_small
from tests.networks import LIMITS, dense_networks, network_from


@pytest.fixture(params=["as_shipped", "cut_small"], autouse=True, scope="module")
def _sizes(request: pytest.FixtureRequest) -> Iterator[None]:
    """State every law twice: as shipped, and with units and chunks so small that tensors are cut often."""
    if request.param == "as_shipped":
        yield
        return
    with cut_small(), pytest.MonkeyPatch.context() as patch:
        # Only the NumPy backend reads the sizes of its chunks at run time.
        patch.setattr(chosen_backend, "fill_rows", numpy_backend.fill_rows)
        patch.setattr(chosen_backend, "fill_runs", numpy_backend.fill_runs)
        patch.setattr(numpy_backend, "LONG_RUN", 17)
        patch.setattr(numpy_backend, "BLOCKS_PER_CHUNK", 4)
        yield


def variant(network: DenseNetwork, **changed: object) -> DenseNetwork:
    return dense_network(network.description.model_copy(update=changed), network.seed, LIMITS)


def matrix(tensor: Tensor) -> npt.NDArray[np.float32]:
    """Return all values of a tensor in the one order that the recipe numbers them in, by one fill."""
    values = np.zeros(tensor.elements, np.float32)
    if isinstance(tensor.initializer, Constant):
        return values
    choice, drawn = tensor.initializer.choice, tensor.initializer
    if not isinstance(drawn, Random):
        drawn.fill(values.reshape(tensor.shape), tensor.whole().box)
        return values.reshape(tensor.shape)
    std = choice.std if choice.before_cut is None else choice.before_cut
    chosen_backend.fill_run(values, Stream.of(drawn.seed, drawn.key, drawn.distribution, std, drawn.cut), 0)
    canonical = values.reshape([tensor.shape[axis] for axis in tensor.order])
    return canonical.transpose(np.argsort(tensor.order))


def ranges(most: int) -> st.SearchStrategy[range]:
    bounds = st.tuples(st.integers(0, most), st.integers(0, most)).map(sorted)
    return bounds.filter(lambda pair: pair[0] < pair[1]).map(lambda pair: range(*pair))


@given(dense_networks(dtypes=[DType.FLOAT32]), st.data())
def test_any_run_of_any_block_is_that_run_of_the_whole(network: DenseNetwork, data: st.DataObject) -> None:
    tensor = data.draw(st.sampled_from(network.plan.tensors), label="tensor")
    whole = matrix(tensor)
    asked = tuple(data.draw(ranges(side)) for side in whole.shape)
    block = TensorBox(tensor, Box(tensor.shape, tensor.order, asked))
    expected = whole[tuple(slice(part.start, part.stop) for part in asked)].reshape(-1)
    run = data.draw(ranges(block.elements), label="run")
    assert block.read(run.start, run.stop).tobytes() == expected[run.start : run.stop].tobytes()


@given(dense_networks(), st.data())
def test_a_run_of_any_dtype_is_that_run_of_the_whole(network: DenseNetwork, data: st.DataObject) -> None:
    tensor = data.draw(st.sampled_from(network.plan.tensors), label="tensor")
    run = data.draw(ranges(tensor.elements), label="run")
    whole = tensor.whole().read(0, tensor.elements)
    assert tensor.whole().read(run.start, run.stop).tobytes() == whole[run.start : run.stop].tobytes()


@given(dense_networks())
def test_out_in_is_in_out_transposed_bit_for_bit(network: DenseNetwork) -> None:
    pairs = zip(
        variant(network, layout=Layout.IN_OUT).plan.tensors,
        variant(network, layout=Layout.OUT_IN).plan.tensors,
        strict=True,
    )
    for in_out, out_in in pairs:
        one = in_out.whole().read(0, in_out.elements).reshape(in_out.shape)
        other = out_in.whole().read(0, out_in.elements).reshape(out_in.shape)
        assert one.T.tobytes() == other.tobytes()


@given(dense_networks(), st.data())
def test_units_tile_any_run_in_order(network: DenseNetwork, data: st.DataObject) -> None:
    block = data.draw(st.sampled_from(network.plan.tensors), label="tensor").whole()
    run = data.draw(ranges(block.elements), label="run")
    units = list(block.units(run.start, run.stop))
    assert all(start < stop for start, stop, *_ in units)
    assert [start for start, *_ in units] + [run.stop] == [run.start] + [stop for _, stop, *_ in units]


@given(dense_networks(), st.data())
def test_no_unit_is_larger_than_its_limit(network: DenseNetwork, data: st.DataObject) -> None:
    block = data.draw(st.sampled_from(network.plan.tensors), label="tensor").whole()
    most_bytes = module.PANEL_BYTES if network.description.layout is Layout.OUT_IN else module.UNIT_BYTES
    size = block.byte_count // block.elements
    together = block.tensor.initializer.drawn_together(block.box)
    # Columns of an orthogonal matrix are not cut.
    most = most_bytes // size if together is None or together.needs_panels else together.run
    assert max(stop - start for start, stop, *_ in block.units(0, block.elements)) <= most


@given(dense_networks(), st.data())
def test_the_units_of_a_run_are_cut_where_those_of_the_whole_are(network: DenseNetwork, data: st.DataObject) -> None:
    block = data.draw(st.sampled_from(network.plan.tensors), label="tensor").whole()
    run = data.draw(ranges(block.elements), label="run")
    inside = {start for start, *_ in block.units(0, block.elements) if run.start < start < run.stop}
    assert {start for start, *_ in block.units(run.start, run.stop)} == inside | {run.start}


def test_a_run_without_elements_has_no_unit_and_no_values() -> None:
    block = network_from("layers=5,4&activation=relu").plan.tensors[0].whole()
    assert list(block.units(7, 7)) == []
    assert block.read(7, 7).shape == (0,)


def test_a_matrix_is_read_in_units_that_are_whole_rows_where_rows_fit() -> None:
    block = network_from("layers=40,5&activation=relu").plan.tensors[0].whole()
    assert all(start % 5 == 0 for start, *_ in block.units(0, block.elements))


def to_bfloat16(value: np.float32) -> bytes:
    """Round to the nearest bfloat16, ties to even, by its bits: it is the upper half of a float32."""
    bits = int(value.view(np.uint32))
    return struct.pack("<H", (bits + 0x7FFF + (bits >> 16 & 1)) >> 16)


ROUNDINGS = {
    DType.FLOAT32: lambda value: struct.pack("<f", value),
    DType.FLOAT64: lambda value: struct.pack("<d", value),
    DType.FLOAT16: lambda value: struct.pack("<e", value),
    DType.BFLOAT16: to_bfloat16,
}


@pytest.mark.parametrize("dtype", DType)
@given(network=dense_networks(widest=12))
def test_a_dtype_is_the_float32_value_rounded_to_even(dtype: DType, network: DenseNetwork) -> None:
    # What is not drawn is rounded once from what was asked for, which may be no float32.
    assume(network.description.scheme is not SchemeName.IDENTITY)
    float32s = variant(network, dtype=DType.FLOAT32).plan.tensors
    for exact, rounded in zip(float32s, variant(network, dtype=dtype).plan.tensors, strict=True):
        expected = b"".join(map(ROUNDINGS[dtype], exact.whole().read(0, exact.elements)))
        assert rounded.whole().read(0, rounded.elements).tobytes() == expected
        assert rounded.byte_count == rounded.whole().byte_count == len(expected)


@pytest.mark.parametrize("distribution", ["normal", "truncated_normal", "uniform"])
@pytest.mark.parametrize(
    ("dtype", "std"), [("float32", "1e37"), ("float64", "1e37"), ("float16", "8000"), ("bfloat16", "1e37")]
)
def test_the_largest_std_of_a_dtype_does_not_overflow(dtype: str, std: str, distribution: str) -> None:
    query = f"layers=100,100&activation=relu&dtype={dtype}&distribution={distribution}&scheme=fixed&std={std}"
    values = network_from(query).plan.tensors[0].whole().read(0, 10_000).astype(np.float64)
    assert np.isfinite(values).all()
    assert values.std() == pytest.approx(float(std), rel=0.05)


def test_a_std_of_zero_draws_zeros_alone() -> None:
    values = network_from("layers=9,9&activation=relu&scheme=fixed&std=-0").plan.tensors[0].whole().read(0, 81)
    assert not values.any()


@given(dense_networks(), st.data())
def test_a_cut_is_the_block_of_these_rows_and_columns(network: DenseNetwork, data: st.DataObject) -> None:
    tensor = data.draw(st.sampled_from(network.plan.tensors), label="tensor")
    asked = [data.draw(st.none() | ranges(side)) for side in tensor.shape]
    block = tensor.cut(asked[0], asked[1] if len(asked) == 2 else None)
    index = tuple(slice(None) if cut is None else slice(cut.start, cut.stop) for cut in asked)
    expected = tensor.whole().read(0, tensor.elements).reshape(tensor.shape)[index]
    assert block.shape == expected.shape
    assert block.elements == expected.size
    assert block.byte_count == expected.nbytes
    assert block.read(0, block.elements).tobytes() == expected.tobytes()


@pytest.mark.parametrize(
    ("layout", "name", "rows", "columns", "field"),
    [
        ("in_out", "weight", range(6), None, "rows"),
        ("in_out", "weight", range(5, 6), None, "rows"),
        ("in_out", "weight", None, range(5), "columns"),
        ("out_in", "weight", range(5), None, "rows"),
        ("out_in", "weight", None, range(6), "columns"),
        ("in_out", "weight", range(9**9, 9**10), range(1), "rows"),
        ("in_out", "bias", range(5), None, "rows"),
        ("in_out", "bias", None, range(1), "columns"),
        ("in_out", "bias", range(1), range(1), "columns"),
    ],
)
def test_a_cut_outside_of_the_tensor_names_the_axis_at_fault(
    layout: str, name: str, rows: range | None, columns: range | None, field: str
) -> None:
    tensor = network_from(f"layers=5,4&activation=relu&layout={layout}").plan.tensor(f"layers.0.{name}")
    with pytest.raises(InvalidRequest) as refusal:
        tensor.cut(rows, columns)
    (error,) = refusal.value.errors
    cut = rows if field == "rows" else columns
    assert cut is not None
    assert (error.field, error.value) == (field, f"{cut.start}:{cut.stop}")


@pytest.mark.parametrize("layout", Layout)
def test_a_far_end_is_drawn_without_what_stands_before_it(layout: Layout) -> None:
    # 2**61 values of two bytes, nearly: only arithmetic in integers of 64 bits and more finds the last ones.
    query = f"layers=2147483647,1073741823&activation=relu&dtype=bfloat16&bias=none&layout={layout}"
    block = network_from(query).plan.tensors[0].whole()
    end = block.elements
    assert end == (2**31 - 1) * (2**30 - 1)
    tail = block.read(end - 9, end)
    assert tail.tobytes() == b"".join(block.read(at, at + 1).tobytes() for at in range(end - 9, end))
    assert np.unique(tail).size == 9
