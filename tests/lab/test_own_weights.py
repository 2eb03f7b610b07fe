"""A file of the reader's own gives the pictures that the service's own weights give."""

import base64
import io
import zipfile
from pathlib import Path

import httpx
import numpy as np
import pytest
from playwright.sync_api import expect
from safetensors.numpy import save

from tests.lab.browsing import TEXTBOOK, Lab

DROP = """([text, name]) => {
  const bytes = Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name));
  document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
}"""


@pytest.mark.parametrize("suffix", ["safetensors", "npz"])
def test_a_dropped_file_gives_the_same_pictures(lab: Lab, suffix: str) -> None:
    weights = httpx.get(f"{lab.service.url}/weights.{suffix}?{TEXTBOOK}&scheme=xavier", timeout=60).content
    lab.open(f"{TEXTBOOK}&scheme=xavier")
    figures = ("histograms", "activations", "gradients", "dead", "rank")
    drawn, address = [lab.hits(figure) for figure in figures], lab.page.url
    lab.evaluate(DROP, [base64.b64encode(weights).decode(), f"own.{suffix}"])
    expect(lab.get("#status")).to_contain_text(f"own.{suffix}: healthy")
    # Beside it stand Xavier and He.
    expect(lab.get("#figure-histograms .lane")).to_have_count(3)
    assert [lab.hits(figure)[:5] for figure in figures] == drawn
    assert lab.page.url == address
    expect(lab.get("#take")).to_be_hidden()
    lab.get("#leave-own").click()
    lab.wait()
    expect(lab.get("#status")).to_contain_text("Xavier: healthy")
    expect(lab.get("#take")).to_be_visible()


def test_a_layout_is_found_where_only_one_fits(lab: Lab, tmp_path: Path) -> None:
    described = "layers=30,20,10&activation=tanh&seed=1"
    file = tmp_path / "torch.safetensors"
    file.write_bytes(httpx.get(f"{lab.service.url}/weights.safetensors?{described}&layout=out_in", timeout=60).content)
    lab.open(f"{described}&scheme=auto")
    drawn = lab.hits()
    lab.get("#file").set_input_files(file)
    expect(lab.get("#status")).to_contain_text("torch.safetensors: ")
    assert lab.hits()[:2] == drawn
    # Of two layouts, one fits.
    expect(lab.get("#layout")).to_be_hidden()


def test_what_is_no_file_of_weights_is_refused_at_the_file(refused: Lab, tmp_path: Path) -> None:
    file = tmp_path / "notes.npz"
    file.write_bytes(b"no weights")
    refused.open(TEXTBOOK)
    drawn = refused.hits()
    refused.get("#file").set_input_files(file)
    expect(refused.get("#file-problem")).to_contain_text("must be an .npz archive, or a safetensors file")
    expect(refused.get("#stale")).to_be_visible()
    assert refused.hits() == drawn


@pytest.mark.parametrize(
    "names",
    [["0", "2", "10"], ["fc1", "fc2", "fc10"], ["encoder.0", "encoder.1", "head"]],
)
@pytest.mark.parametrize("suffix", ["safetensors", "npz"])
def test_names_may_be_any(lab: Lab, tmp_path: Path, names: list[str], suffix: str) -> None:
    described = "layers=30,20,20,10&activation=tanh&seed=1"
    served = np.load(
        io.BytesIO(httpx.get(f"{lab.service.url}/weights.npz?{described}&layout=out_in", timeout=60).content)
    )
    kernel = "kernel" if names[0].startswith("encoder") else "weight"
    own = {
        f"{name}.{kernel if kind == 'weight' else kind}": served[f"layers.{index}.{kind}"]
        for index, name in enumerate(names)
        for kind in ("weight", "bias")
    }
    file = tmp_path / f"own.{suffix}"
    if suffix == "npz":
        np.savez_compressed(file, **own)
    else:
        file.write_bytes(save(own))
    lab.open(f"{described}&scheme=auto")
    drawn = lab.hits()
    lab.get("#file").set_input_files(file)
    expect(lab.get("#status")).to_contain_text(f"own.{suffix}: ")
    assert lab.hits()[:3] == drawn


def test_a_square_network_asks_for_its_layout(lab: Lab, tmp_path: Path) -> None:
    file = tmp_path / "square.safetensors"
    described = "layers=20,20,20&activation=tanh&seed=1"
    file.write_bytes(httpx.get(f"{lab.service.url}/weights.safetensors?{described}&layout=out_in", timeout=60).content)
    lab.open(f"{described}&scheme=auto")
    drawn = lab.hits("gradients")
    lab.get("#file").set_input_files(file)
    expect(lab.get("#status")).to_contain_text("square.safetensors: ")
    assert lab.hits("gradients")[:2] != drawn
    lab.get("#layout").select_option("out_in")
    lab.wait()
    assert lab.hits("gradients")[:2] == drawn


def test_a_pickle_is_not_opened_but_explained(lab: Lab, tmp_path: Path) -> None:
    file = tmp_path / "model.pt"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("model/data.pkl", b"\x80\x02.")
    lab.open(TEXTBOOK)
    asked = len(lab.asked)
    lab.get("#file").set_input_files(file)
    expect(lab.get("#file-problem")).to_contain_text("save_file(model.state_dict()")
    assert len(lab.asked) == asked


def test_what_cannot_be_diagnosed_is_named(lab: Lab, tmp_path: Path) -> None:
    file = tmp_path / "own.safetensors"
    lab.open(TEXTBOOK)
    zeros = np.zeros
    for tensors, said in (
        ({"conv1.weight": zeros((8, 3, 5, 5), np.float32)}, "conv1.weight has the shape 8 × 3 × 5 × 5"),
        ({"a.weight": zeros((2, 3), np.float32), "b.weight": zeros((5, 7), np.float32)}, "do not follow each other"),
        ({"scale": zeros(3, np.float32)}, "no weight with two axes"),
    ):
        file.write_bytes(save(tensors))
        lab.get("#file").set_input_files(file)
        expect(lab.get("#file-problem")).to_contain_text(said)


def test_weights_that_fit_the_data_learn_as_the_service_says(lab: Lab, tmp_path: Path) -> None:
    described, learning = "layers=64,20,10&activation=relu&seed=3", "data=digits&learning_rate=0.1&steps=80"
    weights = httpx.get(f"{lab.service.url}/weights.npz?{described}&scheme=lecun&layout=out_in").content
    file = tmp_path / "torch.npz"
    file.write_bytes(weights)
    lab.open(f"{described}&{learning}&scheme=he&samples=50")
    lab.get("#file").set_input_files(file)
    expect(lab.get("#learning-words li")).to_have_count(3, timeout=60_000)
    answer = httpx.post(
        f"{lab.service.url}/learn/weights?activation=relu&seed=3&layout=out_in&{learning}", content=weights, timeout=60
    ).json()
    expect(lab.get("#learning-words li").first).to_contain_text(answer["outcome"]["sentence"][:20])
    path = lab.get("#figure-learning .curve.lane-0").last.get_attribute("d") or ""
    heights = [float(pair.split(",")[1]) for pair in path.removeprefix("M").split("L")]
    accuracies = [point["test_accuracy"] for point in answer["points"]]
    bottom = heights[0] / (1 - accuracies[0])
    assert heights == pytest.approx([bottom * (1 - accuracy) for accuracy in accuracies], abs=0.02 * bottom)
    # The file is no part of the address.
    expect(lab.get("#case-title")).to_have_text("Your own weights")
    # What the file decides cannot be chosen beside it, and a case is of drawn weights.
    for selector in ("#std-control", "#layers", "#inits"):
        expect(lab.get(selector)).to_be_hidden()
    lab.get("#cases a[data-case=zeros]").click()
    lab.wait()
    expect(lab.get("#inits")).to_be_visible()
    expect(lab.get("#status")).to_contain_text("2 diagnosed.")


def test_weights_that_do_not_fit_the_data_are_told_what_would(lab: Lab, tmp_path: Path) -> None:
    file = tmp_path / "own.npz"
    described = "layers=30,20,10&activation=relu&seed=3"
    file.write_bytes(httpx.get(f"{lab.service.url}/weights.npz?{described}").content)
    lab.open(f"{described}&data=digits&scheme=he&samples=50")
    lab.get("#file").set_input_files(file)
    expect(lab.get("#status")).to_contain_text("own.npz: ")
    expect(lab.get("#learning-words")).to_contain_text("must begin with 64 and end with 10")
