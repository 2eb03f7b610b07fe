"""Every activation function, those with a parameter also beside the usual one."""

from service.numerics.activations import FUNCTIONS, Activation, function_of

# At 0 and 1, and on both sides of 1, where the flatter side changes.
PARAMETERS_TRIED = (0.0, 0.3, 1.0, 2.5)
WITH_PARAMETERS = (
    *(function_of(Activation.LEAKY_RELU, slope=slope) for slope in PARAMETERS_TRIED),
    *(function_of(Activation.ELU, alpha=alpha) for alpha in PARAMETERS_TRIED if alpha != 1),
)
EVERY_FUNCTION = (*FUNCTIONS.values(), *WITH_PARAMETERS)
