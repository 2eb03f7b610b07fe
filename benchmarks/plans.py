"""Plans of large models: from the bytes of a description to those of the plan."""

import json
from functools import partial

from benchmarks.rounds import median_seconds
from benchmarks.rows import Row
from benchmarks.sizes import Sizes
from service.describe.model.model import Limits, model_in_body
from service.describe.model.resolve import resolved
from service.documents.model import SeededModel, model_plan
from service.documents.plan import Paths

LIMITS = Limits(tensors=100_000, rules=1000)
PATHS = Paths(
    {"plan": "/model/plan", "safetensors": "/model/weights.safetensors", "json": "/model/weights.json"},
    {"bin": "/tensor/{tensor}.bin"},
)
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
    models = {
        "Llama-3 405B": (_body(_llama()), 50),
        "mixture of experts": (_body(_experts()), 1000),
    }
    seconds = median_seconds({name: partial(_plan, body) for name, (body, _) in models.items()}, sizes.rounds)
    rows = []
    for name, (body, most) in models.items():
        count = len(json.loads(body)["tensors"])
        rows.append(Row(f"plan of {name}, {count:,} tensors", 1000 * seconds[name], "ms", value_below=most))
    return rows


def _plan(body: bytes) -> bytes:
    return model_plan(SeededModel(resolved(model_in_body(body, LIMITS)), 42), PATHS)


def _body(named: Named) -> bytes:
    tensors = [{"name": name, "shape": shape, "dtype": "bfloat16"} for name, shape in named]
    return json.dumps({"seed": 42, "tensors": tensors, "rules": RULES}).encode()


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
