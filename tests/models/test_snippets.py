"""The programs that the page offers load the weights into a model of each framework, which then says what it should."""

import sys
from pathlib import Path

import httpx
import numpy as np
import pytest
import torch
from safetensors.numpy import load

from harness.running import ROOT, Service
from openapi.toolchains import run
from service.numerics.activations import Activation

SNIPPETS = ROOT / "service/web/static/lab/snippets.js"
TORCH = {
    "identity": torch.nn.Identity(), "leaky_relu": torch.nn.LeakyReLU(0.01), "hard_tanh": torch.nn.Hardtanh(),
    "silu": torch.nn.SiLU(), "softsign": torch.nn.Softsign(),
}  # fmt: skip


def program(service: Service, language: str, hidden: str) -> str:
    """Return the page's program, as its own script writes it."""
    query = f"layers=30,20,10&activation={hidden}&output_activation=tanh&seed=7&scheme=he"
    described = (
        f'{{origin: "{service.url}", query: "{query}", sizes: [30, 20, 10], hidden: "{hidden}", output: "tanh"}}'
    )
    write = f'import {{snippet}} from "{SNIPPETS.as_uri()}"; process.stdout.write(snippet("{language}", {described}))'
    return run(("node", "--input-type=module", "-e", write))


# A start of these two takes seconds: only names that differ between frameworks are tried.
OF_OTHERS = ("relu", "gelu", "leaky_relu", "hard_tanh", "identity", "softsign")


@pytest.mark.parametrize(
    ("language", "hidden"),
    [
        *(("pytorch", hidden) for hidden in Activation),
        *((language, hidden) for language in ("flax", "keras") for hidden in OF_OTHERS),
    ],
)
def test_a_model_starts_with_the_weights(service: Service, tmp_path: Path, language: str, hidden: str) -> None:
    (tmp_path / "model.py").write_text(program(service, language, hidden), encoding="utf-8")
    output = run((sys.executable, "model.py"), tmp_path)
    query = f"layers=30,20,10&activation={hidden}&output_activation=tanh&seed=7&scheme=he"
    weights = load(httpx.get(f"{service.url}/weights.safetensors?{query}", timeout=60).content)
    function = TORCH.get(hidden) or getattr(torch.nn.functional, hidden, None) or getattr(torch, hidden)
    first, second = (torch.from_numpy(weights[f"layers.{number}.weight"].astype(np.float64)) for number in (0, 1))
    expected = torch.tanh(function(torch.arange(30, dtype=torch.float64).cos() @ first) @ second)
    assert [float(line) for line in output.splitlines()] == pytest.approx(expected.tolist(), abs=1e-5)
