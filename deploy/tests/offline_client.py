"""A client on the service's own network, with nothing but Python: prints what it got, as JSON."""

import hashlib
import json
import re
import sys
from pathlib import Path
from urllib.request import urlopen

QUERY = "layers=784,256,10&activation=relu&seed=42"


def get(path: str) -> bytes:
    """Return the body of an answer; raise if it is none."""
    with urlopen(f"http://{sys.argv[1]}:8000{path}", timeout=60) as answer:
        body: bytes = answer.read()
        return body


page = get("/docs").decode()
loaded = re.findall(r'(?:src|href|spec-url)="([^"]+)"', page)
gateways = [line.split()[2] for line in Path("/proc/net/route").read_text().splitlines()[1:]]
json.dump(
    {
        "leads_out": any(int(gateway, 16) for gateway in gateways),
        "loaded_by_docs": {path: len(get(path)) for path in loaded},
        "recipe": len(get("/docs/recipe.md")),
        "operations": len(json.loads(get("/openapi.json"))["paths"]),
        "tensors": [tensor["name"] for tensor in json.loads(get(f"/plan?{QUERY}"))["tensors"]],
        "verdicts": len(json.loads(get(f"/diagnose?{QUERY}"))["layers"]),
        "npy": hashlib.sha256(get(f"/weights.npy?{QUERY}")).hexdigest(),
        "npz": hashlib.sha256(get(f"/weights.npz?{QUERY}")).hexdigest(),
    },
    sys.stdout,
)
