"""Plans of large models over HTTP: from the first byte of a description to the last of the plan."""

import json
from collections.abc import Callable
from itertools import count

import httpx

from benchmarks.client import TIMEOUT_SECONDS
from benchmarks.rounds import median_seconds
from benchmarks.rows import Row
from benchmarks.sizes import Sizes
from harness.running import running

RULES = [
    {"match": "*norm.weight", "scheme": "ones"},
    {"match": "*embed_tokens.weight", "axes": "VO", "scheme": "fixed", "std": 0.02},
    {"match": "*.down_proj.weight", "axes": "OI", "scheme": "fixed", "std": 0.02, "depth_scale": "total"},
    {"match": "*.weight", "axes": "OI", "scheme": "fixed", "std": 0.02},
]
VOCABULARY = 128_256
Named = list[tuple[str, list[int]]]


def measure(sizes: Sizes) -> list[Row]:
    """Return how long the plans of a dense model and of a mixture of experts take, names written out."""
    models = {"Llama-3 405B": (_llama(), 50), "mixture of experts": (_experts(), 1000)}
    with running() as server, httpx.Client(base_url=server.url, timeout=TIMEOUT_SECONDS) as client:
        calls = {name: _asking(client, named) for name, (named, _) in models.items()}
        seconds = median_seconds(calls, sizes.rounds)
    return [
        Row(f"plan of {name}, {len(named):,} tensors", 1000 * seconds[name], "ms", value_below=most)
        for name, (named, most) in models.items()
    ]


def _asking(client: httpx.Client, named: Named) -> Callable[[], int]:
    """Return what asks for a plan that was never asked for, each time with another seed."""
    tensors = [{"name": name, "shape": shape, "dtype": "bfloat16"} for name, shape in named]
    rest = json.dumps({"tensors": tensors, "rules": RULES}).removeprefix("{")
    seeds = count(1)

    def ask() -> int:
        body = f'{{"seed": {next(seeds)}, {rest}'.encode()
        answer = client.post("/model/plan", content=body, headers={"Content-Type": "application/json"})
        return len(answer.raise_for_status().content)

    return ask


def _block(prefix: str, width: int, narrow: int) -> Named:
    attention = {"q_proj": width, "k_proj": narrow, "v_proj": narrow, "o_proj": width}
    norms: Named = [(f"{prefix}.{name}.weight", [width]) for name in ("input_layernorm", "post_attention_layernorm")]
    return [(f"{prefix}.self_attn.{name}.weight", [outputs, width]) for name, outputs in attention.items()] + norms


def _feed_forward(prefix: str, width: int, hidden: int) -> Named:
    shapes = {"gate_proj": [hidden, width], "up_proj": [hidden, width], "down_proj": [width, hidden]}
    return [(f"{prefix}.{name}.weight", shape) for name, shape in shapes.items()]


def _ends(width: int) -> Named:
    head = [VOCABULARY, width]
    return [("model.embed_tokens.weight", head), ("model.norm.weight", [width]), ("lm_head.weight", head)]


def _llama() -> Named:
    named = _ends(16_384)
    for layer in range(126):
        prefix = f"model.layers.{layer}"
        named += _block(prefix, 16_384, 1024) + _feed_forward(f"{prefix}.mlp", 16_384, 53_248)
    return named


def _experts() -> Named:
    """Return 46 layers with 264 experts each."""
    named = _ends(7168)
    for layer in range(46):
        prefix = f"model.layers.{layer}"
        named += _block(prefix, 7168, 1024)
        named.append((f"{prefix}.mlp.gate.weight", [264, 7168]))
        for expert in range(264):
            named += _feed_forward(f"{prefix}.mlp.experts.{expert}", 7168, 2048)
    return named
