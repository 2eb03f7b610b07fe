"""What nanoGPT starts with."""

from service.describe.model.families.family import Family

NORMAL = {"scheme": "fixed", "std": 0.02}

NANOGPT = Family(
    name="nanogpt",
    follows="nanoGPT, commit 3adf61e: model.py",
    format="pt",
    fields=(),
    rules=(
        # The mask of attention without flash, a buffer.
        {"match": "*.attn.bias", "skip": True},
        {"match": "*ln_*.weight", "scheme": "ones"},
        # transformer.wte.weight is lm_head.weight: either may be left out of a file.
        {"match": "*lm_head.weight", "axes": "VO", **NORMAL},
        {"match": "*transformer.wte.weight", "axes": "VO", **NORMAL, "key": "$1lm_head.weight"},
        {"match": "*wpe.weight", "axes": "VO", **NORMAL},
        # Linear, (out, in), where GPT-2 of Hugging Face has (in, out).
        {"match": "*c_proj.weight", "axes": "OI", **NORMAL, "depth_scale": "total"},
        {"match": "*c_attn.weight", "axes": "OI", **NORMAL},
        {"match": "*c_fc.weight", "axes": "OI", **NORMAL},
        {"match": "*bias", "scheme": "zeros"},
    ),
)
