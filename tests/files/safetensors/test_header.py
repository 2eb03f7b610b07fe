"""Headers of safetensors files alone: read as the library writes them, refused where they lie."""

import json
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import safetensors.numpy

from service.errors import InvalidRequest, TooLarge
from service.files.safetensors.header import Declared, tensors_of_header
from service.numerics.dtypes import TensorDType

MOST = 100_000


def beginning(header: object) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text


def entry(dtype: str = "F32", shape: tuple[int, ...] = (2,), start: int = 0, stop: int = 8) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": (start, stop)}


def test_a_header_that_the_library_wrote_is_read_in_the_order_of_the_values() -> None:
    arrays: dict[str, npt.NDArray[Any]] = {
        "b": np.zeros((2, 3), np.float32),
        "a": np.zeros((), np.int64),
        "c": np.zeros(5, np.bool_),
    }
    body = safetensors.numpy.save(arrays, {"format": "pt"})
    end = 8 + int.from_bytes(body[:8], "little")
    read = tensors_of_header(body[: end + 3], MOST)
    assert [tensor.start for tensor in read] == sorted(tensor.start for tensor in read)
    assert {(tensor.name, tensor.shape, tensor.dtype) for tensor in read} == {
        ("b", (2, 3), "float32"),
        ("a", (), "int64"),
        ("c", (5,), "bool"),
    }


def test_order_is_that_of_the_offsets() -> None:
    read = tensors_of_header(beginning({"late": entry(start=8, stop=16), "early": entry()}), MOST)
    assert read[0] == Declared("early", (2,), TensorDType.FLOAT32, 0, 8)
    assert [tensor.name for tensor in read] == ["early", "late"]


LIES = {
    "overlap": ({"a": entry(), "b": entry(start=4, stop=12)}, "b", "overlap"),
    "hole": ({"a": entry(), "b": entry(start=9, stop=17)}, "b", "hole"),
    "size": ({"a": entry(stop=9)}, "a", "8 bytes apart"),
    "backwards": ({"a": entry(start=8, stop=0)}, "a", "data_offsets"),
    "more keys": ({"a": {**entry(), "more": 1}}, "a", "nothing else"),
    "empty tensor": ({"a": entry(shape=(0,), stop=0)}, "a", "from 1"),
    "metadata": ({"__metadata__": {"a": 1}}, "body", "object of texts"),
    "list": ([], "body", "JSON object"),
    "not JSON": (b"{", "body", "JSON object"),
    "space first": (b" {}", "body", "JSON object"),
    "not UTF-8": (b'{"\xff": 1}', "body", "JSON object"),
    "repeated": (b'{"a": 1, "a": 2}', "body", "repeat"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_header_that_lies_is_refused(lie: str) -> None:
    header, field, message = LIES[lie]
    with pytest.raises(InvalidRequest) as refusal:
        tensors_of_header(beginning(header), MOST)
    assert refusal.value.errors[0].field == field
    assert message in refusal.value.errors[0].message


def test_all_tensors_of_types_that_are_not_made_are_named() -> None:
    header = {"a": entry("F8_E4M3", stop=2), "b": entry(start=2, stop=10), "c": entry("I16", start=10, stop=14)}
    with pytest.raises(InvalidRequest) as refusal:
        tensors_of_header(beginning(header), MOST)
    assert [(error.field, error.value) for error in refusal.value.errors] == [("a", "F8_E4M3"), ("c", "I16")]


@pytest.mark.parametrize(("body", "message"), [(b"\x02\0\0", "8 bytes"), (beginning({})[:-1], "ends at byte 10")])
def test_what_is_cut_off_says_how_much_is_needed(body: bytes, message: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        tensors_of_header(body, MOST)
    assert message in refusal.value.errors[0].message


def test_a_header_that_is_too_long_is_refused_before_it_is_read() -> None:
    with pytest.raises(TooLarge) as refusal:
        tensors_of_header((MOST + 1).to_bytes(8, "little"), MOST)
    assert (refusal.value.asked, refusal.value.setting) == (MOST + 1, "header_bytes")
