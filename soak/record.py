"""Record what schemathesis makes up from the document: python -m soak.record, where `make fuzz` has installed it."""

import gzip
import json
import subprocess
import sys
import tempfile
from base64 import b64encode
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from harness.running import running
from openapi.fuzz.__main__ import CONFIG, LIMITS
from soak.requests import RECORDED

EXAMPLES = 100  # for each operation
LARGEST_BODY = 4096  # bytes; what is larger is met in the tests of limits
# Headers of the tool and of the connection.
LEFT_OUT = frozenset({"host", "connection", "content-length", "user-agent", "accept", "accept-encoding"})


def main() -> None:
    """Have schemathesis ask a service, and keep what it asked."""
    tool = Path(sys.executable).with_name("st")
    with running(**LIMITS) as service, tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "asked.har"
        subprocess.run(
            [tool, "--config-file", CONFIG, "run", f"{service.url}/openapi.json", "--checks", "not_a_server_error",
             "--phases", "examples,coverage,fuzzing", "--max-examples", str(EXAMPLES),
             "--report", "har", "--report-har-path", archive],
            check=True,
        )  # fmt: skip
        entries = json.loads(archive.read_text(encoding="utf-8"))["log"]["entries"]
    # Sorted and without repeats, so that a new recording differs where the requests do.
    lines = sorted({json.dumps(request, sort_keys=True) for request in map(_request, entries) if request})
    with RECORDED.open("wb") as file, gzip.GzipFile("", "wb", fileobj=file, mtime=0) as compressed:
        compressed.write("".join(f"{line}\n" for line in lines).encode())
    print(f"{len(lines)} requests, {RECORDED.stat().st_size} bytes")


def _request(entry: dict[str, Any]) -> dict[str, Any] | None:
    asked = entry["request"]
    url = urlsplit(asked["url"])
    body = asked.get("postData", {}).get("text", "").encode("utf-8", "surrogateescape")
    if len(body) > LARGEST_BODY:
        return None
    headers = {header["name"]: header["value"] for header in asked["headers"] if header["name"].lower() not in LEFT_OUT}
    return {
        "method": asked["method"],
        "target": url.path + (f"?{url.query}" if url.query else ""),
        "headers": {name: value for name, value in headers.items() if not name.lower().startswith("x-schemathesis")},
        "body": b64encode(body).decode(),
    }


if __name__ == "__main__":
    main()
