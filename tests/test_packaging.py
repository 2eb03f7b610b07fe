"""The package as others get it: files, command and the versions that it allows."""

import json
import struct
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from shutil import copy, copytree, ignore_patterns

import httpx
import pytest
from packaging.requirements import Requirement

from harness.running import ROOT, running_command
from service import __version__

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
REQUIREMENTS = {
    requirement.name: requirement
    for requirement in map(Requirement, (*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["fast"]))
}
# The first known answer of the recipe, and what asks for it.
VECTORS = json.loads((ROOT / "docs/recipe-vectors.json").read_text(encoding="utf-8"))
FIRST_VALUES = "/weights/layers.0.weight.bin?layers=1,8&activation=relu&scheme=fixed&std=1&seed=42"
# Libraries of which the service overrides what is no public interface.
OVERRIDDEN = ("numba", "uvicorn")
BUILD = "import sys; from setuptools import build_meta; getattr(build_meta, sys.argv[1])(sys.argv[2])"


def built(hook: str, tree: Path, folder: Path) -> Path:
    """Return the file that setuptools builds from a tree."""
    folder.mkdir()
    subprocess.run([sys.executable, "-c", BUILD, hook, folder], cwd=tree, check=True, capture_output=True)
    (path,) = folder.iterdir()
    return path


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    """Build a wheel as installers do: from a source distribution, which is made from this tree."""
    folder = tmp_path_factory.mktemp("packaging")
    copytree(ROOT / "service", folder / "tree/service", symlinks=True, ignore=ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        copy(ROOT / name, folder / "tree")
    source = built("build_sdist", folder / "tree", folder / "source")
    with tarfile.open(source) as archive:
        archive.extractall(folder / "unpacked", filter="data")
    (tree,) = (folder / "unpacked").iterdir()
    with zipfile.ZipFile(built("build_wheel", tree, folder / "wheel")) as wheel:
        yield wheel


def test_a_wheel_holds_each_file_of_the_package(wheel: zipfile.ZipFile) -> None:
    files = {path for path in (ROOT / "service").rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    held = {name for name in wheel.namelist() if name.startswith("service/")}
    assert held == {path.relative_to(ROOT).as_posix() for path in files}
    for name in held:
        assert wheel.read(name) == (ROOT / name).read_bytes(), name


@pytest.fixture(scope="module")
def installed(wheel: zipfile.ZipFile, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the programs of an empty environment in which the wheel is installed.

    The libraries that the wheel names are those of this environment: tests need no network.
    """
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, symlinks=True)
    programs = folder / "bin"
    pip = (sys.executable, "-m", "pip", "--python", programs / "python", "install", "--quiet", "--no-index")
    subprocess.run((*pip, "--no-deps", str(wheel.filename)), check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return programs


def test_the_command_of_an_installed_wheel_tells_its_version(installed: Path) -> None:
    said = subprocess.run([installed / "fanin", "--version"], capture_output=True, text=True, check=True)
    assert said.stdout == f"fanin {__version__}\n"


def test_an_installed_wheel_serves_weights_and_all_its_pages(installed: Path, tmp_path: Path) -> None:
    with running_command([installed / "fanin", "serve"], tmp_path, {}) as service:
        found = subprocess.run(
            [installed / "python", "-c", "import service; print(service.__file__)"],
            cwd=tmp_path, capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        assert Path(found).is_relative_to(installed.parent)
        values = httpx.get(service.url + FIRST_VALUES, timeout=60).content
        assert [f"{bits:08x}" for (bits,) in struct.iter_unpack("<I", values)] == VECTORS["cases"][0]["normal"]
        for path in ("/", "/docs", "/openapi.json", "/docs/recipe.md", "/docs/recipe-vectors.json"):
            assert httpx.get(service.url + path, timeout=60).status_code == 200, path
        report = httpx.get(f"{service.url}/diagnose.svg?layers=8,8,8&activation=relu&seed=1&samples=10", timeout=60)
        assert report.status_code == 200


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_what_is_installed_is_what_the_package_allows(name: str) -> None:
    version = metadata.version(name)
    assert version in REQUIREMENTS[name].specifier, f"{name} {version} is installed, {REQUIREMENTS[name]} is allowed"


@pytest.mark.parametrize("name", OVERRIDDEN)
def test_no_newer_version_of_what_is_overridden_is_allowed(name: str) -> None:
    assert "<" in {bound.operator for bound in REQUIREMENTS[name].specifier}


def test_the_recipe_in_docs_is_that_of_the_package() -> None:
    for name in ("recipe.md", "recipe-vectors.json"):
        assert (ROOT / "docs" / name).resolve() == ROOT / "service/numerics/recipe" / name
