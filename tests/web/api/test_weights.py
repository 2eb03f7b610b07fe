"""Every path over a real socket, read back by the libraries that its users have."""

import io
import math

import httpx
import ml_dtypes
import numpy as np
import numpy.typing as npt
import pytest
import safetensors

from service.documents.plan import PlanDocument
from service.documents.weights import BlockDocument, WeightsDocument

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
    tensors = loaded(answer)
    assert {name: array.shape for name, array in tensors.items()} == {
        "layers.0.weight": (784, 256), "layers.0.bias": (256,), "layers.1.weight": (256, 10), "layers.1.bias": (10,)
    }  # fmt: skip
    for name, fan_in in (("layers.0.weight", 784), ("layers.1.weight", 256)):
        # Five standard errors of a normal sample's std.
        bound = 5 / math.sqrt(2 * tensors[name].size)
        assert abs(tensors[name].std() / math.sqrt(2 / fan_in) - 1) < bound
    assert not tensors["layers.0.bias"].any()
    assert not tensors["layers.1.bias"].any()
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
        name: np.frombuffer(stored["data"], DTYPES[dtype]).reshape(stored["shape"])
        for name, stored in safetensors.deserialize(  # type: ignore[no-untyped-call]
            client.get(f"/weights.safetensors?{query}").content
        )
    }
    document = client.get(f"/weights.json?{query}").json()
    for name, described in zip(NAMES, document["tensors"], strict=True):
        from_json = np.array(described["data"]).astype(np.float32).astype(DTYPES[dtype]).reshape(described["shape"])
        if dtype == "float64":
            from_json = np.array(described["data"]).reshape(described["shape"])
        raw = client.get(f"/weights/{name}.bin?{query}").content
        for values in (named[name], from_json, np.frombuffer(raw, DTYPES[dtype]).reshape(expected[name].shape)):
            assert values.shape == expected[name].shape
            assert values.tobytes() == expected[name].tobytes()
        if dtype != "bfloat16":
            as_npy = np.load(io.BytesIO(client.get(f"/weights/{name}.npy?{query}").content), allow_pickle=False)
            assert (as_npy.tobytes(), as_npy.shape) == (expected[name].tobytes(), expected[name].shape)
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
        block = np.load(io.BytesIO(answer.content))
        assert block.shape == (14, 1)
    elif suffix == "bin":
        block = np.frombuffer(answer.content, "<f4")
    else:
        document = BlockDocument.model_validate_json(answer.content)
        assert document.shape == [14, 1]
        block = np.array(document.data, np.float32)
    assert block.tobytes() == expected.tobytes()


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
        "auto: he for relu, xavier for every other activation",
        "auto: he for relu, xavier for every other activation",
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


@pytest.mark.parametrize("layout", ["in_out", "out_in"])
def test_an_orthogonal_network_has_orthonormal_columns_in_every_format(client: httpx.Client, layout: str) -> None:
    query = f"layers=300,200,400&activation=tanh&scheme=orthogonal&seed=42&layout={layout}&bias=none"
    tensors = loaded(client.get(f"/weights.npz?{query}"))
    first, second = (
        tensors[f"layers.{n}.weight"].T if layout == "out_in" else tensors[f"layers.{n}.weight"] for n in (0, 1)
    )
    assert np.abs(first.T.astype(np.float64) @ first - np.eye(200)).max() < 4e-7
    assert np.abs(second @ second.T.astype(np.float64) - np.eye(200)).max() < 4e-7
    flat = np.concatenate([array.reshape(-1) for array in tensors.values()])
    assert np.array_equal(np.load(io.BytesIO(client.get(f"/weights.npy?{query}").content)), flat)
    document = client.get(f"/weights.json?{query}").json()
    assert np.array_equal(np.float32(np.concatenate([tensor["data"] for tensor in document["tensors"]])), flat)
    part = client.get(f"/weights.npy?{query}", headers={"Range": "bytes=100001-300000"})
    assert part.content == client.get(f"/weights.npy?{query}").content[100_001:300_001]


def test_a_few_columns_of_an_orthogonal_matrix_need_no_others(client: httpx.Client) -> None:
    query = "layers=9000,9000&activation=tanh&scheme=orthogonal&seed=42&columns=3:5"
    for layout, part in (("in_out", "columns=3:5"), ("out_in", "rows=3:5")):
        answer = client.get(f"/weights/layers.0.weight.npy?{query.replace('columns=3:5', part)}&layout={layout}")
        columns = np.load(io.BytesIO(answer.content)).astype(np.float64)
        columns = columns if layout == "in_out" else columns.T
        assert np.abs(columns.T @ columns - np.eye(2)).max() < 4e-7
    whole = client.get(f"/weights/layers.0.weight.npy?{query.replace('&columns=3:5', '')}")
    assert whole.status_code == 413


def test_a_plan_says_how_each_scheme_came_about(client: httpx.Client) -> None:
    def weight(query: str) -> dict[str, object]:
        plan = client.get(f"/plan?layers=400,100&activation=relu&output_activation=leaky_relu&seed=1&{query}").json()
        return {name: plan["tensors"][0][name] for name in ("formula", "std", "reason")}

    assert weight("scheme=orthogonal&gain=2") == {
        "formula": "gain * sqrt(1 / max(rows, columns))", "std": 0.1, "reason": "orthogonal was asked for"
    }  # fmt: skip
    preserving = weight("scheme=variance_preserving&slope=0.75&fan=out")
    assert preserving["formula"] == "gain(activation) / sqrt(fan_out)"
    # The gain squared is 2 over 1 + 9/16.
    assert preserving["std"] == pytest.approx(math.sqrt(1.28) / 10, rel=1e-15)
    assert "the gain of leaky_relu is 1.1313708498984" in str(preserving["reason"])
    cut = weight("scheme=fixed&std=1&distribution=truncated_normal&cut=6&cut_std=before")
    assert cut["std"] == pytest.approx(0.99999996354470216, rel=1e-15)
