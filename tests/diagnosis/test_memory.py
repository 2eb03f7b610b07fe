"""What a diagnosis says that it needs is what it takes."""

import tracemalloc

import pytest

from service.dense.network import Limits, dense_network
from service.describe.network import DiagnosisRequest
from service.describe.url import parameters, request_of
from service.diagnosis.experiments import diagnose_network, memory_needed
from service.numerics.activations import Activation


def peak_and_needed(query: str) -> tuple[int, int]:
    asked = request_of(DiagnosisRequest, parameters(query))
    network = dense_network(asked, 1, Limits(layers=100, width=10_000))
    diagnose_network(asked, network)  # so that what is compiled, loaded or imported once is there
    tracemalloc.start()
    try:
        diagnose_network(asked, network)
        return tracemalloc.get_traced_memory()[1], memory_needed(asked, asked.layers, asked.samples, 2**40)
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("normalization", ["none", "batch"])
@pytest.mark.parametrize("activation", Activation)
def test_a_large_batch_takes_no_more_than_was_said(activation: str, normalization: str) -> None:
    peak, needed = peak_and_needed(
        f"layers=50,100,100&activation={activation}&seed=1&samples=10000&normalization={normalization}"
    )
    assert needed / 2 < peak <= needed


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
@pytest.mark.parametrize("layout", ["in_out", "out_in"])
@pytest.mark.parametrize("std", ["0.1", "0"])  # of zeros, float32 has too few digits for the squares
def test_large_weights_take_no_more_than_was_said(dtype: str, layout: str, std: str) -> None:
    peak, needed = peak_and_needed(
        f"layers=1500,1500&activation=relu&seed=1&samples=2&scheme=fixed&std={std}&dtype={dtype}&layout={layout}"
    )
    assert needed / 4 < peak <= needed


@pytest.mark.parametrize(
    "query",
    [
        "layers=400,400,400&activation=tanh&samples=4&jacobian=4",
        "layers=20,1000&activation=identity&samples=2000&loss=softmax",
        "layers=50,100,100&activation=gelu&samples=10000&report=summary",
    ],
)
def test_what_is_asked_for_besides_takes_no_more_than_was_said(query: str) -> None:
    peak, needed = peak_and_needed(f"{query}&seed=1")
    assert needed / 4 < peak <= needed
