"""Causal language models, sequence to sequence and state space models of transformers."""

from modules.zoo.pretrained import SMALL, TEXT, pretrained, uncached
from modules.zoo.specimen import ids

_PLAIN = ["gpt_neox", "opt", "biogpt", "phi", "persimmon"]
_GROUPED = [
    *("llama", "mistral", "qwen2", "qwen3", "gemma", "gemma2", "gemma3_text", "olmo2", "cohere"),
    *("granite", "starcoder2", "smollm3", "helium", "phi3", "glm4", "nemotron"),
]
_GPT = {"n_embd": 16, "n_layer": 2, "n_head": 4, "vocab_size": 50}
_OWN = {
    "gpt2": _GPT,
    "gptj": {**_GPT, "rotary_dim": 4},
    "codegen": {**_GPT, "rotary_dim": 4},
    "gpt_bigcode": _GPT,
    "openai-gpt": _GPT,
    "ctrl": {**_GPT, "dff": 24},
    "gpt_neo": {
        "vocab_size": 50,
        "hidden_size": 16,
        "num_layers": 2,
        "num_heads": 4,
        "attention_types": [[["global", "local"], 1]],
    },
    "bloom": {"vocab_size": 50, "hidden_size": 16, "n_layer": 2, "n_head": 4},
    "mpt": {"vocab_size": 50, "d_model": 16, "n_layers": 2, "n_heads": 4},
    "falcon": SMALL,
    "mamba": {**SMALL, "state_size": 6},
    "falcon_mamba": {**SMALL, "state_size": 6},
    "rwkv": {**SMALL, "attention_hidden_size": 16},
    "recurrent_gemma": {**SMALL, "num_hidden_layers": 3, "lru_width": 16},
    "xglm": {"vocab_size": 50, "d_model": 16, "num_layers": 2, "attention_heads": 4, "ffn_dim": 24},
    "mixtral": {
        **SMALL,
        "num_key_value_heads": 2,
        "num_local_experts": 4,
        "num_experts_per_tok": 2,
        "experts_implementation": "batched_mm",
    },
    "qwen2_moe": {
        **SMALL,
        "num_key_value_heads": 2,
        "num_experts": 4,
        "num_experts_per_tok": 2,
        "moe_intermediate_size": 8,
        "shared_expert_intermediate_size": 8,
        "experts_implementation": "batched_mm",
    },
    "olmoe": {
        **SMALL,
        "num_key_value_heads": 2,
        "num_experts": 4,
        "num_experts_per_tok": 2,
        "experts_implementation": "batched_mm",
    },
}
_MAMBA2 = {
    **SMALL,
    "num_heads": 4,
    "head_dim": 8,
    "state_size": 6,
    "chunk_size": 4,
    "n_groups": 2,
}
_BART = {
    "vocab_size": 50,
    "d_model": 16,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 24,
    "decoder_ffn_dim": 24,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "decoder_start_token_id": 2,
}
_T5 = {
    "vocab_size": 50,
    "d_model": 16,
    "d_kv": 4,
    "d_ff": 24,
    "num_layers": 2,
    "num_heads": 4,
    "decoder_start_token_id": 0,
}
_BARTS = [
    *("bart", "pegasus", "marian", "mbart", "blenderbot", "m2m_100", "blenderbot-small"),
    *("plbart", "pegasus_x"),
]
_SEQ2SEQ = {
    **dict.fromkeys(_BARTS, _BART),
    **dict.fromkeys(("t5", "mt5", "umt5", "longt5"), _T5),
    "prophetnet": {
        "vocab_size": 50,
        "hidden_size": 16,
        "encoder_ffn_dim": 24,
        "num_encoder_layers": 2,
        "num_encoder_attention_heads": 4,
        "decoder_ffn_dim": 24,
        "num_decoder_layers": 2,
        "num_decoder_attention_heads": 4,
        "ngram": 2,
    },
}


def _translate(B, S):
    return {"input_ids": ids(B, S), "decoder_input_ids": ids(B, 5), "use_cache": False}


DECODERS = [
    pretrained("mamba2", lambda B, S: {"input_ids": ids(B, S), "use_cache": False}, TEXT, _MAMBA2),
    *(pretrained(kind, uncached, TEXT, SMALL) for kind in _PLAIN),
    *(
        pretrained(k, uncached, TEXT, {**SMALL, "num_key_value_heads": 2, "head_dim": 4})
        for k in _GROUPED
    ),
    *(pretrained(kind, uncached, TEXT, own) for kind, own in _OWN.items()),
    *(pretrained(kind, _translate, TEXT, own) for kind, own in _SEQ2SEQ.items()),
]
