"""What T5 of Hugging Face starts with."""

import math
from collections.abc import Mapping

from service.describe.model.families.family import Family, Rules


def _rules(values: Mapping[str, float]) -> Rules:
    factor = values["initializer_factor"]
    # factor / sqrt(inputs): d_model, but for DenseReluDense.wo d_ff, and for o all that the heads hold.
    by_inputs = {"axes": "OI", "scheme": "xavier", "gain": factor}
    return (
        {"match": "*layer_norm.weight", "scheme": "constant", "value": factor},
        {"match": "*encoder.embed_tokens.weight", "tie": "$1shared.weight"},
        {"match": "*decoder.embed_tokens.weight", "tie": "$1shared.weight"},
        {"match": "*lm_head.weight", "tie": "$1shared.weight"},
        {"match": "*shared.weight", "axes": "VO", "scheme": "fixed", "std": factor},
        {"match": "*relative_attention_bias.weight", "axes": "VO", "scheme": "fixed",
         "std": factor / math.sqrt(values["d_model"])},
        # Queries take the place of the quotient by sqrt(d_kv) in attention, which T5 does not have.
        {"match": "*Attention.q.weight", **by_inputs, "gain": factor / math.sqrt(values["d_kv"])},
        {"match": "*Attention.k.weight", **by_inputs},
        {"match": "*Attention.v.weight", **by_inputs},
        {"match": "*Attention.o.weight", **by_inputs},
        {"match": "*DenseReluDense.*.weight", **by_inputs},
        {"match": "*qa_outputs.weight", **by_inputs},
        {"match": "*classification_head.*.weight", **by_inputs},
        {"match": "*classifier.weight", "axes": "OI", "scheme": "fixed", "std": factor},
        {"match": "*bias", "scheme": "zeros"},
    )  # fmt: skip


T5 = Family(
    name="t5",
    follows="transformers 5.24.0: models/t5/modeling_t5.py",
    format="pt",
    fields=("d_model", "d_kv", "initializer_factor"),
    defaults={"initializer_factor": 1.0},
    rules=_rules,
)
