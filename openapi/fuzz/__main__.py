"""Fuzz the running service from its OpenAPI document: python -m openapi.fuzz EXAMPLES."""

import subprocess
import sys
from pathlib import Path

from harness.running import running

CONFIG = Path(__file__).with_name("schemathesis.toml")
# Small limits: nobody waits for gigabytes, and the limits themselves are met more often. None is below what the
# document's own examples need.
LIMITS = {"response_bytes": 2**20, "json_elements": 2**18, "diagnosis_bytes": 2**28}


def fuzz(examples: int) -> int:
    """Return the exit status of a run with this many examples for each operation: 0 if nothing was found."""
    tool = Path(sys.executable).with_name("st")
    with running(**LIMITS) as service:
        status = subprocess.run(
            [tool, "--config-file", CONFIG, "run", f"{service.url}/openapi.json", "--checks", "all",
             "--max-examples", str(examples)],
            check=False,
        ).returncode  # fmt: skip
        faults = [line for line in service.log_lines() if line.get("status", 0) >= 500 or line["level"] == "error"]
    if faults:
        print(f"the service logged {len(faults)} lines about faults; the first: {faults[0]}")
    return status or bool(faults)


if __name__ == "__main__":
    sys.exit(fuzz(int(sys.argv[1])))
