"""Tensors of any axes against the recipe written out one element at a time."""

from collections.abc import Mapping
from itertools import permutations, product
from math import prod, sqrt

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.describe.tensor import query_of_tensor, tensor_in_query
from service.describe.url import parameters
from service.tensors.build import build
from service.tensors.tensor import Tensor
from tests.numerics.recipe import recipe_by_hand

# The canonical order, written once more.
ORDER = "BDHWIVO"


def tensor(name: str, query: str) -> Tensor:
    asked = tensor_in_query(name, parameters(query))
    assert asked.seed is not None
    return build(asked.tensor, asked.seed)


def values(name: str, query: str) -> npt.NDArray[np.float32]:
    made = tensor(name, query)
    return made.whole().read(0, made.elements).reshape(made.shape)


def by_hand(key: str, shape: tuple[int, ...], axes: str, seed: int, std: float, distribution: str) -> list[int]:  # noqa: PLR0917
    """Return the bits of each element, in the file's order."""
    words, element = recipe_by_hand.key(seed, key), recipe_by_hand.DISTRIBUTIONS[distribution]
    # I and V stand at one place; sorting keeps the file's order of equals.
    canonical = sorted(range(len(axes)), key=lambda axis: ORDER.replace("V", "I").index(axes[axis].replace("V", "I")))
    bits = []
    for place in product(*map(range, shape)):
        number = 0
        for axis in canonical:
            number = number * shape[axis] + place[axis]
        bits.append(recipe_by_hand.bits(element(words, number, std)))
    return bits


@pytest.mark.parametrize("distribution", ["normal", "uniform", "truncated_normal"])
@pytest.mark.parametrize(
    ("name", "axes", "shape"),
    [
        ("conv1.weight", "OIHW", (5, 3, 2, 2)),
        ("blocks/0/層", "HWIO", (2, 3, 2, 5)),
        ("up.weight", "IOW", (4, 3, 3)),
        ("attn/query/kernel", "IOO", (3, 2, 4)),
        ("experts", "BOI", (3, 4, 2)),
        ("wte", "VO", (7, 3)),
        ("odd", "OWBIHD", (2, 3, 2, 2, 1, 3)),
        ("two inputs", "IOI", (2, 3, 4)),
        ("bias", "O", (9,)),
        ("scale", "", ()),
    ],
)
def test_elements_are_those_of_the_recipe(name: str, axes: str, shape: tuple[int, ...], distribution: str) -> None:
    sides = ",".join(map(str, shape))
    query = f"shape={sides}&axes={axes}&scheme=fixed&std=0.07&distribution={distribution}&seed=77"
    drawn = values(name, query)
    assert drawn.view(np.uint32).reshape(-1).tolist() == by_hand(name, shape, axes, 77, 0.07, distribution)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "float64"])
@pytest.mark.parametrize(("axes", "shape"), [("OIHW", (40, 7, 3, 3)), ("BOI", (3, 30, 20)), ("IOOW", (9, 4, 33, 2))])
def test_every_layout_is_a_permutation_of_every_other(axes: str, shape: tuple[int, ...], dtype: str) -> None:
    def drawn(order: tuple[int, ...]) -> npt.NDArray[np.float32]:
        letters, sides = "".join(axes[a] for a in order), ",".join(str(shape[a]) for a in order)
        return values("w", f"shape={sides}&axes={letters}&activation=relu&dtype={dtype}&seed=5")

    first = drawn(tuple(range(len(axes))))
    for order in permutations(range(len(axes))):
        # Two axes of one letter are told apart by the file's order alone.
        if [a for a in order if axes[a] == "O"] == [a for a in range(len(axes)) if axes[a] == "O"]:
            assert drawn(order).tobytes() == first.transpose(order).tobytes()


@pytest.mark.parametrize(
    ("axes", "shape"), [("OI", (12, 5)), ("IO", (5, 12)), ("IOO", (5, 12, 3)), ("OIW", (12, 5, 3))]
)
@pytest.mark.parametrize("sizes", [None, (6, 4, 2)])
@pytest.mark.parametrize("scheme", ["glorot", "framework_default"])
def test_a_fused_tensor_is_its_separate_parts(
    axes: str, shape: tuple[int, ...], sizes: tuple[int, ...] | None, scheme: str
) -> None:
    axis = axes.index("O")
    query = f"axes={axes}&scheme={scheme}&seed=3"
    sides = ",".join(map(str, shape))
    said = "" if sizes is None else f"&part_sizes={','.join(map(str, sizes))}"
    fused = values("in_proj", f"shape={sides}&{query}&parts=q,k,v{said}")
    separate = []
    for part, size in zip("qkv", sizes or (4, 4, 4), strict=True):
        side = ",".join(map(str, (*shape[:axis], size, *shape[axis + 1 :])))
        separate.append(values("other", f"shape={side}&{query}&key=in_proj%23{part}"))
    assert fused.tobytes() == np.concatenate(separate, axis).tobytes()


def test_copies_with_keys_of_their_own_are_separate_tensors() -> None:
    stacked = values("experts", "shape=4,3,6&axes=BIO&activation=relu&parts=gate,up&copy_key=experts.%24b.w&seed=9")
    for copy in range(4):
        single = values("x", f"shape=3,6&axes=IO&activation=relu&parts=gate,up&key=experts.{copy}.w&seed=9")
        assert stacked[copy].tobytes() == single.tobytes()


def test_copies_on_two_axes_are_counted_in_c_order() -> None:
    stacked = values("s", "shape=2,5,3&axes=BOB&scheme=fixed&std=1&copy_key=%24b&seed=9")
    for first, second in product(range(2), range(3)):
        single = values("x", f"shape=5&scheme=fixed&std=1&key={first * 3 + second}&seed=9")
        assert stacked[first, :, second].tobytes() == single.tobytes()


QUERIES: Mapping[str, str] = {
    "kernel": "shape=8,6,3,2&axes=OIHW&activation=tanh&seed=1",
    "parts": "shape=12,6&axes=OI&scheme=glorot&parts=a,b,c&part_sizes=2,7,3&seed=1",
    "copies": "shape=3,4,5&axes=BIO&scheme=he&copy_key=%24b&seed=1",
    "long output": "shape=3,900&axes=OI&scheme=he&seed=1",
}


@pytest.mark.parametrize("kind", QUERIES)
@settings(max_examples=25)
@given(data=st.data())
def test_any_run_of_any_slice_is_that_of_the_whole(kind: str, data: st.DataObject) -> None:
    made = tensor("w", QUERIES[kind])
    whole = made.whole().read(0, made.elements).reshape(made.shape)
    bounds = [
        data.draw(st.lists(st.integers(0, side), min_size=2, max_size=2, unique=True).map(sorted))
        for side in made.shape
    ]
    ranges = tuple(range(*pair) for pair in bounds)
    part = made.part(ranges)
    expected = whole[tuple(slice(*pair) for pair in bounds)].reshape(-1)
    start = data.draw(st.integers(0, part.elements - 1))
    stop = data.draw(st.integers(start + 1, part.elements))
    assert part.read(start, stop).tobytes() == expected[start:stop].tobytes()


@pytest.mark.parametrize(
    ("query", "std"),
    [
        ("shape=64,3,7,7&axes=OIHW&activation=relu", sqrt(2 / 147)),
        ("shape=64,3,7,7&axes=OIHW&activation=tanh&gain=0.5", sqrt(1 / 147) * 0.5),
        ("shape=6,2,4&axes=IOW&scheme=xavier&groups=2&transposed_stride=2", sqrt(1 / 6)),
        ("shape=5,2,3&axes=IOW&scheme=he&transposed_stride=2", sqrt(2 * 2 / 15)),
        ("shape=10&scheme=framework_default&fan_in=20", sqrt(1 / 60)),
        ("shape=10,10&axes=OI&scheme=glorot&fan_in=30&fan_out=20", sqrt(2 / 50)),
    ],
)
def test_the_spread_is_its_closed_form(query: str, std: float) -> None:
    assert tensor("w", f"{query}&seed=1").initializer.choice.std == std


def test_framework_default_is_uniform_within_its_bound() -> None:
    drawn = values("w", "shape=500,100&axes=OI&scheme=framework_default&seed=1")
    assert np.abs(drawn).max() <= np.float32(0.1)
    assert np.abs(drawn).max() > 0.0999


@pytest.mark.parametrize(
    ("dtype", "value", "bits"),
    [
        ("float32", "0.1", "cdcccc3d"),
        ("float64", "0.1", "9a9999999999b93f"),
        ("float16", "0.1", "662e"),
        # Halfway between two bfloat16, but for a little that float32 does not hold: 1.00390625 + 2**-40.
        ("bfloat16", "1.0039062500009095", "813f"),
        ("bfloat16", "1.00390625", "803f"),
        ("int64", "-9007199254740991", "010000000000e0ff"),
        ("int32", "-2147483648", "00000080"),
        ("uint8", "255", "ff"),
        ("bool", "1", "01"),
    ],
)
def test_a_constant_is_rounded_once(dtype: str, value: str, bits: str) -> None:
    made = tensor("c", f"shape=3&scheme=constant&value={value}&dtype={dtype}&seed=1")
    assert made.whole().read(0, 3).tobytes().hex() == bits * 3
    assert made.byte_count == 3 * len(bits) // 2


@pytest.mark.parametrize("kind", QUERIES)
def test_the_canonical_query_gives_the_same_bytes(kind: str) -> None:
    asked = tensor_in_query("w", parameters(QUERIES[kind]))
    canonical = query_of_tensor(asked.tensor, 1)
    again = tensor_in_query("w", parameters(canonical))
    assert again.tensor == asked.tensor
    assert query_of_tensor(again.tensor, 1) == canonical


def test_the_ends_of_ten_billion_elements_need_no_others() -> None:
    made = tensor("huge", "shape=20000,500000,1,1&axes=OIHW&activation=relu&dtype=float32&seed=1").whole()
    assert made.elements == prod((20000, 500000))
    units = made.units(made.elements - 256, made.elements)
    assert [stop - start for start, stop, *_ in units] == [256]
    last = made.read(made.elements - 1, made.elements)
    number = made.elements - 1
    expected = recipe_by_hand.normal(recipe_by_hand.key(1, "huge"), number, sqrt(2 / 500000))
    assert last.view(np.uint32).tolist() == [recipe_by_hand.bits(expected)]
