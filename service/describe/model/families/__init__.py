"""Families of models, one table each: how a library starts them."""

from collections.abc import Mapping
from types import MappingProxyType

from service.describe.model.families.bert import BERT
from service.describe.model.families.family import Family, Field, Kind
from service.describe.model.families.flax import FLAX
from service.describe.model.families.gpt2 import GPT2
from service.describe.model.families.keras import KERAS
from service.describe.model.families.llama import LLAMA
from service.describe.model.families.lstm_keras import LSTM_KERAS
from service.describe.model.families.lstm_torch import LSTM_TORCH
from service.describe.model.families.nanogpt import NANOGPT
from service.describe.model.families.resnet import RESNET
from service.describe.model.families.t5 import T5
from service.describe.model.families.torch import TORCH
from service.describe.model.families.torchtitan import TORCHTITAN
from service.describe.model.families.vit import VIT

__all__ = ["FAMILIES", "FIELDS", "Family", "Field"]

# The fields that families take, each with one meaning in all of them.
FIELDS: Mapping[str, Field] = MappingProxyType(
    {
        "d_kv": Field(Kind.COUNT, "width of one head's queries, keys and values"),
        "d_model": Field(Kind.COUNT, "width of the residual path"),
        "fix_init": Field(
            Kind.SWITCH, "1 divides what writes to the residual path by sqrt(2 (index + 1)), as fix_init does"
        ),
        "hidden_size": Field(Kind.COUNT, "size of the recurrent state"),
        "init_values": Field(Kind.NUMBER, "what LayerScale starts with"),
        "initializer_factor": Field(Kind.NUMBER, "multiplies every standard deviation, as in the model's config"),
        "initializer_range": Field(Kind.NUMBER, "standard deviation of weights, as in the model's config"),
        "norm_plus_one": Field(Kind.SWITCH, "1 where the model adds 1 to the weights of its norms, as Gemma does"),
        "tie_word_embeddings": Field(Kind.SWITCH, "1 where the head is the embedding, as in the model's config"),
        "weight_init_jax": Field(Kind.SWITCH, '1 where the model is made with weight_init="jax"'),
        "zero_init_residual": Field(
            Kind.NUMBER,
            "the batch norm that ends a block and starts at 0: 2 in BasicBlock, 3 in Bottleneck, 0 for none",
        ),
    }
)

FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        family.name: family
        for family in (
            TORCH, KERAS, FLAX, GPT2, NANOGPT, LLAMA, TORCHTITAN, BERT, T5, VIT, RESNET, LSTM_TORCH, LSTM_KERAS,
        )
    }
)  # fmt: skip
