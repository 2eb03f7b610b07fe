"""What the layers of Keras start with."""

import math

from service.describe.model.families.family import Family, Rules

GLOROT = {"scheme": "glorot", "distribution": "uniform"}
FORGET_GATE = {"scheme": "constant", "parts": ["i", "f", "c", "o"], "part_values": [0, 1, 0, 0]}

# Names are the paths of Keras' variables: dense/kernel. A kernel's rank tells a Dense layer from a convolution.
# Keras reads every kernel of a convolution as (..., in, out): that of a depthwise one, too, which is
# (..., channels, multiplier), and that of a transposed one, (..., out, in), whose two fans glorot adds.
LAYERS: Rules = (
    # rnn/: a recurrent kernel is one orthogonal matrix of all gates; an LSTM's forget gate starts open.
    *(
        {"match": "*recurrent_kernel", "rank": rank, "axes": axes, "scheme": "orthogonal"}
        for rank, axes in ((2, "IO"), (3, "WIO"), (4, "HWIO"), (5, "DHWIO"))
    ),
    {"match": "*lstm_cell*bias", **FORGET_GATE},
    # normalization/
    {"match": "*moving_mean", "scheme": "zeros"},
    {"match": "*moving_variance", "scheme": "ones"},
    {"match": "*gamma", "scheme": "ones"},
    {"match": "*beta", "scheme": "zeros"},
    {"match": "*scale", "scheme": "ones"},
    # activations/prelu.py
    {"match": "*p_re_lu*alpha", "scheme": "zeros"},
    # core/embedding.py: RandomUniform between plus and minus 0.05.
    {"match": "*embeddings", "axes": "VO", "scheme": "fixed", "std": 0.05 / math.sqrt(3), "distribution": "uniform"},
    # attention/: EinsumDense told which axes are inputs, into heads and out of them.
    {"match": "*query/kernel", "rank": 3, "axes": "IOO", **GLOROT},
    {"match": "*key/kernel", "rank": 3, "axes": "IOO", **GLOROT},
    {"match": "*value/kernel", "rank": 3, "axes": "IOO", **GLOROT},
    {"match": "*attention_output/kernel", "rank": 3, "axes": "IIO", **GLOROT},
    # convolutional/ and core/dense.py
    {"match": "*conv1d_transpose*kernel", "rank": 3, "axes": "WOI", **GLOROT},
    {"match": "*conv2d_transpose*kernel", "rank": 4, "axes": "HWOI", **GLOROT},
    {"match": "*conv3d_transpose*kernel", "rank": 5, "axes": "DHWOI", **GLOROT},
    *(
        {"match": name, "rank": rank, "axes": axes, **GLOROT}
        for name in ("*/kernel", "kernel", "*depthwise_kernel", "*pointwise_kernel")
        for rank, axes in ((2, "IO"), (3, "WIO"), (4, "HWIO"), (5, "DHWIO"))
    ),
    {"match": "*bias", "scheme": "zeros"},
)

KERAS = Family(
    name="keras",
    follows="keras 3.15.1: keras/src/layers/, keras/src/initializers/random_initializers.py",
    format=None,
    fields=(),
    rules=LAYERS,
)
