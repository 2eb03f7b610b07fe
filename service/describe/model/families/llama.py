"""What Llama of Hugging Face starts with, and what shares its modules: Mistral, Qwen, Gemma, mixtures of experts."""

from collections.abc import Mapping

from service.describe.model.families.family import Family, Rules


def _rules(values: Mapping[str, float]) -> Rules:
    normal = {"scheme": "fixed", "std": values["initializer_range"]}
    head: Rules = ({"match": "*lm_head.weight", "axes": "VO", **normal},)
    if values["tie_word_embeddings"]:
        head = ({"match": "*lm_head.weight", "tie": "$1model.embed_tokens.weight"},)
    return (
        # A table that files of older versions hold, and today's model makes itself.
        {"match": "*inv_freq", "skip": True},
        {"match": "*norm.weight", "scheme": "zeros" if values["norm_plus_one"] else "ones"},
        *head,
        {"match": "*embed_tokens.weight", "axes": "VO", **normal},
        # Experts, stacked (expert, out, in), and what routes to them.
        {"match": "*experts.gate_up_proj", "axes": "BOI", **normal},
        {"match": "*experts.down_proj", "axes": "BOI", **normal},
        {"match": "*e_score_correction_bias", "scheme": "zeros"},
        {"match": "*weight", "axes": "OI", **normal},
        {"match": "*bias", "scheme": "zeros"},
    )


LLAMA = Family(
    name="llama",
    follows="transformers 5.24.0: modeling_utils.py, models/{llama/modeling_llama,mixtral/modeling_mixtral}.py",
    format="pt",
    fields=("initializer_range", "tie_word_embeddings", "norm_plus_one"),
    defaults={"initializer_range": 0.02, "tie_word_embeddings": 0, "norm_plus_one": 0},
    rules=_rules,
)
