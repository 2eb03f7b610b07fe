"""README is part of the product: its examples run as written, and its tables are those of the code."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from service.numerics.schemes import SCHEMES
from service.spec import Network
from service.web.problems import INTERNAL_ERROR, KINDS, METHOD_NOT_ALLOWED, NOT_FOUND
from service.web.settings import Settings
from tests.running import ROOT, Service

README = (ROOT / "README.md").read_text(encoding="utf-8")
# A command, and the output that follows it, where one does.
EXAMPLES = re.findall(r"```sh\n(.*?)```(?:\n\n```text\n(.*?)```)?", README, re.DOTALL)


def table(heading: str) -> dict[str, list[str]]:
    """Return the rows of the table whose header begins with `heading`, by their first cell."""
    found = re.search(rf"^\| {re.escape(heading)}.*?\n\|[-|]+\n((?:\|.*\n)+)", README, re.MULTILINE)
    assert found, heading
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in found[1].splitlines()]
    return {row[0].strip("`"): row[1:] for row in rows}


@pytest.mark.parametrize(("command", "output"), EXAMPLES, ids=[command.split("'")[1][:60] for command, _ in EXAMPLES])
def test_each_example_runs_as_written(service: Service, tmp_path: Path, command: str, output: str) -> None:
    ported = command.replace("http://127.0.0.1:8000", service.url)
    # Examples run where `make` has been: beside the environment that it makes.
    (tmp_path / ".venv").symlink_to(sys.prefix)
    shell = ["bash", "-euo", "pipefail", "-c", ported]
    ran = subprocess.run(shell, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == output


def test_there_are_examples_to_run() -> None:
    assert len(EXAMPLES) >= 5
    assert all(output for _, output in EXAMPLES)


def test_the_table_of_settings_is_that_of_the_code() -> None:
    def default(name: str) -> Any:
        value = Settings.model_fields[name].default
        return {"workers": "number of CPUs", "cors_origins": '["*"]'}.get(name, str(value))

    assert table("variable") == {
        f"FANIN_{name.upper()}": [default(name), field.description] for name, field in Settings.model_fields.items()
    }


def test_the_table_of_problems_is_that_of_the_code() -> None:
    kinds = [*KINDS.values(), NOT_FOUND, METHOD_NOT_ALLOWED, INTERNAL_ERROR]
    found = re.findall(r"^\| (\d{3}) \| ([a-z-]+) \|", README, re.MULTILINE)
    assert sorted(found) == sorted((str(int(kind.status)), kind.slug) for kind in kinds)


def test_the_table_of_schemes_is_that_of_the_code() -> None:
    rows = table("scheme | std")
    assert {name: row[0] for name, row in rows.items()} == {name: scheme.formula for name, scheme in SCHEMES.items()}


def test_every_parameter_and_each_of_its_values_is_named() -> None:
    rows = table("parameter")
    assert list(rows) == list(Network.model_fields) or sorted(rows) == sorted(Network.model_fields)
    definitions = Network.model_json_schema()["$defs"]
    columns = {"activation": "Activation", "scheme": "SchemeName", "dtype": "DType", "layout": "Layout", "bias": "Bias"}
    for parameter, definition in columns.items():
        for value in definitions[definition]["enum"]:
            assert value in rows[parameter][0]


def test_the_commands_for_make_are_targets() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"\bmake ([a-z-]+)", README)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
