"""The diagnosis over a real socket."""

import contextlib
import io
import json
import math
import socket
from typing import Any

import httpx
import numpy as np
import pytest
import safetensors.numpy

from harness.running import HOST, Service, eventually, running
from service.documents.diagnosis import Diagnosis
from service.numerics.recipe.labels import labels
from tests.diagnosis.doubles import batch

QUERY = "layers=20,30,10&activation=tanh&output_activation=sigmoid&seed=3&samples=200"
DESCRIPTION = {"layers": [20, 30, 10], "activation": "tanh", "output_activation": "sigmoid", "seed": 3, "samples": 200}

REFUSED = {
    "one sample": ("/diagnose?layers=4,3&activation=relu&samples=1", 422, ("samples", "greater than or equal to 2")),
    "no samples": ("/diagnose?layers=4,3&activation=relu&samples=", 422, ("samples", "integer")),
    "samples with a zero before": ("/diagnose?layers=4,3&activation=relu&samples=010", 422, ("samples", "010")),
    "unknown input": ("/diagnose?layers=4,3&activation=relu&input=cauchy", 422, ("input", "'uniform'", "cauchy")),
    "unknown normalization": ("/diagnose?layers=4,3&activation=relu&normalization=layer", 422, ("'batch'", "layer")),
    "a loss that is unknown": ("/diagnose?layers=4,3&activation=relu&loss=hinge", 422, ("loss", "'softmax'", "hinge")),
    "classes of one node": ("/diagnose?layers=4,1&activation=relu&loss=softmax", 422, ("loss", "at least 2 nodes")),
    "five Jacobians": ("/diagnose?layers=4,3&activation=relu&jacobian=5", 422, ("jacobian", "less than or equal to 4")),
    "a Jacobian in words": ("/diagnose?layers=4,3&activation=relu&jacobian=all", 422, ("jacobian", "integer")),
    "unknown report": ("/diagnose?layers=4,3&activation=relu&report=short", 422, ("report", "'summary'", "short")),
    "unknown language": ("/diagnose?layers=4,3&activation=relu&language=fr", 422, ("language", "'ja'", "fr")),
    "too large a Jacobian": (
        "/diagnose?layers=8000,8000&activation=relu&samples=2&jacobian=4", 413, ("DIAGNOSIS_BYTES",)
    ),
    "no layers": ("/diagnose?activation=relu", 422, ("layers is required",)),
    "fixed without std": ("/diagnose?layers=4,3&activation=relu&scheme=fixed", 422, ("std is required",)),
    "too many samples": ("/diagnose?layers=1000,1000&activation=relu&samples=200000", 413, ("samples would fit",)),
    "too large a network": ("/diagnose?layers=30000,30000&activation=relu&samples=2", 413, ("DIAGNOSIS_BYTES",)),
}  # fmt: skip


@pytest.mark.parametrize(("target", "status", "mentions"), REFUSED.values(), ids=REFUSED)
def test_a_bad_request_gets_a_problem(
    client: httpx.Client, target: str, status: int, mentions: tuple[str, ...]
) -> None:
    answer = client.get(target)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    for mention in mentions:
        assert mention in answer.json()["detail"]


def test_what_is_said_to_fit_fits() -> None:
    with running(diagnosis_bytes=10_000_000) as service:
        url = f"{service.url}/diagnose?layers=100,200,100&activation=relu&seed=1&samples="
        detail = httpx.get(f"{url}100000", timeout=60).json()["detail"]
        fitting = int(detail.split("At most ")[1].split()[0])
        assert httpx.get(f"{url}{fitting}", timeout=60).status_code == 200
        assert httpx.get(f"{url}{fitting + 1}", timeout=60).status_code == 413


def test_the_report_has_the_shape_that_is_documented(client: httpx.Client) -> None:
    report = client.get(f"/diagnose?{QUERY}").json()
    Diagnosis.model_validate(report)
    assert report["network"]["seed"] == 3
    assert (report["samples"], report["input"], report["normalization"]) == (200, "normal", "none")
    assert [layer["name"] for layer in report["layers"]] == ["layers.0", "layers.1"]
    assert [layer["activation_function"] for layer in report["layers"]] == ["tanh", "sigmoid"]
    assert [(layer["fan_in"], layer["width"]) for layer in report["layers"]] == [(20, 30), (30, 10)]
    for layer in report["layers"]:
        assert len(layer["activation"]["quantiles"]) == 7
        assert len(layer["activation"]["histogram"]["edges"]) == 51
        assert sum(layer["activation"]["histogram"]["counts"]) == 200 * layer["width"]
        assert sum(layer["gradient"]["histogram"]["counts"]) == 200 * layer["width"]
        assert sum(layer["weight"]["histogram"]["counts"]) == layer["fan_in"] * layer["width"]
        assert layer["verdicts"][0]["code"] == "healthy"
    assert report["layers"][-1]["gradient"]["ratio"] == 1
    assert report["auto"]["schemes"] == ["xavier", "xavier"]


def test_the_diagnosed_weights_are_the_ones_that_are_served(client: httpx.Client) -> None:
    report = client.get(f"/diagnose?{QUERY}").json()
    with np.load(io.BytesIO(client.get("/weights.npz?" + QUERY.removesuffix("&samples=200")).content)) as weights:
        for layer in report["layers"]:
            assert layer["weight"]["std"] == pytest.approx(weights[f"{layer['name']}.weight"].std(), rel=1e-5)


@pytest.mark.parametrize("layout", ["in_out", "out_in"])
@pytest.mark.parametrize("suffix", ["npz", "safetensors"])
def test_weights_that_are_sent_get_the_report_of_those_that_are_drawn(
    client: httpx.Client, suffix: str, layout: str
) -> None:
    drawn = client.get(f"/diagnose?{QUERY}").json()
    file = client.get(f"/weights.{suffix}?{QUERY.removesuffix('&samples=200')}&layout={layout}").content
    options = f"activation=tanh&output_activation=sigmoid&seed=3&samples=200&layout={layout}"
    answer = client.post(f"/diagnose/weights?{options}", content=file)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    own = answer.json()
    assert "network" not in own
    for sent, served in zip(own["layers"], drawn["layers"], strict=True):
        assert (sent["scheme"], sent["reason"]) == ("own", "the weights were uploaded")
        for group in ("weight", "pre_activation", "gradient", "theory"):
            ours, theirs = (side[group].pop("histogram", {"edges": []}) for side in (sent, served))
            assert ours["edges"] == pytest.approx(theirs["edges"], rel=1e-3, abs=1e-5)
            assert sent[group].pop("quantiles", []) == pytest.approx(served[group].pop("quantiles", []), rel=1e-3)
            assert sent[group] == pytest.approx(served[group], rel=1e-4, abs=1e-6)
        assert sent["activation"]["quantiles"] == pytest.approx(served["activation"]["quantiles"], rel=1e-4, abs=1e-5)


LEAKY = "layers=500,500,500,500&activation=leaky_relu&slope=0.2&seed=3&samples=300"


def test_the_slope_of_leaky_relu_is_that_of_the_passes_and_of_theory(client: httpx.Client) -> None:
    report = client.get(f"/diagnose?{LEAKY}&scheme=variance_preserving").json()
    assert report["network"]["slope"] == 0.2
    (phase,) = report["phases"]
    assert (phase["word"], phase["chi"]) == ("critical", pytest.approx(1.0, abs=0.02))
    for layer in report["layers"]:
        assert (layer["activation_function"], layer["activation_parameter"]) == ("leaky_relu", 0.2)
        # Sums of variance 2 / (1 + s²) give activations of mean square 1, and of mean (1 - s) √(variance / 2π).
        for figures in (layer["activation"], layer["theory"]):
            assert figures["mean"] ** 2 + figures["std"] ** 2 == pytest.approx(1.0, rel=0.1)
            assert figures["mean"] == pytest.approx(0.8 * math.sqrt(2 / 1.04 / (2 * math.pi)), rel=0.1)
        # A twentieth of the sums is below -1.645 of their standard deviations; the slope scales them.
        assert layer["activation"]["quantiles"][1] == pytest.approx(-0.2 * 1.645 * math.sqrt(2 / 1.04), rel=0.1)
        assert layer["gradient"]["ratio"] == pytest.approx(1.0, rel=0.1)


def test_any_scheme_goes_with_a_slope(client: httpx.Client) -> None:
    chi = {}
    for scheme in ("he", "auto"):
        (phase,) = client.get(f"/diagnose?{LEAKY}&scheme={scheme}").json()["phases"]
        chi[scheme] = phase["chi"]
    # E[φ'²] is (1 + s²) / 2.
    assert chi == {"he": pytest.approx(1.04, abs=0.02), "auto": pytest.approx(0.52, abs=0.01)}


def test_a_picture_says_which_slope(client: httpx.Client) -> None:
    assert b"activation leaky_relu with slope 0.2;" in client.get(f"/diagnose.svg?{LEAKY}").content
    assert b"activation leaky_relu;" in client.get(f"/diagnose.svg?{LEAKY.replace('&slope=0.2', '')}").content


def test_weights_that_are_sent_are_diagnosed_with_slope_and_alpha(client: httpx.Client) -> None:
    functions = "activation=elu&alpha=2.5&output_activation=leaky_relu&slope=0.3"
    drawn = client.get(f"/diagnose?layers=40,30,10&{functions}&scheme=he&seed=3&samples=200").json()
    file = client.get("/weights.npz?layers=40,30,10&activation=relu&scheme=he&seed=3").content
    own = client.post(f"/diagnose/weights?{functions}&seed=3&samples=200", content=file).json()
    assert [layer["activation_parameter"] for layer in own["layers"]] == [2.5, 0.3]
    assert own["layers"][0]["activation"]["min"] == pytest.approx(-2.5, abs=0.4)
    for sent, served in zip(own["layers"], drawn["layers"], strict=True):
        for group in ("activation", "gradient", "theory"):
            for figure in ("mean", "std", "gradient_ratio", "ratio"):
                if figure in served[group]:
                    assert sent[group][figure] == pytest.approx(served[group][figure], rel=1e-4, abs=1e-6)
    refused = client.post("/diagnose/weights?activation=relu&slope=0.3", content=file)
    assert refused.status_code == 422
    assert "slope has no effect without activation=leaky_relu" in refused.json()["detail"]


def test_inputs_that_are_sent_are_the_ones_that_are_used(client: httpx.Client) -> None:
    weight = np.eye(3, dtype=np.float32)
    inputs = np.array([[1, -2, 3], [4, -5, 6]], np.float32)
    file = safetensors.numpy.save({"layers.0.weight": weight, "inputs": inputs})
    report = client.post("/diagnose/weights?activation=relu", content=file).json()
    assert (report["samples"], report["input"]) == (2, "own")
    (layer,) = report["layers"]
    assert layer["activation"]["mean"] == pytest.approx((1 + 3 + 4 + 6) / 6)
    assert layer["zero_share"] == layer["dead_share"] == layer["constant_share"] == pytest.approx(1 / 3)


def test_a_file_that_is_none_gets_a_problem(client: httpx.Client) -> None:
    for body in (
        b"",
        b"PK\x03\x04 but no archive",
        b"\x08\x00\x00\x00\x00\x00\x00\x00{}      ",
        b"nothing of the kind",
    ):
        answer = client.post("/diagnose/weights?activation=relu", content=body)
        assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")


def test_an_upload_beyond_the_limit_gets_413() -> None:
    with running(upload_bytes=1000) as service:
        answer = httpx.post(f"{service.url}/diagnose/weights?activation=relu", content=b"x" * 1001, timeout=60)
        assert (answer.status_code, "FANIN_UPLOAD_BYTES" in answer.json()["detail"]) == (413, True)


def test_a_body_that_does_not_come_gets_408() -> None:
    with running(body_seconds=0.3) as service, socket.create_connection((HOST, service.port), timeout=30) as client:
        client.sendall(
            b"POST /diagnose/weights?activation=relu HTTP/1.1\r\nHost: service\r\nContent-Length: 99\r\n\r\nPK"
        )
        with client.makefile("rb") as reading:
            answer = reading.read()  # to the end: the connection is closed
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    assert json.loads(body)["type"] == "urn:fanin:problem:slow-body"
    assert "FANIN_BODY_SECONDS" in json.loads(body)["detail"]


def beginnings_of_uploads(service: Service, count: int, size: int) -> contextlib.ExitStack:
    """Return connections that have sent so many bytes of an upload, and send no more."""
    held = contextlib.ExitStack()
    for _ in range(count):
        connection = held.enter_context(socket.create_connection((HOST, service.port), timeout=30))
        connection.sendall(
            b"POST /diagnose/weights?activation=relu HTTP/1.1\r\nHost: a\r\nContent-Length: 33554432\r\n\r\n"
        )
        connection.sendall(bytes(size))
    return held


def test_uploads_that_send_nothing_keep_no_other_out(service: Service) -> None:
    file = safetensors.numpy.save({"layers.0.weight": np.eye(3, dtype=np.float32)})
    with beginnings_of_uploads(service, 64, 1):
        answer = httpx.post(f"{service.url}/diagnose/weights?activation=relu", content=file, timeout=30)
        assert answer.status_code == 200


def test_uploads_take_memory_for_what_has_come_and_give_it_back() -> None:
    with running(memory=2**26, wait_seconds=0.2) as service:
        with beginnings_of_uploads(service, 2, 20 * 2**20):
            assert eventually(lambda: service.metric("fanin_memory_bytes") > 40 * 2**20)
            answer = httpx.post(f"{service.url}/diagnose/weights?activation=relu", content=bytes(2**24), timeout=30)
            assert (answer.status_code, "FANIN_MEMORY" in answer.json()["detail"]) == (503, True)
        assert eventually(lambda: service.metric("fanin_memory_bytes") == 0)


def test_a_seed_makes_the_answer_permanent_to_rounding(client: httpx.Client) -> None:
    answer = client.get(f"/diagnose?{QUERY}")
    etag = answer.headers["etag"]
    assert etag.startswith('W/"')
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    again = client.get(f"/diagnose?{QUERY}", headers={"If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")
    # A weak tag is no match for If-Match: RFC 9110, section 13.1.1.
    assert client.get(f"/diagnose?{QUERY}", headers={"If-Match": etag}).status_code == 412
    head = client.head(f"/diagnose?{QUERY}")
    assert (head.status_code, head.headers["etag"], head.content) == (200, etag, b"")
    posted = client.post("/diagnose", json=DESCRIPTION)
    assert posted.headers["content-location"] == answer.headers["content-location"]
    assert posted.json()["verdict"] == answer.json()["verdict"]


def test_without_a_seed_one_is_drawn_and_said(client: httpx.Client) -> None:
    answer = client.get("/diagnose?layers=4,3&activation=relu&samples=10")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["seed"] == answer.json()["network"]["seed"]
    assert f"seed={answer.json()['seed']}" in answer.headers["content-location"]


def test_overflow_is_valid_json_and_no_fault(client: httpx.Client) -> None:
    layers = ",".join(["60"] * 80)
    answer = client.get(f"/diagnose?layers={layers}&activation=relu&scheme=fixed&std=1&seed=1&samples=50")
    assert answer.status_code == 200

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    report = json.loads(answer.content, parse_constant=refuse)
    assert report["verdict"]["code"] == "non_finite"
    assert "null" not in answer.text


def rounded(value: Any) -> Any:
    """Return a document with its numbers as pytest compares them: four digits, or a trace of nothing."""
    if isinstance(value, float):
        return pytest.approx(value, rel=2e-3, abs=2e-4)
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return {key: rounded(item) for key, item in value.items()} if isinstance(value, dict) else value


def test_the_documented_example_is_a_real_answer(client: httpx.Client) -> None:
    documented = client.get("/openapi.json").json()["paths"]["/diagnose"]["get"]["responses"]["200"]
    example = documented["content"]["application/json"]["example"]
    Diagnosis.model_validate(example)
    answer = client.get("/diagnose?layers=4,3&activation=tanh&seed=42&samples=10")
    assert answer.json() == rounded(example)


def test_a_summary_is_one_verdict_and_one_line_a_layer(client: httpx.Client) -> None:
    full = client.get(f"/diagnose?{QUERY}").json()
    brief = client.get(f"/diagnose?{QUERY}&report=summary").json()
    Diagnosis.model_validate(brief)
    assert (brief["layers"], brief["verdict"]) == ([], full["verdict"])
    assert "summary" not in full
    for line, layer in zip(brief["summary"], full["layers"], strict=True):
        assert line == {
            "name": layer["name"],
            "std": pytest.approx(layer["activation"]["std"], rel=1e-5),
            "gradient_ratio": pytest.approx(layer["gradient"]["ratio"], rel=1e-5),
            "verdicts": [verdict["code"] for verdict in layer["verdicts"]],
        }


def test_sentences_come_in_the_language_that_is_asked_for(client: httpx.Client) -> None:
    english = client.get(f"/diagnose?{QUERY}").json()
    japanese = client.get(f"/diagnose?{QUERY}&language=ja").json()
    assert english["verdict"]["advice"] == "Nothing needs to change."
    assert japanese["verdict"]["advice"] == "変更は不要である。"
    assert japanese["layers"][0]["verdicts"][0]["evidence_message"] == {"key": "healthy", "values": {}}
    assert english["layers"][0]["verdicts"][0]["evidence_message"] == {"key": "healthy", "values": {}}


def test_a_picture_of_a_summary_shows_every_layer(client: httpx.Client) -> None:
    answer = client.get(f"/diagnose.svg?{QUERY}&report=summary")
    assert answer.status_code == 200
    assert answer.content == client.get(f"/diagnose.svg?{QUERY}").content


def test_the_jacobian_of_a_linear_layer_is_its_weight(client: httpx.Client) -> None:
    query = "layers=20,12&activation=identity&seed=3"
    (first, second) = client.get(f"/diagnose?{query}&samples=10&jacobian=2").json()["jacobian"]
    with np.load(io.BytesIO(client.get(f"/weights.npz?{query}").content)) as weights:
        values = np.linalg.svd(weights["layers.0.weight"].astype(float), compute_uv=False)
    assert (
        first
        == second
        == pytest.approx({"largest": values[0], "median": np.median(values), "smallest": values[-1]}, rel=1e-9)
    )


def test_a_real_loss_is_that_of_softmax_and_the_labels_of_the_recipe(client: httpx.Client) -> None:
    query = "layers=20,7&activation=identity&seed=3"
    report = client.get(f"/diagnose?{query}&samples=300&loss=softmax").json()
    with np.load(io.BytesIO(client.get(f"/weights.npz?{query}").content)) as weights:
        weight = weights["layers.0.weight"].astype(float)
    inputs = batch(3, "inputs", (300, 20))
    chosen = labels(3, 300, 7)
    outputs = inputs @ weight
    shares = np.exp(outputs) / np.exp(outputs).sum(axis=1, keepdims=True)
    loss = -np.log(shares[np.arange(300), chosen]).mean()
    gradient = inputs.T @ (shares - np.eye(7)[chosen]) / 300
    expected = np.log(7) + outputs.var() / 2 * (1 - 1 / 7)
    assert report["loss"] == {"mean": pytest.approx(loss, rel=1e-5), "expected": pytest.approx(expected, rel=1e-5)}
    # The expectation is the mean to the order s²: the outputs know nothing of the labels.
    assert report["loss"]["mean"] == pytest.approx(report["loss"]["expected"], rel=0.1)
    found = report["layers"][0]["gradient"]
    assert found["weight_std"] == pytest.approx(gradient.std(), rel=1e-4)
    ratio = np.sqrt(np.square(gradient).mean() / np.square(weight).mean())
    assert found["update_ratio"] == pytest.approx(ratio, rel=1e-4)
    assert "update_ratio" not in client.get(f"/diagnose?{query}").json()["layers"][0]["gradient"]


@pytest.mark.parametrize(
    ("activation", "scheme", "word"),
    [("tanh", "xavier", "critical"), ("relu", "he", "critical"), ("sigmoid", "xavier", "ordered"),
     ("tanh", "fixed&std=0.3", "chaotic")],
)  # fmt: skip
def test_each_network_is_put_into_its_phase(client: httpx.Client, activation: str, scheme: str, word: str) -> None:
    query = f"layers=100,100,100,100&activation={activation}&scheme={scheme}&seed=1&samples=50"
    (phase,) = client.get(f"/diagnose?{query}").json()["phases"]
    assert (phase["activation"], phase["word"]) == (activation, word)
    if "depth_scale" in phase:
        assert phase["depth_scale"] == pytest.approx(1 / abs(np.log(phase["chi"])))
        assert phase["trainable_layers"] == pytest.approx(6 * phase["depth_scale"])
