"""docs/theory.md says what its program prints, and what the service computes."""

import math
import re
import subprocess
import sys
from pathlib import Path

import pytest

from service.diagnosis.theory.mean_field import LayerSetup, mean_field
from service.numerics.activations import FUNCTIONS, Activation
from tests.diagnosis.reports import endless

PAGE = (Path(__file__).parents[2] / "docs" / "theory.md").read_text(encoding="utf-8")


def test_the_program_prints_what_stands_below_it() -> None:
    (program,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (printed,) = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == printed
    theory = [float(number) for number in re.findall(r"theory ([\d.]+)", printed)]
    layers = [LayerSetup(FUNCTIONS[Activation.TANH], 1000, 1000, math.sqrt(1 / 1000))] * len(theory)
    assert [layer.std for layer in mean_field(layers, endless(1000, 1000), normalized=False)] == pytest.approx(
        theory, abs=5e-5
    )


@pytest.mark.parametrize(
    ("name", "gain", "number"), [("relu", 2, 0), ("relu", 2, 9), ("selu", 1, 9), ("tanh", 1, 0), ("tanh", 1, 1)]
)
def test_the_table_has_the_figures_of_the_service(name: str, gain: int, number: int) -> None:
    rows = re.findall(rf"^\| {name}, {gain}.* \| .* \| (.*) \| (.*) \|$", PAGE, re.MULTILINE)
    mean, std = (float(cell.split()[-1]) for cell in rows[min(number, len(rows) - 1)])
    layers = [LayerSetup(FUNCTIONS[Activation(name)], 100, 100, math.sqrt(gain / 100))] * 10
    layer = mean_field(layers, endless(100, 1000), normalized=False)[number]
    assert (layer.mean, layer.std) == pytest.approx((mean, std), abs=1e-6)
