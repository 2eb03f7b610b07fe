"""Matrices and tables as clients ask for them: against separate tensors, other layouts, and by hand."""

from random import Random

import numpy as np
import pytest

from service.files.body.pieces import Piece
from service.files.json_text import JsonText
from service.files.npy import box_as_npy
from service.files.npz.write import plan_as_npz
from service.files.raw import box_as_raw
from service.initializers.drawn_panels import OVERHEAD_BYTES
from service.initializers.orthogonal import KEPT
from service.tensors.plan import Plan
from tests.bodies import cut_small, whole, whole_out_of_order
from tests.tensors.test_build import tensor, values

# Both ways through Q, kernels, groups, parts and copies, in the order of the file and against it.
QUERIES = [
    "shape=300,200&axes=IO", "shape=200,300&axes=IO", "shape=300,200&axes=OI", "shape=200,300&axes=OI",
    "shape=3,3,20,40&axes=HWIO", "shape=40,20,3,3&axes=OIHW", "shape=40,10,3,3&axes=OIHW&groups=2",
    "shape=10,20,4,4&axes=IOHW&transposed_stride=2", "shape=20,5,4,4&axes=IOHW&transposed_stride=2&groups=4",
    "shape=96,24&axes=OI&parts=q,k,v", "shape=24,96&axes=IO&parts=q,k,v",
    "shape=24,96&axes=IO&parts=q,k&part_sizes=90,6", "shape=96,80&axes=OI&parts=q,k&part_sizes=90,6",
    "shape=5,24,32&axes=BOI", "shape=5,24,32&axes=BIO", "shape=24,5,32&axes=IBO",
    "shape=4,24,32&axes=BOI&copy_key=e.$b", "shape=24,4,32&axes=OBI&copy_key=e.$b",
    "shape=3,32,96&axes=BIO&parts=q,k,v&copy_key=e.$b", "shape=3,96,32&axes=BOI&parts=q,k,v", "shape=300,7&axes=VO",
    "shape=24,4,6&axes=IOO",
]  # fmt: skip


DELTA_QUERIES = [
    "shape=3,20,40&axes=WIO", "shape=3,40,20&axes=WOI", "shape=40,20,3,4&axes=OIHW", "shape=20,4,3,40&axes=IHWO",
    "shape=40,10,3,3&axes=OIHW&groups=2", "shape=10,20,4,4&axes=IOHW&transposed_stride=2",
    "shape=96,24,3&axes=OIW&parts=q,k,v", "shape=3,5,24,32&axes=WBIO", "shape=5,32,24,2&axes=BOIW&copy_key=e.$b",
]  # fmt: skip
IDENTITY_QUERIES = [query for query in [*QUERIES, *DELTA_QUERIES] if "copy_key" not in query]
CASES = [
    *(f"{query}&scheme=orthogonal" for query in [*QUERIES, *DELTA_QUERIES]),
    *(f"{query}&scheme=delta_orthogonal" for query in DELTA_QUERIES),
    *(f"{query}&scheme=identity" for query in IDENTITY_QUERIES),
]


@pytest.mark.parametrize("query", CASES)
def test_files_in_any_order_of_pieces_are_the_whole_drawn_at_once(query: str) -> None:
    made = tensor("a", f"{query}&seed=3")
    expected = made.whole().read(0, made.elements).tobytes()
    with cut_small():
        assert whole_out_of_order(box_as_raw(made.whole()), Random(1)) == expected
        assert whole(box_as_raw(made.whole()).cut(101, len(expected) - 99)) == expected[101:-99]


@pytest.mark.parametrize("query", CASES)
def test_a_slice_is_that_of_the_whole(query: str) -> None:
    made = tensor("a", f"{query}&seed=3")
    ranges = tuple(range(side // 3, side - side // 4) for side in made.shape)
    expected = values("a", f"{query}&seed=3")[tuple(slice(r.start, r.stop) for r in ranges)]
    assert whole(box_as_raw(made.part(ranges))) == expected.tobytes()


def test_parts_and_copies_are_the_separate_tensors() -> None:
    fused = values("a", "shape=3,96,32&axes=BOI&parts=q,k,v&copy_key=e.$b&scheme=orthogonal&gain=2&seed=3")
    for copy in range(3):
        for number, part in enumerate("qkv"):
            alone = values("x", f"shape=32,32&axes=OI&scheme=orthogonal&gain=2&seed=3&key=e.{copy}%23{part}")
            assert fused[copy, 32 * number : 32 * (number + 1)].tobytes() == alone.tobytes()


@pytest.mark.parametrize(
    ("query", "axes", "side"),
    [("shape=40,30&axes=IO", (0, 1), 30), ("shape=30,40&axes=IO", (0, 1), 30), ("shape=40,30&axes=OI", (1, 0), 30)],
)
def test_columns_or_rows_are_orthonormal_times_the_gain(query: str, axes: tuple[int, int], side: int) -> None:
    matrix = values("a", f"{query}&scheme=orthogonal&gain=3&seed=5").transpose(axes).astype(np.float64)
    square = matrix.T @ matrix if matrix.shape[0] >= matrix.shape[1] else matrix @ matrix.T
    assert np.abs(square - 9 * np.eye(side)).max() < 9 * 4e-7


def test_std_of_a_plan_is_that_of_the_values() -> None:
    for query in (
        "shape=40,30&axes=IO&scheme=orthogonal&gain=3",
        "shape=40,30,3,4&axes=OIHW&scheme=identity&gain=3",
        "shape=12,4,3,3&axes=OIHW&groups=2&scheme=identity",
        "shape=3,5,40,30&axes=HWOI&scheme=delta_orthogonal",
        "shape=2,9&scheme=arange",
    ):
        made, found = tensor("a", f"{query}&seed=1"), values("a", f"{query}&seed=1").astype(np.float64)
        expected = found.std() if "orthogonal" not in query else np.sqrt((found**2).mean())
        # An orthogonal matrix has one root mean square, whatever was drawn.
        assert made.initializer.choice.std == pytest.approx(expected, rel=1e-6), query


def test_delta_orthogonal_is_the_matrix_at_the_centre() -> None:
    kernel = values("a", "shape=40,30,3,4&axes=OIHW&scheme=delta_orthogonal&seed=5")
    alone = values("a", "shape=40,30&axes=OI&scheme=orthogonal&seed=5")
    assert kernel[:, :, 1, 1].tobytes() == alone.tobytes()
    kernel[:, :, 1, 1] = 0
    assert not kernel.any()


def test_identity_passes_on_each_channel_of_its_group() -> None:
    kernel = values("a", "shape=6,2,3,4&axes=OIHW&groups=3&scheme=identity&gain=7&dtype=int32&seed=5")
    expected = np.zeros((6, 2, 3, 4), np.int32)
    for group in range(3):
        for channel in range(2):
            expected[2 * group + channel, channel, 1, 1] = 7
    assert kernel.tobytes() == expected.tobytes()


def test_arange_is_the_index_along_the_last_axis() -> None:
    assert values("ids", "shape=2,300&scheme=arange&dtype=int64&seed=5").tolist() == [list(range(300))] * 2


def test_each_part_has_its_own_value() -> None:
    found = values("bias", "shape=8&scheme=constant&parts=i,f,o&part_sizes=2,5,1&part_values=0,1,-2&seed=5")
    assert found.tolist() == [0, 0, 1, 1, 1, 1, 1, -2]


def test_pieces_that_share_panels_wait_for_them() -> None:
    body = box_as_npy(tensor("a", "shape=600,600&axes=IO&scheme=orthogonal&seed=6").whole())
    pieces = [piece for piece in body.pieces() if isinstance(piece, Piece)]
    header, *drawings, first, second = pieces[:8]
    # Panels have 128 columns.
    assert [piece.buffer_bytes for piece in (header, *drawings)] == [128, 0, 0, 0, 0, 0]
    assert [piece.after_all_before for piece in pieces[:8]] == [False] * 6 + [True, False]
    assert first.elements + second.elements == 600 * 600
    # Drawing a panel takes it as float64.
    assert [piece.work_bytes for piece in drawings] == [8 * 600 * 128] * 5


def test_units_of_whole_columns_need_no_others() -> None:
    units = tensor("a", "shape=600,600&axes=OI&scheme=orthogonal&seed=6").whole().units(0, 360_000)
    assert [(stop - start, panels) for start, stop, panels, _ in units] == [(128 * 600, ())] * 4 + [(88 * 600, ())]


def test_archives_and_json_hold_the_same_values() -> None:
    made = tensor("a", "shape=200,150&axes=IO&scheme=orthogonal&seed=6")
    expected = made.whole().read(0, made.elements)
    text = JsonText(made.elements, lambda: iter([b"[", made.whole(), b"]"]))
    assert np.array_equal(np.array(eval(whole_out_of_order(text, Random(2))), np.float32), expected)
    assert expected.tobytes() in whole_out_of_order(plan_as_npz(Plan((made,))), Random(3))


def test_memory_is_that_of_the_panels_and_of_drawing_one() -> None:
    def drawing_bytes(query: str) -> int:
        return tensor("a", f"{query}&seed=1").whole().drawing_bytes

    panel = 8 * 1000 * 128
    kept = 4 * 1000 * 800 + 7 * OVERHEAD_BYTES
    assert drawing_bytes("shape=1000,800&axes=OI&scheme=he") == 0
    assert drawing_bytes("shape=800,1000&axes=OI&scheme=orthogonal") == panel
    assert drawing_bytes("shape=1000,800&axes=IO&scheme=orthogonal") == kept + panel
    assert drawing_bytes("shape=2400,1000&axes=OI&parts=q,k,v&scheme=orthogonal") == panel
    assert drawing_bytes("shape=1000,2400&axes=IO&parts=q,k,v&scheme=orthogonal") == 3 * (kept + panel)


def test_panels_that_were_drawn_for_one_slice_are_found_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    made = tensor("a", "shape=300,300&axes=IO&scheme=orthogonal&seed=8")
    whole(box_as_raw(made.part((range(9), range(300)))))
    kept = KEPT.bytes_kept

    def draw(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("service.initializers.orthogonal.backend.draw_columns", draw)
    expected = values("a", "shape=300,300&axes=IO&scheme=orthogonal&seed=8")
    assert whole(box_as_raw(made.part((range(100, 120), range(300))))) == expected[100:120].tobytes()
    assert KEPT.bytes_kept == kept


def test_nothing_is_left_to_a_library_of_linear_algebra(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError

    for name in np.linalg.__all__:
        if callable(getattr(np.linalg, name)) and name != "LinAlgError":
            monkeypatch.setattr(np.linalg, name, refuse)
    matrix = values("a", "shape=40,30&axes=IO&scheme=orthogonal&seed=9")
    assert np.abs(np.einsum("ij,ik->jk", matrix.astype(np.float64), matrix) - np.eye(30)).max() < 4e-7
