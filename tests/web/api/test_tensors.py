"""Tensors that describe themselves, over a real socket."""

import hashlib
import io

import httpx
import numpy as np
import numpy.typing as npt
import pytest

from harness.running import Service
from service.documents.model import TensorPlanDocument
from service.documents.model_weights import SliceDocument

CONV = "shape=16,3,5,7&axes=OIHW&activation=relu&seed=42"
MIB = 2**20


def array(answer: httpx.Response) -> npt.NDArray[np.float32]:
    assert answer.status_code == 200, answer.text
    loaded: npt.NDArray[np.float32] = np.load(io.BytesIO(answer.content), allow_pickle=False)
    return loaded


@pytest.fixture(scope="module")
def conv(client: httpx.Client) -> npt.NDArray[np.float32]:
    return array(client.get(f"/tensor/conv1.weight.npy?{CONV}"))


def test_every_layout_of_a_kernel_is_a_permutation_of_every_other(
    client: httpx.Client, conv: npt.NDArray[np.float32]
) -> None:
    sides = dict(zip("OIHW", conv.shape, strict=True))
    for axes in ("HWIO", "OHWI", "WIOH", "IOHW"):
        shape = ",".join(str(sides[axis]) for axis in axes)
        other = array(client.get(f"/tensor/conv1.weight.npy?shape={shape}&axes={axes}&activation=relu&seed=42"))
        assert np.array_equal(other, conv.transpose(["OIHW".index(axis) for axis in axes]))


def test_every_format_carries_the_same_numbers(client: httpx.Client, conv: npt.NDArray[np.float32]) -> None:
    assert client.get(f"/tensor/conv1.weight.bin?{CONV}").content == conv.tobytes()
    document = SliceDocument.model_validate_json(client.get(f"/tensor/conv1.weight.json?{CONV}").content)
    assert (document.shape, document.seed) == ([16, 3, 5, 7], 42)
    assert np.array(document.data, np.float32).tobytes() == conv.tobytes()


@pytest.mark.parametrize(
    ("text", "part"), [("2:9,:,1:2,0:3", np.s_[2:9, :, 1:2, 0:3]), (":,2:3,:,:", np.s_[:, 2:3]), (":,:,:,:", np.s_[:])]
)
def test_a_slice_is_that_part_of_the_tensor(
    client: httpx.Client, conv: npt.NDArray[np.float32], text: str, part: tuple[slice, ...]
) -> None:
    answer = client.get(f"/tensor/conv1.weight.npy?{CONV}&slice={text}")
    assert np.array_equal(array(answer), conv[part])
    assert client.get(answer.headers["content-location"]).content == answer.content
    document = SliceDocument.model_validate_json(client.get(f"/tensor/conv1.weight.json?{CONV}&slice={text}").content)
    assert document.shape == list(conv[part].shape)
    assert document.tensor.shape == list(conv.shape)


def test_fused_equals_separate_parts(client: httpx.Client) -> None:
    said = "activation=tanh&seed=3&axes=OI"
    fused = array(client.get(f"/tensor/qkv.npy?{said}&shape=14,6&parts=q,k,v&part_sizes=6,4,4"))
    parts = [
        array(client.get(f"/tensor/any.npy?{said}&shape={size},6&key=qkv%23{part}"))
        for part, size in (("q", 6), ("k", 4), ("v", 4))
    ]
    assert np.array_equal(fused, np.concatenate(parts))


def test_a_plan_says_why(client: httpx.Client) -> None:
    plan = TensorPlanDocument.model_validate_json(client.get(f"/tensor/conv1.weight/plan?{CONV}").content)
    assert (plan.fan_in, plan.fan_out, plan.scheme) == (3 * 5 * 7, 16 * 5 * 7, "he")
    assert plan.std == (2 / 105) ** 0.5
    assert client.get(plan.link).content == client.get(f"/tensor/conv1.weight.bin?{CONV}").content


@pytest.mark.parametrize(
    ("path", "name", "disposition"),
    [
        ("a/b.c", "a/b.c", 'filename="b.c.npy"'),
        ("a%2Fb.c", "a/b.c", 'filename="b.c.npy"'),
        ("%E6%BC%A2", "漢", "filename*=UTF-8''%E6%BC%A2.npy"),
        ("a%22b", 'a"b', "filename*=UTF-8''a%22b.npy"),
        ("w.npy", "w.npy", 'filename="w.npy.npy"'),
        ("a/plan", "a/plan", 'filename="plan.npy"'),
        ("50%25", "50%", "filename*=UTF-8''50%25.npy"),
    ],
)
def test_a_name_is_decoded_once(client: httpx.Client, path: str, name: str, disposition: str) -> None:
    answer = client.get(f"/tensor/{path}.npy?shape=5&scheme=fixed&std=1&seed=1")
    assert answer.headers["content-disposition"] == f"attachment; {disposition}"
    plan = client.get(f"/tensor/{path}/plan?shape=5&scheme=fixed&std=1&seed=1").json()
    assert plan["name"] == name
    assert client.get(answer.headers["content-location"]).content == answer.content


def test_a_scalar_and_integers_have_files(client: httpx.Client) -> None:
    steps = array(client.get("/tensor/steps.npy?shape=&scheme=zeros&dtype=int64"))
    assert (steps.shape, steps.dtype.str) == ((), "<i8")
    ids = array(client.get("/tensor/ids.npy?shape=2,3&scheme=constant&value=7&dtype=uint8"))
    assert ids.tolist() == [[7] * 3] * 2


def test_conditions_ranges_and_heads_are_those_of_all_files(
    client: httpx.Client, conv: npt.NDArray[np.float32]
) -> None:
    url = f"/tensor/conv1.weight.bin?{CONV}"
    whole, head = client.get(url), client.head(url)
    assert (head.content, head.headers["content-length"]) == (b"", str(conv.nbytes))
    assert head.headers["etag"] == whole.headers["etag"]
    assert "immutable" in whole.headers["cache-control"]
    etag = {"If-None-Match": whole.headers["etag"]}
    for other in (url, "/tensor/conv1.weight.bin?seed=42&axes=OIHW&shape=16,3,5,7&activation=relu&gain=1"):
        assert client.get(other, headers=etag).status_code == 304
    part = client.get(url, headers={"Range": "bytes=101-210"})
    assert (part.status_code, part.content) == (206, conv.tobytes()[101:211])


def test_without_a_seed_one_is_drawn_and_said(client: httpx.Client) -> None:
    first, second = (client.get("/tensor/w.bin?shape=4,4&axes=OI&activation=relu") for _ in range(2))
    assert first.content != second.content
    for answer in (first, second):
        assert answer.headers["cache-control"] == "no-store"
        assert "etag" not in answer.headers
        again = client.get(answer.headers["content-location"])
        assert again.content == answer.content


def test_any_kibibyte_of_ten_billion_elements_comes_in_flat_memory(service: Service, client: httpx.Client) -> None:
    url = "/tensor/huge.bin?shape=100000,100000,1,1&axes=OIHW&activation=relu&seed=1"
    length = 4 * 10**10
    client.get(url, headers={"Range": "bytes=0-1023"})  # what is made once is made now
    before = service.memory()
    for start in (0, length // 2 - 500, length - 1024):
        part = client.get(url, headers={"Range": f"bytes={start}-{start + 1023}"})
        assert (part.status_code, len(part.content)) == (206, 1024)
        row, first = divmod(start // 4, 100_000)
        cut = client.get(f"{url}&slice={row}:{row + 1},{first}:{min(first + 256, 100_000)},:,:")
        assert part.content.startswith(cut.content)
    assert service.memory() - before < 50 * MIB


def test_dense_layers_are_tensors_that_describe_themselves(client: httpx.Client) -> None:
    network = "layers=30,20,10&activation=relu&output_activation=tanh&seed=7&layout=out_in&distribution=uniform"
    for tensor in client.get(f"/plan?{network}").json()["tensors"]:
        for suffix in ("npy", "bin"):
            own, named = (
                client.get(tensor["links"][suffix]),
                client.get(f"/weights/{tensor['name']}.{suffix}?{network}"),
            )
            assert own.status_code == 200
            assert hashlib.sha256(own.content).digest() == hashlib.sha256(named.content).digest()
