"""What BERT of Hugging Face starts with."""

from collections.abc import Mapping

from service.describe.model.families.family import Family, Rules


def _rules(values: Mapping[str, float]) -> Rules:
    normal = {"scheme": "fixed", "std": values["initializer_range"]}
    return (
        # Tables that files of older versions hold, and today's model makes itself.
        {"match": "*position_ids", "skip": True},
        {"match": "*token_type_ids", "skip": True},
        {"match": "*LayerNorm.weight", "scheme": "ones"},
        {"match": "*cls.predictions.decoder.weight", "tie": "$1bert.embeddings.word_embeddings.weight"},
        {"match": "*embeddings.weight", "axes": "VO", **normal},
        {"match": "*weight", "axes": "OI", **normal},
        {"match": "*bias", "scheme": "zeros"},
    )


BERT = Family(
    name="bert",
    follows="transformers 5.24.0: models/bert/modeling_bert.py, modeling_utils.py",
    format="pt",
    fields=("initializer_range",),
    defaults={"initializer_range": 0.02},
    rules=_rules,
)
