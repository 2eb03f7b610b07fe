"""What GPT-2 of Hugging Face starts with."""

from collections.abc import Mapping

from service.describe.model.families.family import Family, Rules


def _rules(values: Mapping[str, float]) -> Rules:
    normal = {"scheme": "fixed", "std": values["initializer_range"]}
    return (
        # Masks that files of older versions hold, and today's model does not.
        {"match": "*.attn.bias", "skip": True},
        {"match": "*.attn.masked_bias", "skip": True},
        {"match": "*ln_*.weight", "scheme": "ones"},
        {"match": "*lm_head.weight", "tie": "$1transformer.wte.weight"},
        {"match": "*wte.weight", "axes": "VO", **normal},
        {"match": "*wpe.weight", "axes": "VO", **normal},
        # Conv1D, (in, out); its outputs onto the residual path are scaled by the number of layers.
        {"match": "*c_proj.weight", "axes": "IO", **normal, "depth_scale": "total"},
        {"match": "*c_attn.weight", "axes": "IO", **normal},
        {"match": "*q_attn.weight", "axes": "IO", **normal},
        {"match": "*c_fc.weight", "axes": "IO", **normal},
        # Heads are Linear, (out, in).
        {"match": "*weight", "axes": "OI", **normal},
        {"match": "*bias", "scheme": "zeros"},
    )


GPT2 = Family(
    name="gpt2",
    follows="transformers 5.24.0: models/gpt2/modeling_gpt2.py, modeling_utils.py",
    format="pt",
    fields=("initializer_range",),
    defaults={"initializer_range": 0.02},
    rules=_rules,
)
