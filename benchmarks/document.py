"""Put what `make bench` measured into docs/benchmarks.md: python -m benchmarks.document. It measures nothing."""

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

from benchmarks.__main__ import MEASUREMENTS, RESULTS
from benchmarks.machine import Machine
from benchmarks.rows import Row, table

PAGE = Path(__file__).parents[1] / "docs/benchmarks.md"
# The machine, and the table below it.
FIGURES = re.compile(r"^Measured on .*?\n\n(?:\|.*\n)+", re.DOTALL | re.MULTILINE)


def main() -> None:
    """Write the table of the last run of each measurement, in their order; fail where none has run."""
    results = [json.loads(path.read_text()) for name in MEASUREMENTS if (path := RESULTS / f"{name}.json").exists()]
    if not results:
        raise SystemExit(f"There is nothing in {RESULTS}: run make bench first.")
    rows = [_row(entry) for result in results for entry in result["rows"]]
    figures = f"Measured on {Machine(**results[-1]['machine'])}.\n\n{table(rows)}\n"
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(FIGURES.sub(lambda _: figures, page, count=1), encoding="utf-8")


def _row(entry: dict[str, Any]) -> Row:
    return Row(**{field.name: entry[field.name] for field in fields(Row)})


if __name__ == "__main__":
    main()
