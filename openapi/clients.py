"""The clients in openapi/examples: what each needs, how it is compiled, and how it is run."""

import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from openapi.toolchains import OPENAPI, Command

SDK = OPENAPI / "sdk"

# Jackson is in the generator's own jar. With Maven, both come from the pom.xml that is generated.
JAVA_JARS = (
    f"{sysconfig.get_path('purelib')}/openapi_generator_cli/openapi-generator.jar",
    "/usr/share/java/jakarta-annotation-api.jar",
)
JAVA_CLASSES = SDK / "java/classes"
JAVA_PATH = ":".join((*JAVA_JARS, str(JAVA_CLASSES)))
JAVAC = ("javac", "-Xlint:all,-processing", "-d", JAVA_CLASSES)

CXX = ("c++", "-std=c++17", "-O2", "-Wall", "-Wextra", "-Wconversion", "-Werror")
CXX_PACKAGES = MappingProxyType(
    {"c++": "g++", "curl-config": "libcurl4-openssl-dev", "/usr/include/openssl/sha.h": "libssl-dev"}
)

# Crates as Debian packages them; with access to crates.io, plain cargo does as well.
CRATES = ("reqwest", "serde", "serde_json", "serde_repr", "sha2", "tokio", "tokio-util", "url")
CARGO = (
    "cargo", "--config", "source.crates-io.replace-with='debian'",
    "--config", "source.debian.directory='/usr/share/cargo/registry'",
)  # fmt: skip


@dataclass(frozen=True)
class Client:
    """A program that talks to the service. Its commands run in its own folder."""

    run: Command
    """The program; the service's URL is appended."""
    uses_sdk: bool = True
    """Whether it is written against the generated SDK of its language."""
    compile: tuple[Command, ...] = ()
    """Compilers and type checkers, at their strictest."""
    packages: Mapping[str, str] = field(default_factory=dict)
    """Debian packages, by a program or file that each brings."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Environment variables of all its commands."""


CLIENTS: Mapping[str, Client] = MappingProxyType(
    {
        "typescript": Client(compile=(("npx", "tsc", "--project", "."),), run=("node", "main.ts")),
        "go": Client(
            compile=(("go", "vet", "."), ("go", "build", "-o", SDK / "go/example", ".")), run=(SDK / "go/example",)
        ),
        "java": Client(
            packages={"javac": "default-jdk-headless", JAVA_JARS[1]: "libjakarta-annotation-api-java"},
            compile=(
                # The SDK's own warnings are the generator's affair; the program has none.
                (*JAVAC, "-cp", ":".join(JAVA_JARS), "-sourcepath", SDK / "java/src/main/java", "Main.java"),
                (*JAVAC, "-Werror", "-cp", JAVA_PATH, "Main.java"),
            ),
            run=("java", "-cp", JAVA_PATH, "Main"),
        ),
        "python": Client(
            variables={"PYTHONPATH": str(SDK / "python")},
            compile=(("mypy", "--config-file=", "--strict", "main.py"),),
            run=(sys.executable, "main.py"),
        ),
        "rust": Client(
            packages={
                "cargo": "cargo",
                **{
                    f"/usr/share/cargo/registry/{crate}-[0-9]*": f"librust-{crate.replace('_', '-')}-dev"
                    for crate in CRATES
                },
            },
            variables={"CARGO_TARGET_DIR": str(SDK / "rust/target")},
            compile=((*CARGO, "build", "--offline", "--quiet"),),
            run=(SDK / "rust/target/debug/example",),
        ),
        "curl": Client(
            uses_sdk=False,
            packages={"curl": "curl", "jq": "jq", "perl": "perl"},
            run=("bash", "main.sh"),
        ),
        "node": Client(uses_sdk=False, run=("node", "main.js")),
        "cpp": Client(
            uses_sdk=False,
            packages=CXX_PACKAGES,
            compile=(
                ("mkdir", "-p", SDK / "cpp"),
                (*CXX, "main.cpp", "-o", SDK / "cpp/example", "-lcurl", "-lcrypto"),
            ),
            run=(SDK / "cpp/example",),
        ),
    }
)
