"""Every path over a real socket, read back by the libraries that its users have."""

import io
import math

import httpx
import ml_dtypes
import numpy as np
import numpy.typing as npt
import pytest
import safetensors

from service.formats.plan_document import BlockDocument, PlanDocument, WeightsDocument

QUERY = "layers=30,20,10&activation=relu&output_activation=sigmoid&seed=42"
DESCRIPTION = {"layers": [30, 20, 10], "activation": "relu", "output_activation": "sigmoid", "seed": 42}
NAMES = ["layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias"]
DTYPES = {"float32": np.float32, "float64": np.float64, "float16": np.float16, "bfloat16": ml_dtypes.bfloat16}


def loaded(answer: httpx.Response) -> dict[str, npt.NDArray[np.float32]]:
    with np.load(io.BytesIO(answer.content), allow_pickle=False) as archive:
        return dict(archive)


@pytest.fixture(scope="module")
def weights(client: httpx.Client) -> dict[str, npt.NDArray[np.float32]]:
    return loaded(client.get(f"/weights.npz?{QUERY}"))


def test_the_main_job(client: httpx.Client) -> None:
    url = "/weights.npz?layers=784,256,10&activation=relu&seed=42"
    answer = client.get(url)
    found = loaded(answer)
    assert {name: array.shape for name, array in found.items()} == {
        "layers.0.weight": (784, 256), "layers.0.bias": (256,), "layers.1.weight": (256, 10), "layers.1.bias": (10,)
    }  # fmt: skip
    for name, fan_in in (("layers.0.weight", 784), ("layers.1.weight", 256)):
        # Five standard errors of a normal sample's std.
        bound = 5 / math.sqrt(2 * found[name].size)
        assert abs(found[name].std() / math.sqrt(2 / fan_in) - 1) < bound
    assert not found["layers.0.bias"].any()
    assert not found["layers.1.bias"].any()
    assert client.get(url).content == answer.content


def test_the_archive_has_the_tensors_in_order(weights: dict[str, npt.NDArray[np.float32]]) -> None:
    assert list(weights) == NAMES


@pytest.mark.parametrize("layout", ["in_out", "out_in"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_format_carries_the_same_numbers(
    client: httpx.Client, weights: dict[str, npt.NDArray[np.float32]], dtype: str, layout: str
) -> None:
    query = f"{QUERY}&dtype={dtype}&layout={layout}"
    expected = {
        name: (array.T if layout == "out_in" else array).astype(DTYPES[dtype]) for name, array in weights.items()
    }
    flat = np.concatenate([array.ravel() for array in expected.values()])
    # The library's own reader, one floor below its NumPy functions, which know no bfloat16.
    named = {
        name: np.frombuffer(found["data"], DTYPES[dtype]).reshape(found["shape"])
        for name, found in safetensors.deserialize(  # type: ignore[no-untyped-call]
            client.get(f"/weights.safetensors?{query}").content
        )
    }
    document = client.get(f"/weights.json?{query}").json()
    for name, described in zip(NAMES, document["tensors"], strict=True):
        from_json = np.array(described["data"]).astype(np.float32).astype(DTYPES[dtype]).reshape(described["shape"])
        if dtype == "float64":
            from_json = np.array(described["data"]).reshape(described["shape"])
        raw = client.get(f"/weights/{name}.bin?{query}").content
        for found in (named[name], from_json, np.frombuffer(raw, DTYPES[dtype]).reshape(expected[name].shape)):
            assert found.shape == expected[name].shape
            assert found.tobytes() == expected[name].tobytes()
        if dtype != "bfloat16":
            one = np.load(io.BytesIO(client.get(f"/weights/{name}.npy?{query}").content), allow_pickle=False)
            assert (one.tobytes(), one.shape) == (expected[name].tobytes(), expected[name].shape)
    if dtype != "bfloat16":
        assert np.load(io.BytesIO(client.get(f"/weights.npy?{query}").content)).tobytes() == flat.tobytes()
        assert loaded(client.get(f"/weights.npz?{query}"))["layers.1.weight"].dtype == DTYPES[dtype]


@pytest.mark.parametrize("suffix", ["npy", "bin", "json"])
def test_rows_and_columns_cut_out_a_block(
    client: httpx.Client, weights: dict[str, npt.NDArray[np.float32]], suffix: str
) -> None:
    answer = client.get(f"/weights/layers.0.weight.{suffix}?{QUERY}&rows=3:17&columns=5:6")
    expected = weights["layers.0.weight"][3:17, 5:6]
    if suffix == "npy":
        found = np.load(io.BytesIO(answer.content))
        assert found.shape == (14, 1)
    elif suffix == "bin":
        found = np.frombuffer(answer.content, "<f4")
    else:
        document = BlockDocument.model_validate_json(answer.content)
        assert document.shape == [14, 1]
        found = np.array(document.data, np.float32)
    assert found.tobytes() == expected.tobytes()


def test_rows_of_a_bias(client: httpx.Client) -> None:
    answer = client.get(f"/weights/layers.0.bias.npy?{QUERY}&rows=2:7")
    assert np.load(io.BytesIO(answer.content)).tolist() == [0.0] * 5


@pytest.mark.parametrize("path", ["/plan", "/weights.json", "/weights.npy", "/weights.npz", "/weights.safetensors"])
def test_post_answers_as_get(client: httpx.Client, path: str) -> None:
    got, posted = client.get(f"{path}?{QUERY}"), client.post(path, json=DESCRIPTION)
    assert posted.status_code == got.status_code == 200
    assert posted.content == got.content


def test_the_plan_tells_where_everything_is(client: httpx.Client, weights: dict[str, npt.NDArray[np.float32]]) -> None:
    plan = client.get(f"/plan?{QUERY}").json()
    flat = client.get(plan["links"]["npy"]).content
    assert (plan["seed"], plan["recipe"]) == (42, 1)
    assert [tensor["scheme"] for tensor in plan["tensors"]] == ["he", "zeros", "xavier", "zeros"]
    assert [tensor["reason"] for tensor in plan["tensors"]][::2] == [
        "auto: he suits relu",
        "auto: xavier suits sigmoid",
    ]
    for tensor in plan["tensors"]:
        expected = weights[tensor["name"]]
        assert tensor["shape"] == list(expected.shape)
        assert (tensor["elements"], tensor["byte_count"]) == (expected.size, expected.nbytes)
        assert flat[tensor["offset"] :][: tensor["byte_count"]] == expected.tobytes()
        assert client.get(tensor["links"]["bin"]).content == expected.tobytes()
        assert np.array(client.get(tensor["links"]["json"]).json()["data"], np.float32).tobytes() == expected.tobytes()
        assert np.load(io.BytesIO(client.get(tensor["links"]["npy"]).content)).tobytes() == expected.tobytes()
    for link in plan["links"].values():
        assert client.head(link).status_code == 200


def test_the_documents_are_what_they_are_said_to_be(client: httpx.Client) -> None:
    plan, weights = client.get(f"/plan?{QUERY}"), client.get(f"/weights.json?{QUERY}")
    without_data = weights.json()
    for tensor in without_data["tensors"]:
        del tensor["data"]
    assert without_data == plan.json()
    PlanDocument.model_validate_json(plan.content)
    WeightsDocument.model_validate_json(weights.content)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/weights.npy", "weights.npy"),
        ("/weights.npz", "weights.npz"),
        ("/weights.safetensors", "weights.safetensors"),
        ("/weights/layers.0.weight.npy", "layers.0.weight.npy"),
        ("/weights/layers.0.weight.bin", "layers.0.weight.bin"),
    ],
)
def test_binary_bodies_are_downloads_with_a_name(client: httpx.Client, path: str, name: str) -> None:
    headers = client.head(f"{path}?{QUERY}").headers
    assert headers["content-type"] == "application/octet-stream"
    assert headers["content-disposition"] == f'attachment; filename="{name}"'


def test_a_plan_of_ten_billion_parameters_draws_nothing(client: httpx.Client) -> None:
    answer = client.get("/plan?layers=100000,100000,1000&activation=gelu&seed=0")
    assert answer.json()["elements"] == 100_000 * 100_000 + 100_000 + 100_000 * 1000 + 1000


def test_the_end_of_a_tensor_of_a_terabyte_costs_no_more_than_itself(client: httpx.Client) -> None:
    url = "/weights/layers.0.weight.bin?layers=500000,500000&activation=relu&seed=1"
    answer = client.get(url, headers={"Range": "bytes=-8"})
    assert answer.headers["content-range"] == "bytes 999999999992-999999999999/1000000000000"
    assert client.get(f"{url}&rows=499999:500000&columns=499998:500000").content == answer.content
