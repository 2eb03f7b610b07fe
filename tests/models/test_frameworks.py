"""Programs that put weights into models, as they lie in openapi/examples, and the code of docs/frameworks.md."""

import hashlib
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
import safetensors.torch
import torch

from fanin import read
from harness.running import ROOT, Service, eventually, running
from storage_reader import FaninReader

PROGRAMS = ROOT / "openapi/examples/frameworks"
PAGE = (ROOT / "docs/frameworks.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", PAGE, re.DOTALL)
TENSOR_ROUTE = "/tensor/{name:path}.bin"
CHUNK_ROUTE = "/zarr/{description}/{tensor:path}/c/{index:path}"
RANKS = 4
MOST_MEGABYTES = 300


def run(*command: str | Path, folder: Path = PROGRAMS) -> str:
    """Return what a program prints; what it warns of fails it."""
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PYTHONPATH": str(PROGRAMS),
        "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1",
        # That there is no other rank is said of what is meant to be so.
        "PYTHONWARNINGS": "error,ignore:torch.distributed is disabled",
    }  # fmt: skip
    ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def answers(service: Service, route: str) -> tuple[float, float]:
    """Return how many answers of a route there were, and their bytes."""
    return service.metric("fanin_requests_total", route=route), service.metric("fanin_sent_bytes_total", route=route)


@pytest.mark.parametrize(("block", "output"), BLOCKS, ids=[block.partition("\n")[0] for block, _ in BLOCKS])
def test_each_block_of_the_page_runs_as_written(service: Service, tmp_path: Path, block: str, output: str) -> None:
    program = tmp_path / "main.py"
    program.write_text(block.replace("http://127.0.0.1:8000", service.url))
    assert run("python", program, folder=tmp_path) == output


def test_each_block_of_the_page_is_run_and_each_program_named() -> None:
    assert len(BLOCKS) == PAGE.count("```python\n") >= 5
    assert {program.name for program in PROGRAMS.glob("*.py")} == set(re.findall(r"\[(\w+\.py)\]", PAGE))


def test_a_network_of_pytorch_starts_as_its_rules_say(service: Service) -> None:
    printed = re.fullmatch(
        r"std of weights (\S+), of pre-activations (\S+)\n", run("python", "state_dict.py", service.url)
    )
    assert printed is not None
    # He's rule, √(2 / 27), and so √2 from inputs of std 1; the bias, U(±1/√27), adds a hundredth.
    assert [float(std) for std in printed.groups()] == [pytest.approx(0.272, rel=0.03), pytest.approx(1.42, rel=0.05)]


class Ranks(NamedTuple):
    """What four ranks printed of each of two models, and how much the service sent them."""

    digests: dict[str, dict[str, str]]
    bytes_read: dict[str, list[int]]
    bytes_sent: float


@pytest.fixture(scope="module")
def ranks(service: Service) -> Ranks:
    _, before = answers(service, TENSOR_ROUTE)
    printed = run("torchrun", "--nproc-per-node", str(RANKS), "four_ranks.py", service.url)
    _, after = answers(service, TENSOR_ROUTE)
    found = Ranks({"on_a_mesh": {}, "under_fsdp": {}}, {}, after - before)
    for model, name, *values in (line.split() for line in printed.splitlines()):
        if name == "bytes":
            found.bytes_read[model] = [int(value) for value in values]
        else:
            (found.digests[model][name],) = values
    return found


# What a rank holds of each tensor, counted by hand: bfloat16, and one int64.
ON_A_MESH = {"0.weight": [512, 256], "0.bias": [512], "2.weight": [64, 512], "2.bias": [64]}
MESH_BYTES = [2 * (256 * 128 + 256 + 64 * 256 + 64)] * RANKS
UNDER_FSDP = {
    "embed.weight": [512, 256], "embed.bias": [512], "norm.weight": [512], "norm.bias": [512],
    "norm.running_mean": [512], "norm.running_var": [512], "norm.num_batches_tracked": [],
    "hidden.weight": [30, 512], "hidden.bias": [30], "head.weight": [2, 30], "head.bias": [2],
}  # fmt: skip
# Of 30 rows three ranks have 8 and the last 6, of 2 rows two have one. Buffers are whole on each.
FSDP_BYTES = [
    2 * (128 * 256 + 3 * 128 + 2 * 512 + hidden * 512 + hidden + head * 30 + head) + 8
    for hidden, head in ((8, 1), (8, 1), (8, 0), (6, 0))
]


@pytest.mark.parametrize(("model", "shapes"), [("on_a_mesh", ON_A_MESH), ("under_fsdp", UNDER_FSDP)])
def test_ranks_hold_together_the_bits_of_the_whole_file(
    client: httpx.Client, ranks: Ranks, model: str, shapes: dict[str, list[int]]
) -> None:
    entries = [
        {"name": name, "shape": shape, "dtype": "int64" if name.endswith("tracked") else "bfloat16"}
        for name, shape in shapes.items()
    ]
    answer = client.post("/model/weights.safetensors", json={"seed": 42, "family": "torch", "tensors": entries})
    whole = safetensors.torch.load(answer.content)
    raw = {name: tensor.reshape(-1).view(torch.uint8).numpy().tobytes() for name, tensor in whole.items()}

    assert raw.keys() == shapes.keys()
    assert ranks.digests[model] == {name: hashlib.sha256(values).hexdigest() for name, values in raw.items()}


def test_each_rank_reads_only_its_own_bytes(ranks: Ranks) -> None:
    assert ranks.bytes_read == {"on_a_mesh": MESH_BYTES, "under_fsdp": FSDP_BYTES}


def test_the_service_sends_no_more_than_that(ranks: Ranks) -> None:
    assert ranks.bytes_sent == sum(MESH_BYTES + FSDP_BYTES)


def test_a_reader_without_a_seed_is_refused() -> None:
    with pytest.raises(ValueError, match="no seed"):
        FaninReader("http://127.0.0.1:8000", {"tensors": []})


def test_a_busy_service_is_asked_again() -> None:
    large = "/weights/layers.0.weight.bin?layers=20000,20000&activation=relu&seed=1"
    with running(memory=2**26, wait_seconds=0.2) as service, ThreadPoolExecutor() as threads:
        with ExitStack() as held:

            def is_full() -> bool:
                """Open a connection from which nothing is read; return whether memory was short for many of them."""
                held.enter_context(closing(service.open(large)))
                return service.metric("fanin_requests_total", route="/weights/{tensor}.bin", status="503") >= 64

            assert eventually(is_full)
            asked = threads.submit(read, f"{service.url}/weights.npy?layers=1000,1000&activation=relu&seed=1")
            assert eventually(lambda: service.metric("fanin_requests_total", route="/weights.npy", status="503") >= 2)
        assert len(asked.result()) == 128 + 4 * 1_001_000


def test_a_refusal_is_told_in_the_words_of_the_service(service: Service) -> None:
    with pytest.raises(RuntimeError, match=r"0\.weight"):
        read(f"{service.url}/model/plan", {"tensors": [{"name": "0.weight", "shape": [4, 4]}]})


SHARDS = """
import sys, jax, numpy
from jax.sharding import NamedSharding, PartitionSpec
from jax_shards import sharded
service, description, whole, *cuts = sys.argv[1:]
parts = PartitionSpec(*(None if cut == "-" else cut for cut in cuts))
array = sharded(service, description, "layers.0.weight", NamedSharding(jax.make_mesh((4, 2), ("data", "model")), parts))
assert len(array.addressable_shards) == 8 and array.sharding.spec == parts
print(array.dtype, numpy.asarray(array).tobytes() == open(whole, "rb").read())
"""


@pytest.mark.parametrize(("dtype", "item_bytes"), [("float32", 4), ("bfloat16", 2)])
@pytest.mark.parametrize(("cuts", "chunks"), [("data model", 8), ("- model", 32), ("data", 16)])
def test_devices_of_jax_hold_the_bits_of_the_whole_and_read_their_own_chunks(
    service: Service, tmp_path: Path, *, dtype: str, item_bytes: int, cuts: str, chunks: int
) -> None:
    query = f"layers=512,256&activation=gelu&bias=none&dtype={dtype}&seed=7"
    whole = tmp_path / "whole"
    whole.write_bytes(read(f"{service.url}/weights/layers.0.weight.bin?{query}"))
    before = answers(service, CHUNK_ROUTE)

    printed = run("python", "-c", SHARDS, service.url, f"{query}&chunks=128,128", whole, *cuts.split())

    assert printed == f"{dtype} True\n"
    count, byte_count = answers(service, CHUNK_ROUTE)
    assert (count - before[0], byte_count - before[1]) == (chunks, chunks * 128 * 128 * item_bytes)


def test_the_program_for_jax_reads_one_shard_a_device(service: Service) -> None:
    assert run("python", "jax_shards.py", service.url) == (
        "bfloat16 (4096, 2048) in 8 shards of (1024, 1024)\nstd 0.01563\n"  # 1/√4096
    )


def test_one_network_in_three_frameworks_gives_the_same_outputs(service: Service) -> None:
    first, *others = run("python", "one_network.py", service.url).splitlines()
    assert float(first.split()[-1]) > 1
    assert [line.split(":")[0] for line in others] == ["by_torch", "by_flax", "by_keras"]
    assert all(float(line.split()[1]) < 1e-5 for line in others)


MEMORY = """
import runpy, re, sys
from pathlib import Path
import dask.array, zarr, aiohttp, fsspec.implementations.http
def megabytes(field):
    return int(re.search(rf"{field}:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024 / 1e6
idle = megabytes("VmRSS")
sys.argv = ["dask_statistics.py", sys.argv[1]]
runpy.run_path("dask_statistics.py", run_name="__main__")
print(megabytes("VmHWM") - idle)
"""


def test_dask_takes_the_mean_and_std_of_tensors_that_no_memory_holds(service: Service) -> None:
    *lines, above_idle = run("python", "-c", MEMORY, service.url).splitlines()
    assert [line.partition(" mean")[0] for line in lines] == ["102.4 GB, 100 rows:", "4.3 GB, 32768 rows:"]
    for line, values in zip(lines, (100 * 160_000, 32_768**2), strict=True):
        mean, std, expected = (float(number) for number in re.findall(r"(?:mean|std|of) (\S+?)(?:,| |$)", line))
        # Four standard errors of either, and half of the last digit printed.
        assert abs(mean) < 4 * expected / values**0.5
        assert abs(std - expected) < 4 * expected / (2 * values) ** 0.5 + 1e-6
    assert float(above_idle) < MOST_MEGABYTES
