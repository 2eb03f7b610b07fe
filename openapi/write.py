"""Write openapi/openapi.json from the app: python -m openapi.write."""

import json
from pathlib import Path

from service.web.app import create_app
from service.web.settings import Settings

PATH = Path(__file__).parent / "openapi.json"


def document() -> str:
    """Return the app's OpenAPI document as it is committed: sorted keys, so that differences show only changes."""
    return json.dumps(create_app(Settings()).openapi(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PATH.write_text(document(), encoding="utf-8")
