"""Models of transformers, made from small configs; nothing is downloaded."""

from collections.abc import Callable
from typing import Any

import torch
import transformers as hf

from tests.models.case import Case

TOKENS = torch.tensor([[5, 6, 7, 8, 9]])
PIXELS = torch.linspace(-1, 1, 3 * 32 * 32).reshape(1, 3, 32, 32)
SMALL = {
    "vocab_size": 200,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
}
SMALL_GPT2 = {
    "vocab_size": 200,
    "n_positions": 32,
    "n_embd": 64,
    "n_layer": 3,
    "n_head": 4,
    "bos_token_id": 0,
    "eos_token_id": 0,
}
SMALL_T5 = {"vocab_size": 200, "d_model": 64, "d_kv": 8, "d_ff": 96, "num_layers": 2, "num_heads": 4}


def gpt2(kind: Any = hf.GPT2LMHeadModel, **settings: Any) -> Callable[[], Any]:
    return lambda: kind(hf.GPT2Config(**SMALL_GPT2 | settings))


def llama(kind: Any = hf.LlamaForCausalLM, config: Any = hf.LlamaConfig, **settings: Any) -> Callable[[], Any]:
    return lambda: kind(config(**SMALL | {"num_key_value_heads": 2} | settings))


def deepseek() -> Callable[[], Any]:
    latent = {"q_lora_rank": 32, "kv_lora_rank": 16, "qk_rope_head_dim": 8, "qk_nope_head_dim": 8, "v_head_dim": 16}
    routing = {
        "n_routed_experts": 8,
        "n_group": 2,
        "topk_group": 1,
        "num_experts_per_tok": 2,
        "first_k_dense_replace": 1,
    }
    experts = {"moe_intermediate_size": 32, "initializer_range": 0.006, "num_key_value_heads": 4}
    return llama(hf.DeepseekV3ForCausalLM, hf.DeepseekV3Config, **latent, **routing, **experts)


def bert(kind: Any = hf.BertForPreTraining, **settings: Any) -> Callable[[], Any]:
    # Without a padding token, whose row the library sets to 0: docs/families.md.
    return lambda: kind(hf.BertConfig(**SMALL | {"max_position_embeddings": 32, "pad_token_id": None} | settings))


def t5(kind: Any = hf.T5ForConditionalGeneration, **settings: Any) -> Callable[[], Any]:
    return lambda: kind(hf.T5Config(**SMALL_T5 | settings))


def resnet(**settings: Any) -> Callable[[], Any]:
    small = {"embedding_size": 16, "hidden_sizes": [32, 64], "depths": [2, 2]}
    return lambda: hf.ResNetForImageClassification(hf.ResNetConfig(**small | settings))


def read_tokens(model: Any) -> Any:
    return model(input_ids=TOKENS)[0]


def read_and_write_tokens(model: Any) -> Any:
    return model(input_ids=TOKENS, decoder_input_ids=TOKENS)[0]


def read_pixels(model: Any) -> Any:
    return model(pixel_values=PIXELS)[0]


T5_FIELDS = {"family": "t5", "d_model": 64, "d_kv": 8}
CASES = {
    "gpt2": Case(gpt2(), {"family": "gpt2"}, read_tokens),
    "gpt2 without prefix": Case(gpt2(hf.GPT2Model), {"family": "gpt2"}, read_tokens),
    "gpt2 with cross attention": Case(gpt2(add_cross_attention=True), {"family": "gpt2"}, read_tokens),
    "gpt2 classifier": Case(
        gpt2(hf.GPT2ForSequenceClassification, initializer_range=0.1, pad_token_id=1),
        {"family": "gpt2", "initializer_range": 0.1},
        read_tokens,
    ),
    "llama": Case(llama(), {"family": "llama"}, read_tokens),
    "llama without prefix": Case(llama(hf.LlamaModel), {"family": "llama"}, read_tokens),
    "llama tied": Case(llama(tie_word_embeddings=True), {"family": "llama", "tie_word_embeddings": 1}, read_tokens),
    "mixtral": Case(
        llama(hf.MixtralForCausalLM, hf.MixtralConfig, num_local_experts=4), {"family": "llama"}, read_tokens
    ),
    "deepseek": Case(deepseek(), {"family": "llama", "initializer_range": 0.006}, read_tokens),
    "qwen2": Case(llama(hf.Qwen2ForCausalLM, hf.Qwen2Config), {"family": "llama"}, read_tokens),
    "gemma": Case(
        llama(hf.GemmaForCausalLM, hf.GemmaConfig, head_dim=16, pad_token_id=None),
        {"family": "llama", "tie_word_embeddings": 1, "norm_plus_one": 1},
        read_tokens,
    ),
    "bert": Case(bert(), {"family": "bert"}, read_tokens),
    "bert without prefix": Case(bert(hf.BertModel), {"family": "bert"}, read_tokens),
    "bert classifier": Case(
        bert(hf.BertForSequenceClassification, initializer_range=0.1),
        {"family": "bert", "initializer_range": 0.1},
        read_tokens,
    ),
    "t5": Case(t5(), T5_FIELDS, read_and_write_tokens),
    "t5 gated": Case(
        t5(feed_forward_proj="gated-gelu", initializer_factor=2.0),
        T5_FIELDS | {"initializer_factor": 2},
        read_and_write_tokens,
    ),
    "t5 encoder": Case(t5(hf.T5EncoderModel), T5_FIELDS, read_tokens),
    "resnet of transformers": Case(resnet(), {"family": "resnet"}, read_pixels),
    "resnet of transformers, basic": Case(resnet(layer_type="basic"), {"family": "resnet"}, read_pixels),
}
