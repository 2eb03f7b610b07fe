"""A file of the reader's own gives the pictures that the service's own weights give."""

import base64
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect

from tests.lab.browsing import TEXTBOOK, Lab

DROP = """([text, name]) => {
  const bytes = Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name));
  document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
}"""


@pytest.mark.parametrize("suffix", ["safetensors", "npz"])
def test_a_dropped_file_gives_the_same_pictures(lab: Lab, suffix: str) -> None:
    weights = httpx.get(f"{lab.service.url}/weights.{suffix}?{TEXTBOOK}&scheme=xavier").content
    lab.open(f"{TEXTBOOK}&scheme=xavier")
    figures = ("histograms", "activations", "gradients", "shares", "rank")
    drawn, address = [lab.hits(figure) for figure in figures], lab.page.url
    lab.evaluate(DROP, [base64.b64encode(weights).decode(), f"own.{suffix}"])
    expect(lab.get("#status")).to_contain_text(f"own.{suffix}: healthy")
    assert [lab.hits(figure) for figure in figures] == drawn
    assert lab.page.url == address
    expect(lab.get("#take")).to_be_hidden()
    lab.get("#leave-own").click()
    lab.wait()
    expect(lab.get("#status")).to_contain_text("Xavier: healthy")
    expect(lab.get("#take")).to_be_visible()


def test_a_file_of_transposed_weights_is_read_as_told(lab: Lab, tmp_path: Path) -> None:
    described = "layers=30,20,10&activation=tanh&seed=1"
    file = tmp_path / "torch.safetensors"
    file.write_bytes(httpx.get(f"{lab.service.url}/weights.safetensors?{described}&layout=out_in").content)
    lab.open(f"{described}&scheme=auto")
    drawn = lab.hits()
    lab.get("#layout").select_option("out_in")
    lab.get("#file").set_input_files(file)
    expect(lab.get("#status")).to_contain_text("torch.safetensors: ")
    assert lab.hits() == drawn


def test_what_is_no_file_of_weights_is_refused_at_the_file(refused: Lab, tmp_path: Path) -> None:
    file = tmp_path / "notes.npz"
    file.write_bytes(b"no weights")
    refused.open(TEXTBOOK)
    drawn = refused.hits()
    refused.get("#file").set_input_files(file)
    expect(refused.get("#file-problem")).to_contain_text("must be an .npz archive, or a safetensors file")
    expect(refused.get("#stale")).to_be_visible()
    assert refused.hits() == drawn
