"""Gains of variance_preserving: what makes an activation's outputs as large as its inputs, for normal inputs.

He's argument (2015, arXiv:1502.01852, section 2.2) for every activation φ: if pre-activations z are standard normal,
the next layer's have variance 1 again where weights have standard deviation gain / √fan_in, gain = 1 / √E[φ(z)²].
"""

import math
from collections.abc import Mapping
from types import MappingProxyType

from service.numerics.activations import LEAK, Activation

# 1 / √E[φ(z)²] to 17 digits: constants of the recipe (docs/recipe.md, section 15), because another library's integral
# has another last bit.
GAINS: Mapping[Activation, float] = MappingProxyType(
    {
        Activation.IDENTITY: 1.0,
        Activation.SIGMOID: 1.846_228_545_338_605_4,
        Activation.TANH: 1.592_537_419_722_831_5,
        Activation.RELU: 1.414_213_562_373_095_1,  # √2
        Activation.LEAKY_RELU: 1.414_142_856_997_835_4,  # with slope 0.01
        Activation.ELU: 1.245_198_300_700_706_6,  # with alpha 1
        Activation.SELU: 1.0,  # made so: Klambauer et al. 2017, arXiv:1706.02515
        Activation.GELU: 1.533_530_441_195_535_3,
        Activation.SILU: 1.676_532_470_331_091_0,
        Activation.SOFTPLUS: 1.041_866_835_535_301_8,
        Activation.SOFTSIGN: 2.337_533_363_108_539_8,
        Activation.MISH: 1.486_847_581_273_208_0,
        Activation.HARD_TANH: 1.392_036_140_448_309_7,
        Activation.RELU6: 1.414_213_565_095_073_6,
    }
)
# E[(exp(z) - 1)²; z < 0] to 17 digits: what elu with alpha 1 adds to the ½ of its other side.
ELU_BELOW_ZERO = 0.144_945_417_492_923_86


def gain(activation: Activation, slope: float = LEAK, alpha: float = 1.0) -> float:
    """Return the gain of an activation; `slope` is that of leaky_relu below zero, `alpha` that of elu."""
    if activation is Activation.LEAKY_RELU and slope != LEAK:
        return math.sqrt(2 / (1 + slope * slope))
    if activation is Activation.ELU and alpha != 1:
        return 1 / math.sqrt(0.5 + alpha * alpha * ELU_BELOW_ZERO)
    return GAINS[activation]
