"""A small model of each family: its tensors as the library lists them, and the frozen digest of our file.

That the lists are the libraries' is checked by tests/models/test_golden_families.py, which also has the cases that show
that these weights start as the libraries start them.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from service.describe.model.model import Limits, model_in_body
from service.describe.model.resolve import resolved
from service.documents.model import SeededModel
from service.files.safetensors.write import plan_as_safetensors
from tests.bodies import whole

FAMILIES = Path(__file__).with_name("golden_families.json")
SEED = 42

Frozen = dict[str, dict[str, Any]]


def frozen() -> Frozen:
    """Return what is frozen of each family: its model, and the digest."""
    read: Frozen = json.loads(FAMILIES.read_text(encoding="utf-8"))
    return read


def digest(described: Mapping[str, object]) -> dict[str, object]:
    """Return the fingerprint of a model, and the digest of its safetensors file."""
    body = json.dumps(described).encode()
    model = SeededModel(resolved(model_in_body(body, Limits(tensors=1000, rules=100))), SEED)
    made = whole(plan_as_safetensors(model.plan, model.metadata))
    return {"fingerprint": model.fingerprint, "bytes": len(made), "sha256": hashlib.sha256(made).hexdigest()}


def write(models: Mapping[str, Mapping[str, object]]) -> None:
    """Freeze these models, a line for each tensor."""
    families = []
    for family, described in models.items():
        *head, tensors = sorted(described.items(), key=lambda field: field[0] == "tensors")
        lines = ",\n".join(f"      {json.dumps(tensor)}" for tensor in tensors[1])  # type: ignore[attr-defined]
        model = f'{json.dumps(dict(head))[:-1]}, "tensors": [\n{lines}\n    ]}}'
        figures = "".join(f',\n    "{name}": {json.dumps(value)}' for name, value in digest(described).items())
        families.append(f'  "{family}": {{\n    "model": {model}{figures}\n  }}')
    FAMILIES.write_text("{\n" + ",\n".join(families) + "\n}\n", encoding="utf-8")


def main() -> None:
    """Rewrite the digests."""
    write({family: entry["model"] for family, entry in frozen().items()})
