"""Measure the service: python -m benchmarks [--only NAME] [--quick]."""

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType

from benchmarks import (
    crowd,
    diagnosis,
    draw,
    latency,
    learning,
    levels,
    memory,
    models,
    orthogonal,
    page,
    plans,
    small,
    transfer,
    zarr_stores,
)
from benchmarks.machine import Machine
from benchmarks.rows import Row, table
from benchmarks.sizes import FULL, QUICK, Sizes

RESULTS = Path(__file__).parent / "results"

MEASUREMENTS: Mapping[str, Callable[[Sizes], list[Row]]] = MappingProxyType(
    {
        "draw": draw.measure,
        "orthogonal": orthogonal.measure,
        "levels": levels.measure,
        "transfer": transfer.measure,
        "small": small.measure,
        "memory": memory.measure,
        "latency": latency.measure,
        "diagnosis": diagnosis.measure,
        "learning": learning.measure,
        "page": page.measure,
        "plans": plans.measure,
        "models": models.measure,
        "zarr": zarr_stores.measure,
        "crowd": crowd.measure,
    }
)


def main() -> None:
    """Run the measurements, print one table, and write each one's rows to a file."""
    arguments = _arguments()
    machine = Machine.here()
    rows: list[Row] = []
    for name in [arguments.only] if arguments.only else MEASUREMENTS:
        print(f"{name} ...", flush=True)
        found = MEASUREMENTS[name](QUICK if arguments.quick else FULL)
        _write(f"{name}-quick" if arguments.quick else name, machine, found)
        rows += found
    print(f"\n{machine}\n\n{table(rows)}")
    if arguments.quick:
        print("\nSizes of --quick: these figures are not to be quoted.")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure the service.")
    parser.add_argument("--only", choices=tuple(MEASUREMENTS), help="run one measurement alone")
    parser.add_argument("--quick", action="store_true", help="smaller sizes; their figures are not to be quoted")
    return parser.parse_args()


def _write(name: str, machine: Machine, rows: Sequence[Row]) -> None:
    RESULTS.mkdir(exist_ok=True)
    entries = [asdict(row) | {"ratio": row.ratio, "verdict": row.verdict} for row in rows]
    text = json.dumps({"machine": asdict(machine), "rows": entries}, indent=2)
    (RESULTS / f"{name}.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
