import struct
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service import tensor as module
from service.errors import InvalidRequest
from service.numerics import interpreted, sampler
from service.numerics.dtypes import DType
from service.plan import Plan, plan_of
from service.spec import Layout
from service.tensor import Block, Tensor
from tests.bodies import cut_small
from tests.networks import LIMITS, plan_from, plans


@pytest.fixture(params=["as_shipped", "cut_small"], autouse=True, scope="module")
def _sizes(request: pytest.FixtureRequest) -> Iterator[None]:
    """State every law twice: as shipped, and with units and chunks so small that tensors are cut often."""
    if request.param == "as_shipped":
        yield
        return
    with cut_small(), pytest.MonkeyPatch.context() as patch:
        # Only the interpreted twin reads the sizes of its chunks at run time.
        patch.setattr(sampler, "fill_rows", interpreted.fill_rows)
        patch.setattr(interpreted, "LONG_RUN", 17)
        patch.setattr(interpreted, "BLOCKS_PER_CHUNK", 4)
        yield


def variant(plan: Plan, **changed: object) -> Plan:
    return plan_of(plan.network.model_copy(update=changed), plan.seed, LIMITS)


def matrix(tensor: Tensor) -> npt.NDArray[np.float32]:
    """Return all values of a tensor in the one order that the recipe numbers them in, by one fill."""
    values = np.zeros(tensor.elements, np.float32)
    if tensor.stream is None:
        return values.reshape(1, -1)
    tensor.stream.fill(values, 0)
    in_out = values.reshape(tensor.fan.inputs, tensor.fan.outputs)
    return in_out if tensor.layout is Layout.IN_OUT else in_out.T


def ranges(most: int) -> st.SearchStrategy[range]:
    bounds = st.tuples(st.integers(0, most), st.integers(0, most)).map(sorted)
    return bounds.filter(lambda pair: pair[0] < pair[1]).map(lambda pair: range(*pair))


@given(plans(dtypes=[DType.FLOAT32]), st.data())
def test_any_run_of_any_block_is_that_run_of_the_whole(plan: Plan, data: st.DataObject) -> None:
    tensor = data.draw(st.sampled_from(plan.tensors), label="tensor")
    whole = matrix(tensor)
    rows = data.draw(ranges(whole.shape[0]), label="rows")
    columns = data.draw(ranges(whole.shape[1]), label="columns")
    block = Block(tensor, rows, columns)
    expected = whole[rows.start : rows.stop, columns.start : columns.stop].reshape(-1)
    run = data.draw(ranges(block.elements), label="run")
    assert block.read(run.start, run.stop).tobytes() == expected[run.start : run.stop].tobytes()


@given(plans(), st.data())
def test_a_run_of_any_dtype_is_that_run_of_the_whole(plan: Plan, data: st.DataObject) -> None:
    tensor = data.draw(st.sampled_from(plan.tensors), label="tensor")
    run = data.draw(ranges(tensor.elements), label="run")
    whole = tensor.whole().read(0, tensor.elements)
    assert tensor.whole().read(run.start, run.stop).tobytes() == whole[run.start : run.stop].tobytes()


@given(plans())
def test_out_in_is_in_out_transposed_bit_for_bit(plan: Plan) -> None:
    pairs = zip(variant(plan, layout=Layout.IN_OUT).tensors, variant(plan, layout=Layout.OUT_IN).tensors, strict=True)
    for in_out, out_in in pairs:
        one = in_out.whole().read(0, in_out.elements).reshape(in_out.shape)
        other = out_in.whole().read(0, out_in.elements).reshape(out_in.shape)
        assert one.T.tobytes() == other.tobytes()


@given(plans(), st.data())
def test_units_tile_any_run_in_order(plan: Plan, data: st.DataObject) -> None:
    block = data.draw(st.sampled_from(plan.tensors), label="tensor").whole()
    run = data.draw(ranges(block.elements), label="run")
    units = list(block.units(run.start, run.stop))
    assert all(start < stop for start, stop in units)
    assert [start for start, _ in units] + [run.stop] == [run.start] + [stop for _, stop in units]


@given(plans(), st.data())
def test_no_unit_is_larger_than_its_limit(plan: Plan, data: st.DataObject) -> None:
    block = data.draw(st.sampled_from(plan.tensors), label="tensor").whole()
    most_bytes = module.PANEL_BYTES if plan.network.layout is Layout.OUT_IN else module.UNIT_BYTES
    size = block.byte_count // block.elements
    assert max(stop - start for start, stop in block.units(0, block.elements)) * size <= most_bytes


@given(plans(), st.data())
def test_the_units_of_a_run_are_cut_where_those_of_the_whole_are(plan: Plan, data: st.DataObject) -> None:
    block = data.draw(st.sampled_from(plan.tensors), label="tensor").whole()
    run = data.draw(ranges(block.elements), label="run")
    inside = {start for start, _ in block.units(0, block.elements) if run.start < start < run.stop}
    assert {start for start, _ in block.units(run.start, run.stop)} == inside | {run.start}


def test_a_run_without_elements_has_no_unit_and_no_values() -> None:
    block = plan_from("layers=5,4&activation=relu").tensors[0].whole()
    assert list(block.units(7, 7)) == []
    assert block.read(7, 7).shape == (0,)


def test_a_matrix_is_read_in_units_that_are_whole_rows_where_rows_fit() -> None:
    block = plan_from("layers=40,5&activation=relu").tensors[0].whole()
    assert all(start % 5 == 0 for start, _ in block.units(0, block.elements))


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
@given(plan=plans(widest=12))
def test_a_dtype_is_the_float32_value_rounded_to_even(dtype: DType, plan: Plan) -> None:
    float32s = variant(plan, dtype=DType.FLOAT32).tensors
    for exact, rounded in zip(float32s, variant(plan, dtype=dtype).tensors, strict=True):
        expected = b"".join(map(ROUNDINGS[dtype], exact.whole().read(0, exact.elements)))
        assert rounded.whole().read(0, rounded.elements).tobytes() == expected
        assert rounded.byte_count == rounded.whole().byte_count == len(expected)


@pytest.mark.parametrize("distribution", ["normal", "truncated_normal", "uniform"])
@pytest.mark.parametrize(
    ("dtype", "std"), [("float32", "1e37"), ("float64", "1e37"), ("float16", "8000"), ("bfloat16", "1e37")]
)
def test_the_largest_std_of_a_dtype_does_not_overflow(dtype: str, std: str, distribution: str) -> None:
    query = f"layers=100,100&activation=relu&dtype={dtype}&distribution={distribution}&scheme=fixed&std={std}"
    values = plan_from(query).tensors[0].whole().read(0, 10_000).astype(np.float64)
    assert np.isfinite(values).all()
    assert values.std() == pytest.approx(float(std), rel=0.05)


def test_a_std_of_zero_draws_zeros_alone() -> None:
    values = plan_from("layers=9,9&activation=relu&scheme=fixed&std=-0").tensors[0].whole().read(0, 81)
    assert not values.any()


@given(plans(), st.data())
def test_a_cut_is_the_block_of_these_rows_and_columns(plan: Plan, data: st.DataObject) -> None:
    tensor = data.draw(st.sampled_from(plan.tensors), label="tensor")
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
    tensor = plan_from(f"layers=5,4&activation=relu&layout={layout}").tensor(f"layers.0.{name}")
    with pytest.raises(InvalidRequest) as refusal:
        tensor.cut(rows, columns)
    (error,) = refusal.value.errors
    cut = rows if field == "rows" else columns
    assert cut is not None
    assert (error.field, error.value) == (field, f"{cut.start}:{cut.stop}")


@pytest.mark.parametrize("layout", Layout)
def test_a_far_end_is_drawn_without_what_stands_before_it(layout: Layout) -> None:
    # 2**62 values, nearly: only arithmetic in integers of 64 bits and more finds the last ones.
    query = f"layers=2147483647,2147483647&activation=relu&layout={layout}"
    block = plan_from(query).tensors[0].whole()
    end = block.elements
    assert end == (2**31 - 1) ** 2
    tail = block.read(end - 9, end)
    assert tail.tobytes() == b"".join(block.read(at, at + 1).tobytes() for at in range(end - 9, end))
    assert np.unique(tail).size == 9
