"""What the modules of Flax start with, Linen and NNX."""

import math

from service.describe.model.families.family import Family

LECUN = {"scheme": "lecun", "distribution": "truncated_normal"}

# Names are the paths of a flattened tree: params/LayerNorm_0/scale. A kernel's rank tells a Dense layer from a
# convolution.
FLAX = Family(
    name="flax",
    follows="flax 0.12.8: flax/linen/{activation,attention,linear,normalization,recurrent}.py, flax/nnx/nn/lora.py",
    format="flax",
    fields=(),
    rules=(
        # normalization.py
        {"match": "*scale", "scheme": "ones"},
        {"match": "*mean", "scheme": "zeros"},
        {"match": "*var", "scheme": "ones"},
        # activation.py
        {"match": "*negative_slope", "scheme": "constant", "value": 0.01},
        # linear.py: Embed, variance 1 / features.
        {"match": "*embedding", "axes": "VO", "scheme": "he_fan_out", "gain": math.sqrt(0.5)},
        # recurrent.py: what the state goes through, in LSTM, GRU, MGU and simple cells.
        *(
            {"match": f"*/{name}/kernel", "rank": 2, "axes": "IO", "scheme": "orthogonal"}
            for name in ("hi", "hf", "hg", "ho", "hr", "hz", "hn", "h")
        ),
        {"match": "*/if/bias", "scheme": "ones"},  # of MGUCell
        # attention.py: into heads and out of them.
        *({"match": f"*{name}/kernel", "rank": 3, "axes": "IOO", **LECUN} for name in ("query", "key", "value")),
        {"match": "*out/kernel", "rank": 3, "axes": "IIO", **LECUN},
        # linear.py again: Dense and Conv.
        *(
            {"match": "*kernel", "rank": rank, "axes": axes, **LECUN}
            for rank, axes in ((2, "IO"), (3, "WIO"), (4, "HWIO"), (5, "DHWIO"))
        ),
        {"match": "*bias", "scheme": "zeros"},
        # flax/nnx/nn/lora.py
        {"match": "*lora_a", "axes": "IO", "scheme": "he", "distribution": "uniform"},
        {"match": "*lora_b", "scheme": "zeros"},
    ),
)
