"""The diagnosis over a real socket."""

import io
import json
import socket
from typing import Any

import httpx
import numpy as np
import pytest
import safetensors.numpy

from service.diagnosis.report import Diagnosis
from tests.running import HOST, eventually, running

QUERY = "layers=20,30,10&activation=tanh&output_activation=sigmoid&seed=3&samples=200"
DESCRIPTION = {"layers": [20, 30, 10], "activation": "tanh", "output_activation": "sigmoid", "seed": 3, "samples": 200}

REFUSED = {
    "one sample": ("/diagnose?layers=4,3&activation=relu&samples=1", 422, ("samples", "greater than or equal to 2")),
    "no samples": ("/diagnose?layers=4,3&activation=relu&samples=", 422, ("samples", "integer")),
    "samples with a zero before": ("/diagnose?layers=4,3&activation=relu&samples=010", 422, ("samples", "010")),
    "unknown input": ("/diagnose?layers=4,3&activation=relu&input=cauchy", 422, ("input", "'uniform'", "cauchy")),
    "unknown normalization": ("/diagnose?layers=4,3&activation=relu&normalization=layer", 422, ("'batch'", "layer")),
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
        detail = httpx.get(f"{url}100000").json()["detail"]
        fitting = int(detail.split("At most ")[1].split()[0])
        assert httpx.get(f"{url}{fitting}").status_code == 200
        assert httpx.get(f"{url}{fitting + 1}").status_code == 413


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
    for one, other in zip(own["layers"], drawn["layers"], strict=True):
        assert (one["scheme"], one["reason"]) == ("own", "the weights were uploaded")
        for group in ("weight", "pre_activation", "gradient", "theory"):
            assert one[group] == pytest.approx(other[group], rel=1e-4, abs=1e-6)
        assert one["activation"]["quantiles"] == pytest.approx(other["activation"]["quantiles"], rel=1e-4, abs=1e-5)


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
        answer = httpx.post(f"{service.url}/diagnose/weights?activation=relu", content=b"x" * 1001)
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


def test_uploads_beyond_those_taken_in_at_once_get_503() -> None:
    with running(uploads=1) as service, socket.create_connection((HOST, service.port), timeout=30) as first:
        first.sendall(
            b"POST /diagnose/weights?activation=relu HTTP/1.1\r\nHost: service\r\nContent-Length: 99\r\n\r\nPK"
        )

        def is_full() -> bool:
            answer = httpx.post(f"{service.url}/diagnose/weights?activation=relu", content=b"PK")
            return answer.status_code == 503 and "FANIN_UPLOADS" in answer.json()["detail"]

        assert eventually(is_full)


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
