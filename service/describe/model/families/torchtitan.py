"""What Llama 3 of torchtitan starts with: outputs onto the residual path are scaled by the index of their layer."""

from service.describe.model.families.family import Family

# trunc_normal_ of PyTorch cuts at plus and minus 2, here a hundred standard deviations: in effect a normal.
NORMAL = {"scheme": "fixed", "std": 0.02}

TORCHTITAN = Family(
    name="torchtitan",
    follows="torchtitan 0.3.0: models/llama3/__init__.py, models/common/{param_init,config_utils}.py",
    format="pt",
    fields=(),
    rules=(
        {"match": "*norm.weight", "scheme": "ones"},
        {"match": "*tok_embeddings.weight", "axes": "VO", "scheme": "fixed", "std": 1},
        {"match": "*.wo.weight", "axes": "OI", **NORMAL, "depth_scale": "index"},
        {"match": "*.w2.weight", "axes": "OI", **NORMAL, "depth_scale": "index"},
        # Like w2, though it feeds the gate and not the residual path.
        {"match": "*.w3.weight", "axes": "OI", **NORMAL, "depth_scale": "index"},
        {"match": "*.w1.weight", "axes": "OI", **NORMAL},
        {"match": "*.wq.weight", "axes": "OI", **NORMAL},
        {"match": "*.wk.weight", "axes": "OI", **NORMAL},
        {"match": "*.wv.weight", "axes": "OI", **NORMAL},
        {"match": "*.wqkv.weight", "axes": "OI", **NORMAL},
        # 1 / sqrt(dim), cut at three times that.
        *(
            {
                "match": f"*{name}.weight",
                "axes": "OI",
                "scheme": "xavier",
                "distribution": "truncated_normal",
                "cut": 3,
                "cut_std": "before",
            }
            for name in ("output", "lm_head")
        ),
        {"match": "*bias", "scheme": "zeros"},
    ),
)
