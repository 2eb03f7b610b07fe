"""README and docs/ are part of the product: their examples run as written, and their tables are those of the code."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.running import ROOT, Service
from service.describe.learning import DataName, LearningRequest, OptimizerName
from service.describe.network import DiagnosisRequest, InputName, Language, LossName, Network, Normalization, ReportName
from service.initializers.matrix_choices import FORMULAS
from service.initializers.schemes import GAIN_FORMULA, SCHEMES, SchemeName
from service.web.http.malformed import MALFORMED
from service.web.http.problems import INTERNAL_ERROR, KINDS, METHOD_NOT_ALLOWED, NOT_FOUND, REFUSED_PREFLIGHT
from service.web.settings import Settings

PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/*.md")))
}
# A page, a command, and the output that follows it, where one does.
EXAMPLES = [
    (page, command, output)
    for page, text in PAGES.items()
    for command, output in re.findall(r"^```sh\n(.*?)^```(?:\n\n```text\n(.*?)^```)?", text, re.DOTALL | re.MULTILINE)
]


def table(page: str, heading: str) -> dict[str, list[str]]:
    """Return the rows of the table whose header begins with `heading`, by their first cell."""
    found = re.search(rf"^\| {re.escape(heading)}.*?\n\|[-|]+\n((?:\|.*\n)+)", PAGES[page], re.MULTILINE)
    assert found, heading
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in found[1].splitlines()]
    return {row[0].strip("`"): row[1:] for row in rows}


@pytest.mark.parametrize(
    ("command", "output"),
    [(command, output) for _, command, output in EXAMPLES],
    ids=[f"{page}-{index}" for index, (page, _, _) in enumerate(EXAMPLES)],
)
def test_each_example_runs_as_written(service: Service, tmp_path: Path, command: str, output: str) -> None:
    ported = command.replace("http://127.0.0.1:8000", service.url)
    # Examples run where `make` has been: beside the environment that it makes.
    (tmp_path / ".venv").symlink_to(sys.prefix)
    shell = ["bash", "-euo", "pipefail", "-c", ported]
    ran = subprocess.run(shell, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    # An answer need not end its last line, which a terminal does not show.
    assert ran.stdout.rstrip("\n") == output.rstrip("\n")


def test_there_are_examples_to_run() -> None:
    assert {"README.md", "docs/http.md", "docs/models.md", "docs/diagnose.md"} <= {page for page, _, _ in EXAMPLES}
    assert all(output for _, _, output in EXAMPLES)


def test_readme_is_one_screen_that_begins_with_what_it_is() -> None:
    assert len(PAGES["README.md"].splitlines()) < 150
    assert PAGES["README.md"].startswith("# fanin\n\nInitial weights for neural networks")


def test_the_table_of_settings_is_that_of_the_code() -> None:
    def default(name: str) -> Any:
        value = Settings.model_fields[name].default
        written = {
            "workers": "number of CPUs",
            "memory": "¾ of what there is",
            "cache_bytes": "33554432, or 1/48 of `FANIN_MEMORY` if less",
            "matrix_bytes": "268435456, or ⅙ of `FANIN_MEMORY` if less",
            "cors_origins": '["*"]',
            "proxies": "[]",
            "api_keys_file": "none",
            "log": "none",
        }
        return written.get(name, str(value))

    assert table("docs/deploy.md", "variable") == {
        f"FANIN_{name.upper()}": [default(name), field.description] for name, field in Settings.model_fields.items()
    }


def test_the_table_of_problems_is_that_of_the_code() -> None:
    kinds = [*KINDS.values(), *MALFORMED.values(), NOT_FOUND, METHOD_NOT_ALLOWED, REFUSED_PREFLIGHT, INTERNAL_ERROR]
    found = re.findall(r"^\| (\d{3}) \| ([a-z-]+) \|", PAGES["docs/http.md"], re.MULTILINE)
    assert sorted(found) == sorted((str(int(kind.status)), kind.slug) for kind in kinds)


def test_the_table_of_schemes_is_that_of_the_code() -> None:
    rows = table("docs/http.md", "scheme | std")
    assert {name: row[0] for name, row in rows.items()} == {
        name: SCHEMES[name].formula for name in SchemeName if name in SCHEMES
    } | {"variance_preserving": GAIN_FORMULA} | {name: FORMULAS[name] for name in SchemeName if name in FORMULAS}


def test_every_parameter_and_each_of_its_values_is_named() -> None:
    rows = table("docs/http.md", "parameter")
    assert set(rows) == set(Network.model_fields)
    definitions = Network.model_json_schema()["$defs"]
    columns = {"activation": "Activation", "scheme": "SchemeName", "dtype": "DType", "layout": "Layout", "bias": "Bias"}
    columns |= {"distribution": "DistributionName", "cut_std": "CutStd", "fan": "FanName"}
    for parameter, definition in columns.items():
        for value in definitions[definition]["enum"]:
            assert value in rows[parameter][0]


def test_the_table_of_diagnose_is_that_of_the_code() -> None:
    rows = table("docs/diagnose.md", "parameter")
    assert set(rows) == set(DiagnosisRequest.model_fields) - set(Network.model_fields)
    for choices in (InputName, Normalization, LossName, ReportName, Language):
        assert all(any(choice.value in row[0] for row in rows.values()) for choice in choices), choices


def test_the_table_of_learn_is_that_of_the_code() -> None:
    rows = table("docs/learn.md", "parameter")
    assert set(rows) == set(LearningRequest.model_fields) - set(Network.model_fields)
    for choices in (DataName, OptimizerName, Normalization, Language):
        assert all(any(choice.value in row[0] for row in rows.values()) for choice in choices), choices


def test_the_commands_for_make_are_targets() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"[`\n]make ([a-z-]+)", "".join(PAGES.values()))):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
