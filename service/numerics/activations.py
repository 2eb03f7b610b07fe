"""The activation functions by name."""

from enum import StrEnum


class Activation(StrEnum):
    """An activation function: leaky_relu has slope 0.01 below zero, gelu is the exact form with erf."""

    IDENTITY = "identity"
    SIGMOID = "sigmoid"
    TANH = "tanh"
    RELU = "relu"
    LEAKY_RELU = "leaky_relu"
    ELU = "elu"
    SELU = "selu"
    GELU = "gelu"
    SILU = "silu"
    SOFTPLUS = "softplus"
    SOFTSIGN = "softsign"
    MISH = "mish"
    HARD_TANH = "hard_tanh"
    RELU6 = "relu6"
