"""The OpenAPI document: it is the committed one, it is whole, and its examples run as written."""

import re
from typing import Any

import httpx
import jsonschema
import pytest

from openapi.write import PATH, document
from service.web.app import create_app
from service.web.settings import Settings
from tests.web.api.test_bad_requests import TABLE, Refused, answer_to

OPENAPI: dict[str, Any] = create_app(Settings()).openapi()
OPERATIONS: dict[str, tuple[str, str, dict[str, Any]]] = {
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
        layers = "64,10" if path.startswith("/learn") else "4,3"
        file = client.get(f"/weights.safetensors?layers={layers}&activation=tanh&seed=1").content
        return client.request(method, url, params=query, content=file)
    return client.request(method, url, params=query, json=content.get("application/json", {}).get("example"))


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema with the document's components beside it, for a validator to follow references."""
    return {**schema, "components": OPENAPI["components"]}


def query_parameter(name: str) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = OPENAPI["paths"]["/plan"]["get"]["parameters"]
    return next(parameter for parameter in parameters if parameter["name"] == name)


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
        "getDiagnosis", "getDiagnosisPicture", "getLearning", "getLearningLines", "getLearningPicture",
        "getLiveness", "getMetrics",
        "getModelPlan", "getModelTensorBin", "getModelTensorJson", "getModelTensorNpy",
        "getModelWeightsJson", "getModelWeightsNpy", "getModelWeightsNpz", "getModelWeightsSafetensors",
        "getPlan", "getReadiness", "getRecipe", "getRecipeVectors",
        "getSingleTensorBin", "getSingleTensorJson", "getSingleTensorNpy", "getSingleTensorPlan",
        "getTensorBin", "getTensorJson", "getTensorNpy", "getVersion",
        "getWeightsJson", "getWeightsNpy", "getWeightsNpz", "getWeightsSafetensors",
        "getZarrArray", "getZarrChunk", "getZarrGroup", "getZarrScalar",
        "postDiagnosis", "postDiagnosisOfWeights", "postLearning", "postLearningLines",
        "postLearningOfWeights", "postModelHeader", "postModelPlan",
        "postModelWeightsJson", "postModelWeightsNpy", "postModelWeightsNpz", "postModelWeightsSafetensors", "postPlan",
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


def titles(operation_id: str, status: int) -> list[str]:
    """Return the titles of the problems with this status that are documented for an operation."""
    description = OPERATIONS[operation_id][2]["responses"][str(status)]["description"]
    return [title.strip().removesuffix(".") for title in description.split(" Or: ")]


def operation_of(path: str, method: str) -> str | None:
    """Return the operation at a path, if there is one."""
    for operation_id, (template, operation_method, _) in OPERATIONS.items():
        pattern = re.sub(r"\\{\w+\\}", ".*", re.escape(template))
        if operation_method == method.lower() and re.fullmatch(pattern, path):
            return operation_id
    return None


AT_A_PATH = {name: row for name, row in TABLE.items() if operation_of(row.target.partition("?")[0], row.method)}


def test_most_bad_requests_of_the_table_are_those_of_an_operation() -> None:
    # 422 is for a query behind what stores are asked for where there is none.
    assert {row.status for row in TABLE.values() if row not in AT_A_PATH.values()} == {404, 405, 422}
    assert {row.status for row in AT_A_PATH.values()} == {400, 404, 413, 415, 422}


@pytest.mark.parametrize("refused", AT_A_PATH.values(), ids=AT_A_PATH)
def test_each_bad_request_of_the_table_gets_a_problem_that_is_documented(
    client: httpx.Client, refused: Refused
) -> None:
    operation_id = operation_of(refused.target.partition("?")[0], refused.method)
    assert operation_id
    problem = answer_to(refused, client).json()
    assert problem["title"] in titles(operation_id, problem["status"])


def test_each_503_says_why() -> None:
    reasons = {
        operation_id: titles(operation_id, 503)
        for operation_id, (_, _, operation) in OPERATIONS.items()
        if "503" in operation["responses"]
    }
    assert reasons.pop("getReadiness") == ["The service is not ready"]
    assert "Retry-After" not in OPERATIONS["getReadiness"][2]["responses"]["503"].get("headers", {})
    assert {"getWeightsNpy", "postWeightsNpz", "getTensorBin", "getDiagnosis", "postDiagnosisOfWeights"} < set(reasons)
    for operation_id, titles_of_503 in reasons.items():
        may_take_long = "Diagnos" in operation_id or "Learning" in operation_id
        assert titles_of_503 == ["The service is busy", *["The work took too long"] * may_take_long]
        assert "Retry-After" in OPERATIONS[operation_id][2]["responses"]["503"]["headers"]


def test_layers_are_described_alike_in_a_query_and_in_a_body() -> None:
    in_query = query_parameter("layers")
    in_body = OPENAPI["components"]["schemas"]["Network"]["properties"]["layers"]
    assert in_query["description"] == in_body["description"]
    (in_url,), (as_list,) = in_query["schema"]["examples"], in_body["examples"]
    assert in_url == ",".join(map(str, as_list))
    assert in_url in in_query["description"]


def test_no_component_has_a_name_that_says_nothing_or_is_reserved() -> None:
    # Version and Status are types of C#'s and Go's own libraries.
    assert not {"Automatic", "Experiment", "Status", "Version"} & set(OPENAPI["components"]["schemas"])
    assert {"AutoSchemeForecast", "DiagnosisRequest", "ServiceStatus", "ServiceVersion"} < set(
        OPENAPI["components"]["schemas"]
    )


def test_the_server_is_said_to_be_where_the_document_came_from() -> None:
    (server,) = OPENAPI["servers"]
    assert server["url"] == "/"
    assert "loaded from" in server["description"]


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
    assert answer.status_code == 200
    assert answer.json()["network"][field] == described["examples"][0]


@pytest.mark.parametrize(
    ("layers", "fits"),
    [("784,10", True), ("2147483647,1", True), ("10000000000,1", False), ("01,2", False), ("784", False)],
)
def test_the_pattern_of_layers_is_as_strict_as_a_pattern_can_be(layers: str, fits: bool) -> None:  # noqa: FBT001
    described = query_parameter("layers")
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
