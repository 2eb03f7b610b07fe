"""What the Vision Transformer of timm starts with."""

from collections.abc import Mapping

from service.describe.model.families.family import Family, Rules

# trunc_normal_ cuts at plus and minus 2, here a hundred standard deviations: in effect a normal.
NORMAL = {"scheme": "fixed", "std": 0.02}
TINY = {"scheme": "fixed", "std": 1e-6}
PATCHES: Rules = (
    {"match": "*patch_embed.proj.weight", "axes": "OIHW", "scheme": "framework_default"},
    {"match": "*patch_embed.proj.bias", "scheme": "framework_default"},
)
# init_weights_vit_jax; lecun_normal_ does cut at two standard deviations.
JAX_PATCHES: Rules = (
    {"match": "*patch_embed.proj.weight", "axes": "OIHW", "scheme": "lecun", "distribution": "truncated_normal"},
    {"match": "*mlp*.bias", **TINY},
    {"match": "*head.weight", "scheme": "zeros"},
)


def _rules(values: Mapping[str, float]) -> Rules:
    scaled = {"depth_scale": "index"} if values["fix_init"] else {}
    linear = {"scheme": "glorot", "distribution": "uniform"} if values["weight_init_jax"] else NORMAL
    return (
        {"match": "*norm*.weight", "scheme": "ones"},
        {"match": "*norm*.bias", "scheme": "zeros"},
        {"match": "*ls*.gamma", "scheme": "constant", "value": values["init_values"]},
        {"match": "*pos_embed", **NORMAL},
        {"match": "*cls_token", **TINY},
        {"match": "*reg_token", **TINY},
        *(JAX_PATCHES if values["weight_init_jax"] else PATCHES),
        {"match": "*attn.proj.weight", "axes": "OI", **linear, **scaled},
        {"match": "*mlp.fc2.weight", "axes": "OI", **linear, **scaled},
        {"match": "*weight", "axes": "OI", **linear},
        {"match": "*bias", "scheme": "zeros"},
    )


VIT = Family(
    name="vit",
    follows="timm 1.0.31: timm/models/vision_transformer.py, timm/layers/{layer_scale,patch_embed,weight_init}.py",
    format="pt",
    fields=("fix_init", "init_values", "weight_init_jax"),
    defaults={"fix_init": 0, "init_values": 1e-5, "weight_init_jax": 0},
    rules=_rules,
)
