"""What PyTorch's LSTM starts with; the modules around it as in the family torch."""

from collections.abc import Mapping

from service.describe.model.families.family import Family, Rules
from service.describe.model.families.torch import MODULES


def _rules(values: Mapping[str, float]) -> Rules:
    # RNNBase.reset_parameters: uniform between plus and minus 1/sqrt(hidden_size), biases too.
    drawn = {"scheme": "framework_default", "fan_in": values["hidden_size"]}
    gates = {"parts": ["i", "f", "g", "o"]}
    return (
        {"match": "*weight_ih_l*", "axes": "OI", **gates, **drawn},
        {"match": "*weight_hh_l*", "axes": "OI", **gates, **drawn},
        {"match": "*weight_hr_l*", "axes": "OI", **drawn},
        {"match": "*bias_ih_l*", **gates, **drawn},
        {"match": "*bias_hh_l*", **gates, **drawn},
        *MODULES,
    )


LSTM_TORCH = Family(
    name="lstm_torch",
    follows="torch 2.13.0: torch/nn/modules/rnn.py, and for the rest what torch follows",
    format="pt",
    fields=("hidden_size",),
    rules=_rules,
)
