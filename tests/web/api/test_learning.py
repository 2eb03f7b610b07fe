"""Trainings over a real socket."""

import io
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import numpy as np
import pytest
import safetensors.numpy

from harness.running import Service, eventually, running

QUERY = "layers=64,20,10&activation=relu&seed=3&learning_rate=0.1&steps=80"
DESCRIPTION: dict[str, Any] = {
    "layers": [64, 20, 10],
    "activation": "relu",
    "seed": 3,
    "learning_rate": 0.1,
    "steps": 80,
}
LONG = "layers=64,100,100,100,10&activation=relu&seed=3&steps=20000"

REFUSED = {
    "another number of inputs": ("layers=32,10&activation=relu", 422, ("layers.0", "must be 64", "digits", "32")),
    "another number of classes": ("layers=64,5,12&activation=relu", 422, ("layers.2", "must be 10", "12")),
    "digits on a spiral": (f"{QUERY}&data=spiral", 422, ("layers.0 must be 2", "layers.2 must be 3")),
    "unknown data": (f"{QUERY}&data=mnist", 422, ("data", "'circles'", "mnist")),
    "unknown optimizer": (f"{QUERY}&optimizer=lion", 422, ("optimizer", "'adam'", "lion")),
    "a rate of 0": (f"{QUERY.replace('0.1', '0')}", 422, ("learning_rate", "greater than 0")),
    "a rate that is no number": (
        f"{QUERY.replace('0.1', 'NaN')}", 422, ("learning_rate must be a finite number", "NaN")
    ),
    "no steps": (f"{QUERY[:-9]}&steps=0", 422, ("steps", "greater than or equal to 1")),
    "too many steps": (f"{QUERY[:-9]}&steps=100001", 422, ("steps", "100000")),
    "a batch of more than there is": (f"{QUERY}&batch=1438", 422, ("batch", "1437", "digits", "1438")),
    "a batch of one that is normalized": (f"{QUERY}&batch=1&normalization=batch", 422, ("batch", "from 2")),
    "a negative decay": (f"{QUERY}&weight_decay=-1", 422, ("weight_decay", "greater than or equal to 0")),
    "a clip of 0": (f"{QUERY}&clip=0", 422, ("clip", "greater than 0")),
    "what a diagnosis takes": (f"{QUERY}&samples=100", 422, ("samples", "unknown")),
    "a slope that nothing has": (f"{QUERY}&slope=0.2", 422, ("slope", "without activation=leaky_relu", "0.2")),
    "too much work": (f"{QUERY[:-9]}&steps=100000&batch=1437", 413, ("FANIN_LEARNING_WORK", "steps would fit")),
    "too large a network": (
        "layers=64,20000,20000,10&activation=relu&steps=1&batch=1", 413, ("FANIN_DIAGNOSIS_BYTES",)
    ),
}  # fmt: skip


@pytest.mark.parametrize("path", ["/learn", "/learn.ndjson", "/learn.svg"])
@pytest.mark.parametrize(("query", "status", "mentions"), REFUSED.values(), ids=REFUSED)
def test_a_bad_request_gets_a_problem(
    client: httpx.Client, path: str, query: str, status: int, mentions: tuple[str, ...]
) -> None:
    answer = client.get(f"{path}?{query}")
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    for mention in mentions:
        assert mention in answer.json()["detail"]


def test_a_training_is_answered_with_its_curves_and_what_came_of_it(client: httpx.Client) -> None:
    answer = client.get(f"/learn?{QUERY}")
    document = answer.json()
    assert document["network"]["layers"] == [64, 20, 10]
    assert document["network"]["output_activation"] == "identity"
    assert (document["seed"], document["parameters"]) == (3, 64 * 20 + 20 + 20 * 10 + 10)
    assert (document["training_samples"], document["test_samples"]) == (1437, 360)
    assert [point["step"] for point in document["points"]] == list(range(0, 81, 2))
    assert [layer["name"] for layer in document["points"][0]["layers"]] == ["layers.0", "layers.1"]
    assert document["points"][-1]["training_loss"] < document["points"][0]["training_loss"]
    assert document["outcome"]["code"] in ("learned", "slow")
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["etag"].startswith('W/"')
    again = client.get(f"/learn?{QUERY}", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


def test_without_a_seed_the_answer_says_which_was_drawn_and_is_not_kept(client: httpx.Client) -> None:
    answer = client.get("/learn?layers=64,10&activation=relu&steps=1")
    assert answer.headers["cache-control"] == "no-store"
    assert f"seed={answer.json()['seed']}" in answer.headers["content-location"]


def test_a_body_says_the_same_as_a_query(client: httpx.Client) -> None:
    posted, got = client.post("/learn", json=DESCRIPTION), client.get(f"/learn?{QUERY}")
    assert posted.json()["network"] == got.json()["network"]
    assert [p["step"] for p in posted.json()["points"]] == [p["step"] for p in got.json()["points"]]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_lines_are_the_points_and_the_last_one_is_the_outcome(client: httpx.Client, method: str) -> None:
    answer = client.get(f"/learn.ndjson?{QUERY}") if method == "GET" else client.post("/learn.ndjson", json=DESCRIPTION)
    assert answer.headers["content-type"] == "application/x-ndjson"
    *points, last = [json.loads(line) for line in answer.text.splitlines()]
    whole = client.get(f"/learn?{QUERY}").json()
    assert [point["step"] for point in points] == [point["step"] for point in whole["points"]]
    for ours, theirs in zip(points, whole["points"], strict=True):
        assert ours["training_loss"] == pytest.approx(theirs["training_loss"], rel=1e-3)
        assert ours.keys() == theirs.keys()
    assert last.keys() == {"outcome"}
    assert last["outcome"]["code"] == whole["outcome"]["code"]


@pytest.mark.parametrize("path", ["/learn", "/learn.ndjson", "/learn.svg"])
def test_head_has_the_headers_and_trains_nothing(client: httpx.Client, path: str) -> None:
    answer = client.head(f"{path}?{LONG}")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["etag"].startswith('W/"')


def test_the_outcome_speaks_japanese(client: httpx.Client) -> None:
    outcome = client.get(f"/learn?{QUERY}&language=ja").json()["outcome"]
    assert outcome["sentence"].endswith("。")


def test_a_picture_needs_nothing_else(client: httpx.Client) -> None:
    answer = client.get(f"/learn.svg?{QUERY}")
    assert answer.headers["content-type"].startswith("image/svg+xml")
    assert answer.headers["content-security-policy"] == "default-src 'none'"
    assert b"<polyline" in answer.content


def own(tensors: dict[str, np.ndarray]) -> bytes:
    return safetensors.numpy.save({name: np.ascontiguousarray(values) for name, values in tensors.items()})


def drawn(client: httpx.Client) -> dict[str, np.ndarray]:
    return dict(
        np.load(io.BytesIO(client.get("/weights.npz?layers=64,20,10&activation=relu&scheme=he&seed=3").content))
    )


def test_own_weights_learn_as_the_same_ones_that_are_drawn_here(client: httpx.Client) -> None:
    query = "activation=relu&seed=3&learning_rate=0.1&steps=80"
    sent = client.post(f"/learn/weights?{query}", content=own(drawn(client)))
    here = client.get(f"/learn?{QUERY}&scheme=he").json()
    assert sent.status_code == 200
    assert "network" not in sent.json()
    for ours, theirs in zip(sent.json()["points"], here["points"], strict=True):
        assert ours["training_loss"] == pytest.approx(theirs["training_loss"], rel=1e-3)


def test_slope_and_alpha_are_learned_with(client: httpx.Client) -> None:
    query = "output_activation=elu&alpha=0.5&seed=3&learning_rate=0.1&steps=80"
    losses = []
    for slope in (0.01, 0.4):
        functions = f"activation=leaky_relu&slope={slope}&{query}"
        sent = client.post(f"/learn/weights?{functions}", content=own(drawn(client))).json()
        here = client.get(f"/learn?layers=64,20,10&scheme=he&{functions}").json()
        assert here["network"].get("slope") == slope
        ours, theirs = ([point["training_loss"] for point in course["points"]] for course in (sent, here))
        assert ours == pytest.approx(theirs, rel=1e-3)
        losses.append(ours[-1])
    assert losses[0] != pytest.approx(losses[1], rel=1e-3)
    picture = client.get(f"/learn.svg?layers=64,20,10&activation=leaky_relu&slope=0.4&{query}").content
    assert b"leaky_relu with slope 0.4, " in picture
    refused = client.post("/learn/weights?activation=relu&alpha=2", content=own(drawn(client)))
    assert refused.status_code == 422
    assert "alpha has no effect without activation=elu" in refused.json()["detail"]


def test_own_weights_without_biases_learn_without_them(client: httpx.Client) -> None:
    weights = {name: values for name, values in drawn(client).items() if name.endswith("weight")}
    answer = client.post("/learn/weights?activation=relu&seed=3&steps=2", content=own(weights))
    assert answer.json()["parameters"] == 64 * 20 + 20 * 10


def test_own_weights_that_do_not_fit_the_data_are_refused(client: httpx.Client) -> None:
    body = own({"layers.0.weight": np.ones((5, 10), np.float32)})
    answer = client.post("/learn/weights?activation=relu", content=body)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "layers.0")


@pytest.fixture(scope="module")
def narrow() -> Iterator[Service]:
    with running(diagnoses=1, diagnosis_seconds=300, wait_seconds=120) as service:
        yield service


@pytest.mark.parametrize("path", ["/learn", "/learn.ndjson"])
def test_a_training_whose_client_has_left_gives_its_place_to_the_next(narrow: Service, path: str) -> None:
    with narrow.open(f"{path}?{LONG}"):
        assert eventually(lambda: narrow.metric("fanin_memory_bytes") > 0)
    assert eventually(lambda: narrow.metric("fanin_memory_bytes") == 0)
    assert httpx.get(f"{narrow.url}{path}?{QUERY}", timeout=120).status_code == 200


def test_the_first_point_comes_long_before_the_last(narrow: Service) -> None:
    with httpx.stream("GET", f"{narrow.url}/learn.ndjson?{LONG}", timeout=120) as answer:
        first = json.loads(next(answer.iter_lines()))
        assert first["step"] == 0
        assert narrow.metric("fanin_memory_bytes") > 0  # it goes on


def test_others_are_answered_while_trainings_run() -> None:
    with running(diagnoses=2) as service, ThreadPoolExecutor(2) as pool:
        url = f"{service.url}/learn?{LONG.replace('20000', '2000')}&scheme=he&learning_rate=0.0"
        trainings = [pool.submit(httpx.get, f"{url}{digit}", timeout=300) for digit in (1, 2)]
        answered = 0
        with httpx.Client(base_url=service.url, timeout=60) as client:
            while not all(training.done() for training in trainings):
                assert client.get("/livez", timeout=60).status_code == 200
                answered += 1
                time.sleep(0.01)
        assert [training.result().status_code for training in trainings] == [200, 200]
        assert answered > 10


def test_a_training_that_takes_too_long_is_a_problem_and_its_lines_are_cut() -> None:
    with running(diagnosis_seconds=1.5) as service:
        answer = httpx.get(f"{service.url}/learn?{LONG}", timeout=60)
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:fanin:problem:out-of-time")
        with (
            pytest.raises(httpx.RemoteProtocolError),
            httpx.stream("GET", f"{service.url}/learn.ndjson?{LONG}", timeout=60) as lines,
        ):
            assert all("outcome" not in json.loads(line) for line in lines.iter_lines())
        assert eventually(lambda: service.metric("fanin_memory_bytes") == 0)


def test_where_there_is_no_place_lines_are_refused_as_a_problem() -> None:
    with running(diagnoses=1, wait_seconds=0.1) as service, service.open(f"/learn?{LONG}"):
        assert eventually(lambda: service.metric("fanin_memory_bytes") > 0)
        answer = httpx.get(f"{service.url}/learn.ndjson?{QUERY}", timeout=60)
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:fanin:problem:busy")
