"""Everything that a reader can take away is what the page says it is."""

import io
import re
import struct
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import numpy as np
import pytest
from safetensors.numpy import load

from openapi.clients import CXX, CXX_PACKAGES
from openapi.toolchains import install, run
from service.numerics.activations import FUNCTIONS, Activation
from tests.lab.browsing import Lab

VIEW = "layers=30,20,10&activation=relu&seed=7&distribution=uniform&schemes=fixed:0.1,he"
WEIGHTS = "layers=30,20,10&activation=relu&distribution=uniform&seed=7&scheme=he"
FRAMEWORKS = ("pytorch", "flax", "keras")
LOOPS = ("javascript", "go", "rust", "java", "cpp")
Array = np.ndarray[Any, Any]


def expected(lab: Lab) -> dict[str, Array]:
    """Return the weights of the second initialization, as another parameter order asks for them."""
    body = httpx.get(f"{lab.service.url}/weights.npz?{WEIGHTS}", timeout=60).content
    return dict(np.load(io.BytesIO(body)))


def flat(arrays: dict[str, Array]) -> Array:
    return np.concatenate([array.ravel() for array in arrays.values()])


READERS: dict[str, Callable[[bytes], Array]] = {
    ".npz": lambda body: flat(dict(np.load(io.BytesIO(body)))),
    ".npy": lambda body: np.load(io.BytesIO(body)),
    ".safetensors": lambda body: flat(dict(sorted(load(body).items(), key=_place))),
}


def _place(entry: tuple[str, Array]) -> tuple[str, bool]:
    layer, _, kind = entry[0].rpartition(".")
    return layer, kind == "bias"


def take(lab: Lab, text: str) -> bytes:
    with lab.page.expect_download() as saved:
        lab.get("#downloads").get_by_text(text, exact=True).click()
    return Path(saved.value.path()).read_bytes()


@pytest.mark.parametrize("suffix", READERS)
def test_the_weights_are_those_of_the_view(lab: Lab, suffix: str) -> None:
    lab.open(VIEW)
    lab.get("#which").select_option("1")
    assert np.array_equal(READERS[suffix](take(lab, suffix)), flat(expected(lab)))


def test_the_documents_are_those_of_the_view(lab: Lab) -> None:
    lab.open(VIEW)
    lab.get("#which").select_option("1")
    for text, path in ((".json", "weights.json"), ("plan", "plan"), ("diagnosis", "diagnose")):
        ours = httpx.Response(200, content=take(lab, text)).json()
        theirs = httpx.get(f"{lab.service.url}/{path}?{WEIGHTS}", timeout=60).json()
        assert ours.keys() == theirs.keys()
        # A diagnosis repeats to rounding.
        assert {k: ours[k] for k in ours if k not in ("layers", "auto")} == {
            k: theirs[k] for k in theirs if k not in ("layers", "auto")
        }


def test_the_picture_is_that_of_the_view(lab: Lab) -> None:
    lab.open(VIEW)
    lab.get("#which").select_option("1")
    theirs = httpx.get(f"{lab.service.url}/diagnose.svg?{WEIGHTS}", timeout=60).content
    assert len(take(lab, "picture")) == pytest.approx(len(theirs), rel=0.01)
    assert ET.fromstring(take(lab, "picture")).tag == ET.fromstring(theirs).tag


def program(lab: Lab, language: str) -> str:
    lab.open(VIEW)
    lab.get("#which").select_option("1")
    lab.get("#language").select_option(language)
    return lab.get("#snippet").text_content() or ""


def test_curl_runs(lab: Lab, tmp_path: Path) -> None:
    install({"curl": "curl"})
    run(("bash", "-euc", program(lab, "curl")), tmp_path)
    assert np.array_equal(flat(dict(np.load(tmp_path / "weights.npz"))), flat(expected(lab)))


def test_numpy_runs(lab: Lab, tmp_path: Path) -> None:
    output = run((sys.executable, "-W", "error", "-c", program(lab, "numpy")), tmp_path)
    assert output.splitlines() == [" ".join(map(str, (n, *w.shape, w.std()))) for n, w in expected(lab).items()]


def passed(lab: Lab, hidden: Callable[[Array], Array], output: Callable[[Array], Array]) -> Array:
    """Return what the network answers to cos 0, cos 1, …, in float64."""
    weights = {name: values.astype(np.float64) for name, values in expected(lab).items()}
    inner = hidden(np.cos(np.arange(30.0)) @ weights["layers.0.weight"] + weights["layers.0.bias"])
    return output(inner @ weights["layers.1.weight"] + weights["layers.1.bias"])


def relu(x: Array) -> Array:
    return np.maximum(x, 0)


def compiled(language: str, source: str, folder: Path) -> str:
    """Compile and run a program, and return what it printed."""
    names = {"javascript": "weights.mjs", "go": "weights.go", "rust": "weights.rs", "java": "Weights.java"}
    (folder / names.get(language, "weights.cpp")).write_text(source)
    if language == "javascript":
        return run(("node", "weights.mjs"), folder)
    if language == "go":
        run(("go", "vet", "weights.go"), folder)
        return run(("go", "run", "weights.go"), folder)
    if language == "java":
        install({"javac": "default-jdk-headless"})
        return run(("java", "Weights.java"), folder)
    if language == "rust":
        install({"rustc": "rustc", "curl": "curl"})
        run(("rustc", "-O", "--edition", "2021", "-D", "warnings", "weights.rs"), folder)
    else:
        install(CXX_PACKAGES)
        run((*CXX, "weights.cpp", "-o", "weights", "-lcurl"), folder)
    return run((folder / "weights",), folder)


@pytest.mark.parametrize("language", LOOPS)
def test_a_forward_pass_in_loops_runs(lab: Lab, tmp_path: Path, language: str) -> None:
    output = compiled(language, program(lab, language), tmp_path)
    assert [float(line) for line in output.splitlines()] == pytest.approx(passed(lab, relu, relu), abs=1e-5)


@pytest.mark.parametrize("activation", list(Activation))
def test_every_activation_has_its_formula(lab: Lab, tmp_path: Path, activation: Activation) -> None:
    query = f"layers=30,20,10&activation={activation}&output_activation=identity&seed=7&scheme=he"
    lab.open(f"{query}&samples=20")
    lab.get("#language").select_option("javascript")
    output = compiled("javascript", lab.get("#snippet").text_content() or "", tmp_path)
    with np.load(io.BytesIO(httpx.get(f"{lab.service.url}/weights.npz?{query}", timeout=60).content)) as file:
        first, second = (file[f"layers.{number}.weight"].astype(np.float64) for number in (0, 1))
    inner = FUNCTIONS[activation].value(np.cos(np.arange(30.0)) @ first)
    assert [float(line) for line in output.splitlines()] == pytest.approx(inner @ second, abs=1e-5)


def test_every_language_is_run_here(lab: Lab) -> None:
    lab.open(VIEW)
    values = lab.get("#language option").evaluate_all("options => options.map(option => option.value)")
    # Those of frameworks by make test-models, where these are installed.
    assert values == ["curl", "numpy", *FRAMEWORKS, *LOOPS]


def test_a_program_is_copied(lab: Lab) -> None:
    lab.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    text = program(lab, "numpy")
    lab.get("#copy").click()
    assert lab.evaluate("navigator.clipboard.readText()") == text


FIGURES = ("histograms", "activations", "gradients", "dead", "rank")


def save(lab: Lab, figure: str, kind: str) -> bytes:
    with lab.page.expect_download() as saved:
        lab.get(f"#figure-{figure} button", ).get_by_text(kind).click()  # fmt: skip
    assert saved.value.suggested_filename == f"fanin-{figure}.{kind.lower()}"
    return Path(saved.value.path()).read_bytes()


@pytest.mark.parametrize("figure", FIGURES)
def test_a_picture_as_svg_stands_alone(lab: Lab, figure: str) -> None:
    lab.open(VIEW)
    text = save(lab, figure, "SVG").decode()
    root = ET.fromstring(text)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "var(" not in text
    assert "class=" not in text
    assert "tabindex" not in text
    shapes = [element for element in root.iter() if element.tag.endswith(("}path", "}rect", "}text", "}circle"))]
    assert all(element.get("fill") for element in shapes)
    title = lab.get(f"#figure-{figure} h2").text_content()
    texts = [element.text for element in root.iter()]
    assert title in texts
    # Who sees the picture alone is told what it shows.
    assert "30-20-10, relu; std 0.1; He; seed 7" in texts


def values_of(png: bytes) -> tuple[int, int, Array]:
    """Return width, height and the filtered bytes of the pixels."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", png[16:24])
    chunks, at = [], 8
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at : at + 8])
        if kind == b"IDAT":
            chunks.append(png[at + 8 : at + 8 + length])
        at += 12 + length
    return width, height, np.frombuffer(zlib.decompress(b"".join(chunks)), np.uint8)


@pytest.mark.parametrize("figure", FIGURES)
def test_a_picture_as_png_has_twice_the_pixels(lab: Lab, figure: str) -> None:
    lab.open(VIEW)
    width, height = (
        float(size) for size in re.findall(r'(?:width|height)="([\d.]+)"', save(lab, figure, "SVG").decode())[:2]
    )
    got_width, got_height, values = values_of(save(lab, figure, "PNG"))
    assert (got_width, got_height) == (int(2 * width), int(2 * height))
    assert len(np.unique(values)) > 50
