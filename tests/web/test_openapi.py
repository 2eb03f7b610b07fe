"""The OpenAPI document: it is the committed one, it is whole, and its examples run as written."""

import re
from typing import Any

import httpx
import jsonschema
import pytest

from openapi.write import PATH, document
from service.web.app import create_app
from service.web.settings import Settings
from tests.web.test_bad_requests import TABLE, Refused

OPENAPI: dict[str, Any] = create_app(Settings()).openapi()
OPERATIONS = {
    operation["operationId"]: (path, method, operation)
    for path, methods in OPENAPI["paths"].items()
    for method, operation in methods.items()
}


def example_url(path: str, operation: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    query = {}
    for parameter in operation.get("parameters", []):
        example = parameter.get("example")
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", parameter["schema"]["examples"][0])
        elif example is not None:
            query[parameter["name"]] = example
    return path, query


def call(client: httpx.Client, operation_id: str) -> httpx.Response:
    path, method, operation = OPERATIONS[operation_id]
    url, query = example_url(path, operation)
    content = operation.get("requestBody", {}).get("content", {})
    if "application/octet-stream" in content:  # a file of weights, for which a document has no room
        file = client.get("/weights.safetensors?layers=4,3&activation=tanh&seed=1").content
        return client.request(method, url, params=query, content=file)
    return client.request(method, url, params=query, json=content.get("application/json", {}).get("example"))


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema with the document's components beside it, for a validator to follow references."""
    return {**schema, "components": OPENAPI["components"]}


FIELDS = {
    f"{name}.{field}": described
    for name, schema in OPENAPI["components"]["schemas"].items()
    for field, described in schema.get("properties", {}).items()
}


def test_the_committed_document_is_the_one_that_is_served(client: httpx.Client) -> None:
    assert PATH.read_text(encoding="utf-8") == document(), "run make openapi"
    assert client.get("/openapi.json").json() == OPENAPI


def test_operation_ids_are_stable_camel_case() -> None:
    assert sorted(OPERATIONS) == [
        "getDiagnosis", "getDiagnosisPicture", "getLiveness", "getMetrics", "getPlan", "getReadiness",
        "getRecipe", "getRecipeVectors",
        "getTensorBin", "getTensorJson", "getTensorNpy", "getVersion",
        "getWeightsJson", "getWeightsNpy", "getWeightsNpz", "getWeightsSafetensors",
        "postDiagnosis", "postOwnWeights", "postPlan",
        "postWeightsJson", "postWeightsNpy", "postWeightsNpz", "postWeightsSafetensors",
    ]  # fmt: skip


@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_each_operation_says_what_it_does(operation_id: str) -> None:
    _, _, operation = OPERATIONS[operation_id]
    assert operation["summary"]
    assert operation["description"]
    assert operation["tags"][0] in {tag["name"] for tag in OPENAPI["tags"]}
    assert all(parameter["description"] for parameter in operation.get("parameters", []))


@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_each_operation_s_example_runs_and_gives_what_is_documented(client: httpx.Client, operation_id: str) -> None:
    answer = call(client, operation_id)
    assert answer.status_code == 200, answer.text
    content = OPERATIONS[operation_id][2]["responses"]["200"]["content"]
    media_type = answer.headers["content-type"].partition(";")[0]
    assert list(content) == [media_type]
    if media_type == "application/json":
        jsonschema.validate(answer.json(), resolved(content[media_type]["schema"]))
    elif media_type == "application/octet-stream":
        assert content[media_type]["schema"] == {"type": "string", "format": "binary"}
        for header in OPERATIONS[operation_id][2]["responses"]["200"]["headers"]:
            assert header in answer.headers


@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_each_failure_is_documented_as_a_problem(operation_id: str) -> None:
    responses = OPERATIONS[operation_id][2]["responses"]
    failures = {status: response for status, response in responses.items() if status >= "400"}
    assert "500" in failures
    for response in failures.values():
        assert response["content"] == {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


@pytest.mark.parametrize("refused", [row for row in TABLE.values() if row.status != 405], ids=str)
def test_each_bad_request_of_the_table_has_a_documented_status(refused: Refused) -> None:
    path = refused.target.partition("?")[0]
    for template, methods in OPENAPI["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template.replace(".", r"\.")), path):
            assert str(refused.status) in methods[refused.method.lower()]["responses"]
            return
    assert refused.status == 404


@pytest.mark.parametrize("described", FIELDS.values(), ids=FIELDS)
def test_each_field_is_described(described: dict[str, Any]) -> None:
    assert described["description"]


@pytest.mark.parametrize("field", OPENAPI["components"]["schemas"]["Network"]["properties"])
def test_each_example_of_a_description_runs(client: httpx.Client, field: str) -> None:
    described = OPENAPI["components"]["schemas"]["Network"]["properties"][field]
    body = {"layers": [4, 3], "activation": "tanh", field: described["examples"][0]}
    if field == "std":
        body["scheme"] = "fixed"
    answer = client.post("/plan", json=body)
    expected = 422 if body.get("scheme") == "fixed" and "std" not in body else 200
    assert answer.status_code == expected
    assert answer.json()["network"][field] == described["examples"][0]


@pytest.mark.parametrize(
    ("layers", "fits"),
    [("784,10", True), ("2147483647,1", True), ("10000000000,1", False), ("01,2", False), ("784", False)],
)
def test_the_pattern_of_layers_is_as_strict_as_a_pattern_can_be(layers: str, fits: bool) -> None:  # noqa: FBT001
    described = next(one for one in OPENAPI["paths"]["/plan"]["get"]["parameters"] if one["name"] == "layers")
    assert bool(re.search(described["schema"]["pattern"], layers)) is fits


def test_no_field_is_nullable_and_every_integer_is_bounded() -> None:
    def check(schema: Any, where: str) -> None:
        if isinstance(schema, dict):
            assert schema.get("type") != "null", where
            if schema.get("type") == "integer":
                assert {"format", "minimum", "maximum"} <= set(schema), where
            if schema.get("type") == "number":
                assert "format" in schema, where
            for key, value in schema.items():
                check(value, f"{where}/{key}")
        elif isinstance(schema, list):
            for value in schema:
                check(value, where)

    check(OPENAPI["components"]["schemas"], "#")
    check([operation.get("parameters", []) for _, _, operation in OPERATIONS.values()], "parameters")


def test_the_page_loads_nothing_from_elsewhere(client: httpx.Client) -> None:
    page = client.get("/docs")
    assert page.headers["content-security-policy"].startswith("default-src 'self';")
    loaded = re.findall(r'(?:src|href|spec-url)="([^"]+)"', page.text)
    assert len(loaded) >= 2
    for url in loaded:
        assert url.startswith("/")
        assert client.get(url).status_code == 200
