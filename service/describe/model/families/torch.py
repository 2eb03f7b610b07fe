"""What PyTorch's own modules start with."""

from service.describe.model.families.family import Family, Rules

# A weight's rank tells a Linear from a convolution, and a norm from both: their names are the same.
# PyTorch reads every kernel as (out, in, ...), so that of a transposed convolution, too, which is (in, out, ...).
MODULES: Rules = (
    # batchnorm.py
    {"match": "*num_batches_tracked", "scheme": "zeros", "dtype": "int64"},
    {"match": "*running_mean", "scheme": "zeros"},
    {"match": "*running_var", "scheme": "ones"},
    # activation.py: MultiheadAttention._reset_parameters, and PReLU.
    {"match": "*in_proj_weight", "axes": "OI", "scheme": "glorot", "distribution": "uniform"},
    {"match": "*q_proj_weight", "axes": "OI", "scheme": "glorot", "distribution": "uniform"},
    {"match": "*k_proj_weight", "axes": "OI", "scheme": "glorot", "distribution": "uniform"},
    {"match": "*v_proj_weight", "axes": "OI", "scheme": "glorot", "distribution": "uniform"},
    {"match": "*bias_k", "axes": "OIW", "scheme": "glorot"},
    {"match": "*bias_v", "axes": "OIW", "scheme": "glorot"},
    {"match": "*in_proj_bias", "scheme": "zeros"},
    {"match": "*attn.out_proj.bias", "scheme": "zeros"},
    {"match": "out_proj.bias", "scheme": "zeros"},
    {"match": "*prelu*weight", "scheme": "constant", "value": 0.25},
    # normalization.py, and batchnorm.py again
    {"match": "*norm*bias", "scheme": "zeros"},
    {"match": "*bn*bias", "scheme": "zeros"},
    {"match": "*.ln*bias", "scheme": "zeros"},
    {"match": "ln*bias", "scheme": "zeros"},
    {"match": "*weight", "rank": 1, "scheme": "ones"},
    # sparse.py
    *(
        {"match": f"*{name}.weight", "rank": 2, "axes": "VO", "scheme": "fixed", "std": 1}
        for name in ("embedding", "embeddings", "embed", "emb", "embed_tokens")
    ),
    # linear.py: Bilinear counts the first of its two inputs.
    {"match": "*bilinear*weight", "rank": 3, "axes": "OIV", "scheme": "framework_default"},
    # linear.py and conv.py
    {"match": "*weight", "rank": 2, "axes": "OI", "scheme": "framework_default"},
    {"match": "*weight", "rank": 3, "axes": "OIW", "scheme": "framework_default"},
    {"match": "*weight", "rank": 4, "axes": "OIHW", "scheme": "framework_default"},
    {"match": "*weight", "rank": 5, "axes": "OIDHW", "scheme": "framework_default"},
    {"match": "*bias", "scheme": "framework_default"},
)

TORCH = Family(
    name="torch",
    follows="torch 2.13.0: torch/nn/modules/{activation,batchnorm,conv,linear,normalization,sparse}.py",
    format="pt",
    fields=(),
    rules=MODULES,
)
