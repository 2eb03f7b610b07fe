"""Whole models over HTTP: GPT-2 beside the library that builds it, Llama-3 8B in flat memory, plans beside /livez."""

from collections.abc import Callable, Mapping
from threading import Event, Thread
from time import perf_counter
from typing import Any

import httpx

from benchmarks.client import TIMEOUT_SECONDS, discarded
from benchmarks.latency import LIMIT_MS, latencies, pair
from benchmarks.libraries import transformers_gpt2, transformers_gpt2_from
from benchmarks.memory import LIMIT_MB, megabytes
from benchmarks.rounds import median_seconds
from benchmarks.rows import Row
from benchmarks.sizes import Sizes
from harness.running import Service, running

# As fast as the library, five times.
MOST_OF_LIBRARY = 0.2
GPT2_PARAMETERS = 124_439_808
EXPERTS = {
    "seed": 42,
    "tensors": [{"name": f"layers.(0-45).experts.(0-263).{name}.weight", "shape": [2048, 7168]} for name in "abc"],
    "rules": [{"match": "*", "axes": "OI", "scheme": "fixed", "std": 0.02}],
}


def measure(sizes: Sizes) -> list[Row]:
    """Return seconds, memory and latencies."""
    return [*_gpt2(sizes), *_llama(sizes), _beside_plans(sizes)]


def _gpt2(sizes: Sizes) -> list[Row]:
    library = transformers_gpt2()
    with running() as server:
        plan = _plan(server, _gpt2_small())
        if plan["elements"] != GPT2_PARAMETERS:
            raise RuntimeError(f"This is no GPT-2: {plan['elements']} parameters.")
        url = plan["links"]["safetensors"]
        calls: dict[str, Callable[[], object]] = {"download": lambda: sum(discarded(server.port, url))}
        if library and (loading := transformers_gpt2_from(server.url)):
            calls |= {"library": library, "load": loading}
        seconds = median_seconds(calls, sizes.rounds)
    peer = "GPT2LMHeadModel", seconds.get("library")
    title = "GPT-2 small as safetensors over HTTP"
    rows = [Row(title, seconds["download"], "s", *peer, largest_ratio=MOST_OF_LIBRARY)]
    if "load" in seconds:
        rows.append(Row("GPT-2 small into a state_dict over HTTP", seconds["load"], "s", *peer))
    return rows


def _llama(sizes: Sizes) -> list[Row]:
    # The system keeps one peak for the life of a process, so the download gets a fresh server.
    with running() as server:
        url = _plan(server, _llama3(sizes.llama_layers))["links"]["safetensors"]
        idle, start = megabytes(server, "VmRSS"), perf_counter()
        received = sum(discarded(server.port, url))
        seconds, peak = perf_counter() - start, megabytes(server, "VmHWM")
    title = f"{received / 1e9:.2f} GB of Llama-3 in bfloat16"
    return [
        Row(f"memory above idle at its peak, {title}", peak - idle, "MB", "idle", idle, value_below=LIMIT_MB),
        Row(f"rate of that download, {title}", received / 1e6 / seconds, "MB/s"),
    ]


def _beside_plans(sizes: Sizes) -> Row:
    with running() as server:
        idle = latencies(server.port, sizes.samples, lambda: True)
        stop = Event()
        client = Thread(target=_plan_until, args=(server, stop))
        client.start()
        try:
            loaded = latencies(server.port, sizes.samples, client.is_alive)
        finally:
            stop.set()
            client.join()
    title = f"/livez max of {len(loaded)} beside plans of 36,432 tensors"
    return Row(title, *pair(loaded, idle, 100), value_below=LIMIT_MS)


def _plan_until(server: Service, stop: Event) -> None:
    while not stop.is_set():
        # Unread, since to read 20 MB of JSON would keep the clock of this process from running.
        with httpx.stream("POST", f"{server.url}/model/plan", json=EXPERTS, timeout=TIMEOUT_SECONDS) as answer:
            answer.raise_for_status()


def _plan(server: Service, described: Mapping[str, object]) -> dict[str, Any]:
    answer = httpx.post(f"{server.url}/model/plan", json=described, timeout=TIMEOUT_SECONDS)
    answer.raise_for_status()
    plan: dict[str, Any] = answer.json()
    return plan


def _gpt2_small() -> dict[str, object]:
    block = "transformer.h.(0-11)."
    shapes: dict[str, list[int]] = {"transformer.wte.weight": [50257, 768], "transformer.wpe.weight": [1024, 768]}
    for name, inputs, outputs in (
        ("attn.c_attn", 768, 2304), ("attn.c_proj", 768, 768), ("mlp.c_fc", 768, 3072), ("mlp.c_proj", 3072, 768),
    ):  # fmt: skip
        shapes |= {f"{block}{name}.weight": [inputs, outputs], f"{block}{name}.bias": [outputs]}
    for norm in (f"{block}ln_(1-2)", "transformer.ln_f"):
        shapes |= {f"{norm}.weight": [768], f"{norm}.bias": [768]}
    return {"seed": 42, "family": "gpt2", "tensors": _entries(shapes)}


def _llama3(layers: int) -> dict[str, object]:
    block, width, hidden = f"model.layers.(0-{layers - 1}).", 4096, 14_336
    shapes = {"model.embed_tokens.weight": [128_256, width], "lm_head.weight": [128_256, width]}
    shapes |= {f"{block}self_attn.{name}_proj.weight": [width, width] for name in "qo"}
    shapes |= {f"{block}self_attn.{name}_proj.weight": [1024, width] for name in "kv"}
    shapes |= {f"{block}mlp.{name}_proj.weight": [hidden, width] for name in ("gate", "up")}
    shapes |= {f"{block}mlp.down_proj.weight": [width, hidden], "model.norm.weight": [width]}
    shapes |= {f"{block}{name}_layernorm.weight": [width] for name in ("input", "post_attention")}
    return {"seed": 42, "family": "llama", "dtype": "bfloat16", "tensors": _entries(shapes)}


def _entries(shapes: Mapping[str, list[int]]) -> list[dict[str, object]]:
    return [{"name": name, "shape": shape} for name, shape in shapes.items()]
