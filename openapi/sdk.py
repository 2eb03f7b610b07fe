"""Generate an SDK from openapi.json into openapi/sdk: python -m openapi.sdk LANGUAGE."""

import shutil
import sys

from openapi.toolchains import OPENAPI, Command, run

GENERATORS: dict[str, Command] = {
    **{
        language: ("openapi-generator-cli", "generate", "--config", f"openapi/generators/{language}.yaml")
        for language in ("go", "java", "rust")
    },
    "python": (
        "openapi-python-client", "generate", "--path", "openapi/openapi.json", "--output-path", "openapi/sdk/python",
        "--config", "openapi/generators/python.yaml", "--fail-on-warning",
    ),
    "typescript": ("openapi/node_modules/.bin/openapi-ts", "--file", "openapi/generators/typescript.config.ts"),
}  # fmt: skip


def generate(language: str) -> None:
    """Replace the SDK for this language by a new one."""
    shutil.rmtree(OPENAPI / "sdk" / language, ignore_errors=True)
    run(GENERATORS[language])


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in GENERATORS:
        sys.exit(f"say for which language: make sdk FOR={'|'.join(GENERATORS)}")
    generate(sys.argv[1])
    print(f"openapi/sdk/{sys.argv[1]} is made; openapi/examples/{sys.argv[1]} uses it")
