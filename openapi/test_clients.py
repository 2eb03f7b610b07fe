"""Clients in other languages get the bits that NumPy gets: make test-sdk. Nothing is skipped."""

import hashlib
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import safetensors.numpy

from harness.running import Service, running
from openapi.clients import CLIENTS, CXX, CXX_PACKAGES
from openapi.sdk import GENERATORS, generate
from openapi.toolchains import OPENAPI, ROOT, CommandFailed, install, run

EXAMPLES = OPENAPI / "examples"
NETWORK = {"layers": "784,256,10", "activation": "relu", "seed": "42"}
Array = np.ndarray[Any, np.dtype[np.float32]]
RESNET = json.loads((OPENAPI / "resnet18.json").read_text(encoding="utf-8"))
VECTORS = json.loads((ROOT / "docs/recipe-vectors.json").read_text(encoding="utf-8"))
HTTP_PAGE = (ROOT / "docs/http.md").read_text(encoding="utf-8")
SHORTEST = dict(re.findall(r"```(js|cpp)\n(.*?```\n\n```text\n.*?)```", HTTP_PAGE, re.DOTALL))


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with running() as service:
        yield service


def downloaded(service: Service, path: str, **query: str) -> Array:
    answer = httpx.get(service.url + path, params=NETWORK | query, timeout=60)
    assert answer.status_code == 200, answer.text
    array: Array = np.load(io.BytesIO(answer.content))
    return array


def resnet18(service: Service) -> bytes:
    """Return a ResNet-18 of torchvision's, which has 11,689,512 parameters."""
    answer = httpx.post(f"{service.url}/model/weights.safetensors", json=RESNET, timeout=60)
    assert answer.status_code == 200, answer.text
    tensors = safetensors.numpy.load(answer.content)
    learned = (array for name, array in tensors.items() if not re.search("running_|num_batches", name))
    assert sum(array.size for array in learned) == 11_689_512
    return answer.content


def digest(array: Array) -> str:
    assert array.dtype == np.dtype("<f4")
    return hashlib.sha256(array.tobytes()).hexdigest()


def test_every_folder_of_examples_is_a_client_that_is_run() -> None:
    # Those for frameworks are run by make test-models.
    assert {folder.name for folder in EXAMPLES.iterdir()} == {*CLIENTS, "frameworks"}
    assert {name for name, client in CLIENTS.items() if client.uses_sdk} == set(GENERATORS)


@pytest.mark.parametrize("name", CLIENTS)
def test_client_reads_the_bits_that_numpy_reads(service: Service, name: str) -> None:
    client, folder = CLIENTS[name], EXAMPLES / name
    install(client.packages)
    if client.uses_sdk:
        generate(name)
    for command in client.compile:
        run(command, folder, **client.variables)
    printed = run((*client.run, service.url), folder, **client.variables)

    network = digest(downloaded(service, "/weights.npy"))
    tensor = digest(downloaded(service, "/weights/layers.0.weight.npy"))
    resnet = hashlib.sha256(resnet18(service)).hexdigest()
    assert printed.splitlines() == [
        "plan 203530 values in 4 tensors",
        f"weights.npy {network}",
        f"weights.json {network}",
        f"halves {network}",
        f"posted {network}",
        f"tensor.npy {tensor}",
        f"tensor.bin {tensor}",
        f"resnet18 {resnet}",
        "verdict saturated",
        "problem 422 urn:fanin:problem:invalid-request layers.1",
    ]


def test_javascript_recomputes_elements_from_the_recipe_alone(service: Service) -> None:
    seed, tensor, fan_in = "9007199254740991", "layers.1.weight", 50000
    # Pairs, both ends of blocks of words, and elements beyond 2^31.
    rows = {0: (0, 16), 1: (49998, 50000), 43210: (12344, 12352), 49999: (49997, 50000)}
    for row, (start, stop) in rows.items():
        cut = {"rows": f"{row}:{row + 1}", "columns": f"{start}:{stop}"}
        served = downloaded(
            service, f"/weights/{tensor}.npy", layers="9,50000,50000", activation="tanh", seed=seed, **cut
        )
        indices = [str(fan_in * row + column) for column in range(start, stop)]
        printed = run(("node", "recipe.js", seed, tensor, repr(fan_in**-0.5), *indices), EXAMPLES / "node")
        assert printed.split() == [f"{bits:08x}" for bits in served.view("<u4")[0].tolist()]


@pytest.mark.parametrize(
    "case", [case for case in VECTORS["orthogonal"] if "bits" in case], ids=lambda case: case["key"]
)
def test_javascript_recomputes_orthogonal_matrices_from_the_recipe_alone(case: dict[str, Any]) -> None:
    fields = [str(case[name]) for name in ("seed", "key", "rows", "columns", "copy", "gain")]
    printed = run(("node", "recipe.js", "orthogonal", *fields), EXAMPLES / "node")
    assert printed.upper().split() == [bits for row in case["bits"] for bits in row]


def test_spectral_finds_nothing() -> None:
    spectral = OPENAPI / "node_modules/.bin/spectral"
    run((spectral, "lint", "openapi.json", "--ruleset", ".spectral.yaml", "--fail-severity", "warn"), OPENAPI)


def test_spectral_would_find_something(tmp_path: Path) -> None:
    document = tmp_path / "openapi.json"
    document.write_text(re.sub(r'"operationId": "\w+",', "", (OPENAPI / "openapi.json").read_text(), count=1))
    spectral = OPENAPI / "node_modules/.bin/spectral"
    with pytest.raises(CommandFailed, match="operation-operationId"):
        run((spectral, "lint", document, "--ruleset", ".spectral.yaml", "--fail-severity", "warn"), OPENAPI)


@pytest.mark.parametrize("language", ["js", "cpp"])
def test_the_shortest_client_in_readme_runs_as_written(service: Service, tmp_path: Path, language: str) -> None:
    code, output = SHORTEST[language].split("```\n\n```text\n")
    program = tmp_path / f"main.{language}"
    program.write_text(code.replace("http://127.0.0.1:8000", service.url))
    if language == "js":
        (tmp_path / "package.json").write_text('{"type": "module"}')
        (tmp_path / "node_modules").symlink_to(OPENAPI / "node_modules")
        assert run(("node", program)) == output
        return
    install(CXX_PACKAGES)
    run((*CXX, "-I", EXAMPLES / "cpp", program, "-o", tmp_path / "main", "-lcurl"))
    assert run((tmp_path / "main",)) == output
