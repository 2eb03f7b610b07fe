"""What one tensor may not say, field by field, and its one spelling."""

import pytest

from service.describe.slices import slice_in_query, slice_text
from service.describe.tensor import path_of_name, query_of_tensor, tensor_in_query
from service.describe.url import parameters
from service.errors import InvalidRequest

REFUSED = [
    ("", "shape", "is required"),
    ("shape=0&scheme=zeros", "shape", "from 1 to 2147483647"),
    ("shape=3,0&scheme=zeros", "shape", "from 1 to 2147483647"),
    ("shape=03&scheme=zeros", "shape", "digits only"),
    ("shape=2147483648&scheme=zeros", "shape", "from 1 to 2147483647"),
    ("shape=1,1,1,1,1,1,1,1,1&scheme=zeros", "shape", "at most 8"),
    ("shape=2147483647,2147483647&scheme=zeros", "shape", "at most 9007199254740992 elements"),
    ("shape=3,3&axes=OX&scheme=he", "axes", "B, D, H, W, I, V, O"),
    ("shape=3,3&axes=HH&scheme=he", "axes", "at most once"),
    ("shape=3,3&axes=OIH&scheme=he", "axes", "each of the 2 axes"),
    ("shape=3,3&axes=oi&scheme=he", "axes", "a letter for each axis"),
    ("shape=3,3&scheme=he", "axes", "OI means fan_in 3"),
    ("shape=3,4&activation=tanh", "axes", "IO means fan_in 3, fan_out 4 and std 0.57735"),
    ("shape=3,3&axes=OI", "activation", "is required with scheme=auto"),
    ("shape=3,3&axes=OI&activation=swish", "activation", "relu"),
    ("shape=3,3&axes=OI&scheme=fixed", "std", "is required with scheme=fixed"),
    ("shape=3,3&axes=OI&scheme=fixed&std=-1", "std", "from 0 on"),
    ("shape=3,3&axes=OI&scheme=fixed&std=nan", "std", "finite number"),
    ("shape=3,3&axes=OI&scheme=fixed&std=1e999", "std", "finite number"),
    ("shape=3,3&axes=OI&scheme=fixed&std=1e38", "std", "over 1e+37"),
    ("shape=3,3&axes=OI&scheme=fixed&std=9000&dtype=float16", "std", "over 8000"),
    ("shape=3,3&axes=OI&scheme=fixed&std=1&gain=1e38", "gain", "over 1e+37"),
    ("shape=3,3&axes=OI&scheme=fixed&std=1&activation=relu", "activation", "has no effect with scheme=fixed"),
    ("shape=3,3&axes=OI&scheme=fixed&std=1&fan_in=3", "fan_in", "has no effect with scheme=fixed"),
    ("shape=3,3&axes=OI&scheme=he&activation=relu", "activation", "has no effect with scheme=he"),
    ("shape=3,3&axes=OI&scheme=he&fan_out=3", "fan_out", "has no effect with scheme=he"),
    ("shape=3,3&axes=OI&scheme=he&value=3", "value", "has no effect with scheme=he"),
    ("shape=3,3&axes=OI&scheme=he&fan_in=0", "fan_in", "from 1e-09 to 1e+18"),
    ("shape=3,3&axes=OI&scheme=framework_default&distribution=normal", "distribution", "has no effect"),
    ("shape=3,3&axes=OI&scheme=zeros", "axes", "has no effect with scheme=zeros"),
    ("shape=3&scheme=ones&distribution=normal", "distribution", "has no effect with scheme=ones"),
    ("shape=3&scheme=zeros&key=a", "key", "has no effect with scheme=zeros"),
    ("shape=3&scheme=constant", "value", "is required with scheme=constant"),
    ("shape=3&scheme=constant&value=0.5&dtype=int64", "value", "whole number"),
    ("shape=3&scheme=constant&value=9007199254740993&dtype=int64", "value", "to 9007199254740991"),
    ("shape=3&scheme=constant&value=256&dtype=uint8", "value", "from 0 to 255"),
    ("shape=3&scheme=constant&value=2&dtype=bool", "value", "from 0 to 1"),
    ("shape=3&scheme=constant&value=65505&dtype=float16", "value", "to 65504"),
    ("shape=3,3&axes=OI&scheme=he&dtype=int64", "dtype", "constants and tables only"),
    ("shape=3,3&axes=OI&scheme=he&cut=2", "cut", "has no effect without distribution=truncated_normal"),
    ("shape=3,3&axes=OI&scheme=he&distribution=truncated_normal&cut=2.1", "cut", "0.5, 1, 1.5, 2, 2.5, 3, 4, 5, 6"),
    ("shape=3,3&axes=OI&scheme=glorot&fan=in", "fan", "has no effect with scheme=glorot"),
    ("shape=3,3&axes=OI&scheme=he&fan=out&fan_in=4", "fan_in", "has no effect with scheme=he"),
    ("shape=3,3&axes=OI&scheme=he&slope=0.2", "slope", "has no effect with scheme=he"),
    ("shape=3,3&axes=OI&scheme=variance_preserving", "activation", "is required"),
    ("shape=3,3&axes=OI&scheme=variance_preserving&activation=relu&slope=0.2", "slope", "activation=leaky_relu"),
    ("shape=3,3&axes=OI&scheme=variance_preserving&activation=relu&alpha=2", "alpha", "activation=elu"),
    ("shape=3,3&axes=OI&activation=leaky_relu&slope=0.2", "slope", "has no effect with scheme=auto"),
    ("shape=3,3&scheme=orthogonal", "axes", "rows and columns"),
    ("shape=3&scheme=orthogonal", "axes", "at least two axes"),
    ("shape=3,3&axes=OI&scheme=orthogonal&distribution=uniform", "distribution", "has no effect"),
    ("shape=3,3&axes=OI&scheme=orthogonal&dtype=int32", "dtype", "float type"),
    ("shape=3,3&axes=OI&scheme=orthogonal&gain=1e5&dtype=float16", "gain", "overflows"),
    ("shape=6,2&axes=OI&scheme=orthogonal&groups=4", "groups", "must divide the 6 outputs"),
    ("shape=2,3,2&axes=OOI&scheme=orthogonal&groups=3", "groups", "first axis"),
    ("shape=3,3&axes=OI&scheme=delta_orthogonal", "scheme", "needs a kernel axis"),
    ("shape=3,4,3&axes=OIW&scheme=delta_orthogonal", "scheme", "no more inputs than outputs"),
    ("shape=3,3&axes=OI&scheme=identity&key=a", "key", "has no effect"),
    ("shape=3,3&axes=OI&scheme=identity&gain=0.5&dtype=int32", "gain", "whole number"),
    ("shape=8&scheme=constant&parts=a,b&value=1", "parts", "has no effect without part_values"),
    ("shape=8&scheme=constant&parts=a,b&part_values=1,2,3", "part_values", "for each of the parts"),
    ("shape=8&scheme=constant&parts=a,b&part_values=1,2&value=1", "value", "must be left out"),
    ("shape=8&scheme=constant&parts=a,b&part_values=1,x", "part_values", "finite number"),
    ("shape=8&scheme=constant&parts=a,b&part_values=1,0.5&dtype=int32", "part_values", "whole number"),
    ("shape=9&scheme=constant&parts=a,b&part_values=1,2", "parts", "equal parts"),
    ("shape=&scheme=arange", "scheme", "scalar"),
    ("shape=257&scheme=arange&dtype=uint8", "dtype", "up to 256"),
    ("shape=3&scheme=arange&axes=O", "axes", "has no effect with scheme=arange"),
    ("shape=3&scheme=he", "scheme", "constant, zeros or ones"),
    ("shape=&activation=relu", "scheme", "come with fan_in"),
    ("shape=3&scheme=glorot&fan_in=4", "scheme", "come with fan_in and fan_out"),
    ("shape=6,4&axes=OI&scheme=he&groups=0", "groups", "from 1 to"),
    ("shape=6,4&axes=OI&scheme=he&groups=4", "groups", "must divide the 6 outputs"),
    ("shape=6,2,4&axes=IOW&scheme=he&groups=4&transposed_stride=2", "groups", "must divide the 6 inputs"),
    ("shape=6&scheme=fixed&std=1&groups=2", "groups", "fewer than two axes"),
    ("shape=6,4&scheme=fixed&std=1&groups=2", "groups", "needs axes"),
    ("shape=6,4&axes=IO&scheme=he&transposed_stride=1", "transposed_stride", "at least one: D, H, W"),
    ("shape=6,4,3&axes=IOW&scheme=he&transposed_stride=1,1", "transposed_stride", "one for each kernel axis"),
    ("shape=6,4,3&axes=IOW&scheme=he&transposed_stride=", "transposed_stride", "must not be empty"),
    ("shape=6,4,3&axes=IOW&scheme=he&transposed_stride=0", "transposed_stride", "from 1 to"),
    ("shape=6,4&axes=OI&scheme=he&parts=q,k,v,w", "parts", "must divide the 6 outputs into equal parts"),
    ("shape=6,4&axes=OI&scheme=he&parts=q,q", "parts", "different names"),
    ("shape=6,4&axes=OI&scheme=he&parts=", "parts", "1 to 256 names"),
    ("shape=6,4&axes=OI&scheme=he&parts=a%23b", "parts", "letters, digits"),
    ("shape=6,4&axes=VI&scheme=fixed&std=1&parts=a,b", "parts", "needs axes with an O"),
    ("shape=6,4&scheme=fixed&std=1&parts=a,b", "parts", "needs axes with an O"),
    ("shape=6,4&axes=OI&scheme=he&part_sizes=3,3", "part_sizes", "goes with parts"),
    ("shape=6,4&axes=OI&scheme=he&parts=q,k&part_sizes=3,2", "part_sizes", "6 together"),
    ("shape=6,4&axes=OI&scheme=he&parts=q,k&part_sizes=6", "part_sizes", "a size for each of the 2 parts"),
    ("shape=6,4&axes=OI&scheme=he&parts=q,k&part_sizes=6,0", "part_sizes", "from 1 to"),
    ("shape=6,4&axes=OI&scheme=he&parts=q,k&groups=2", "groups", "must divide the 3 outputs of each part"),
    ("shape=6,4&axes=OI&scheme=he&key=", "key", "not empty"),
    ("shape=6,4&axes=OI&scheme=he&copy_key=%24b", "copy_key", "needs axes with a B"),
    ("shape=6,4&axes=BO&scheme=he&copy_key=b", "copy_key", "$b where the number"),
    ("shape=6,4&axes=BO&scheme=he&copy_key=%24b&key=a", "key", "must be left out"),
    ("shape=3&scheme=zeros&dtype=int16", "dtype", "float32"),
    ("shape=3&scheme=sparse", "scheme", "auto, xavier"),
    ("shape=3&scheme=zeros&seed=-1", "seed", "from 0 to 9007199254740991"),
    ("shape=3&scheme=zeros&recipe=2", "recipe", "from 1 to 1"),
    ("shape=3&scheme=zeros&layout=in_out", "layout", "is unknown; known are shape, axes"),
]


@pytest.mark.parametrize(("query", "field", "message"), REFUSED, ids=[query for query, _, _ in REFUSED])
def test_what_cannot_be_is_refused_with_its_field_and_what_is_allowed(query: str, field: str, message: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        tensor_in_query("w", parameters(query))
    assert field in [error.field for error in refusal.value.errors]
    assert message in " ".join(error.message for error in refusal.value.errors if error.field == field)


@pytest.mark.parametrize(
    "name",
    ["", "/", "a/", "/a", "a//b", ".", "..", "a/../b", "a/.", "__a", "a/__b", "a\nb", "a\x7f", "a\x85", "é" * 257],
)
def test_names_that_no_file_or_path_can_have_are_refused(name: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        tensor_in_query(name, {"shape": "3", "scheme": "zeros"})
    assert [error.field for error in refusal.value.errors] == ["name"]


@pytest.mark.parametrize("name", ["a/b", "層.0", "a b", "a#b", "a..b", "x__", "é" * 256])
def test_other_names_are_not(name: str) -> None:
    assert tensor_in_query(name, {"shape": "3", "scheme": "zeros"}).tensor.name == name


CANONICAL = {
    "seed=7&shape=64,3,7,7&axes=OIHW&activation=relu&scheme=auto&groups=1&gain=1&distribution=normal&dtype=float32":
        "activation=relu&seed=7&shape=64,3,7,7&axes=OIHW",
    "shape=9&axes=O&scheme=fixed&std=2.0e-2&seed=7&key=w": "scheme=fixed&std=0.02&seed=7&shape=9",
    "shape=&scheme=constant&value=-0&seed=7&recipe=1": "scheme=zeros&seed=7&shape=",
    "shape=3,4&axes=OI&scheme=fixed&std=1&distribution=truncated_normal&cut=2.0&cut_std=before&seed=7":
        "scheme=fixed&distribution=truncated_normal&std=1&seed=7&shape=3,4&axes=OI&cut_std=before",
    "shape=3,4&axes=OI&scheme=he&distribution=truncated_normal&cut=2.50&cut_std=after&fan=in&seed=7":
        "scheme=he&distribution=truncated_normal&seed=7&shape=3,4&axes=OI&cut=2.5",
    "shape=3,4&axes=OI&scheme=variance_preserving&activation=leaky_relu&slope=1e-2&fan=geometric&seed=7":
        "activation=leaky_relu&scheme=variance_preserving&seed=7&shape=3,4&axes=OI&fan=geometric",
    "shape=8&scheme=constant&parts=i,f&part_values=0,1.50&seed=7":
        "scheme=constant&seed=7&shape=8&parts=i,f&part_values=0,1.5",
    "shape=3,4&axes=OI&scheme=orthogonal&gain=2.0&seed=7": "scheme=orthogonal&seed=7&shape=3,4&axes=OI&gain=2",
    "shape=3&scheme=constant&value=1.0&dtype=int64&seed=7": "scheme=ones&dtype=int64&seed=7&shape=3",
    "shape=4,4,3,3&axes=IOHW&scheme=he&transposed_stride=2,2&seed=7":
        "scheme=he&seed=7&shape=4,4,3,3&axes=IOHW&transposed_stride=2",
    "shape=6,2&axes=OI&scheme=he&parts=q,k&part_sizes=3,3&seed=7": "scheme=he&seed=7&shape=6,2&axes=OI&parts=q,k",
    "shape=3&scheme=framework_default&fan_in=1e3&key=a%2Fb&seed=7":
        "scheme=framework_default&seed=7&shape=3&fan_in=1000&key=a%2Fb",
}  # fmt: skip


@pytest.mark.parametrize("query", CANONICAL)
def test_a_tensor_has_one_spelling(query: str) -> None:
    assert query_of_tensor(tensor_in_query("w", parameters(query)).tensor, 7) == CANONICAL[query]


def test_a_name_is_encoded_once_in_a_path() -> None:
    assert path_of_name("a/b c#d%2F") == "a/b%20c%23d%252F"


SLICES = [
    ("0:4", "whole axis as :"),
    ("1:1", "hold something"),
    ("2:5", "within 0:4"),
    ("1", "a:b"),
    ("-1:2", "a:b"),
    ("0:2:1", "a:b"),
    ("01:2", "a:b"),
    ("", "a:b"),
    (":,:", "each of the 1 axes"),
]


@pytest.mark.parametrize(("text", "message"), SLICES)
def test_slices_of_any_other_spelling_are_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        slice_in_query(text, (4,))
    assert message in refusal.value.errors[0].message


def test_a_scalar_has_no_slice() -> None:
    with pytest.raises(InvalidRequest) as refusal:
        slice_in_query(":", ())
    assert refusal.value.errors[0].message == "does not apply to a scalar"


def test_a_slice_is_read_and_written_alike() -> None:
    ranges = slice_in_query("0:8,:,2:3", (64, 3, 7))
    assert ranges == (range(8), range(3), range(2, 3))
    assert slice_text(ranges, (64, 3, 7)) == "0:8,:,2:3"
    assert slice_text(slice_in_query(":,:", (2, 3)), (2, 3)) == ""
