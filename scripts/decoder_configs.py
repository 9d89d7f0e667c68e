"""Published sizes of decoders, as fields of transformers' configs (their config.json files)."""

from __future__ import annotations

import functools
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

LLAMA2_7B = {
    "vocab_size": 32000,
    "hidden_size": 4096,
    "intermediate_size": 11008,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 32,
}
LLAMA3_8B = LLAMA2_7B | {
    "vocab_size": 128256,
    "intermediate_size": 14336,
    "num_key_value_heads": 8,
}
QWEN3_30B_A3B = {
    "vocab_size": 151936,
    "hidden_size": 2048,
    "num_hidden_layers": 48,
    "num_attention_heads": 32,
    "num_key_value_heads": 4,
    "head_dim": 128,
    "num_experts": 128,
    "num_experts_per_tok": 8,
    "moe_intermediate_size": 768,
}
MIXTRAL_8X7B = {}
"""The defaults of transformers' class."""
DEEPSEEK_V3 = {}
"""The same."""
DEEPSEEK_V2_LITE = {
    "vocab_size": 102400,
    "hidden_size": 2048,
    "intermediate_size": 10944,
    "moe_intermediate_size": 1408,
    "num_hidden_layers": 27,
    "num_attention_heads": 16,
    "num_key_value_heads": 16,
    "q_lora_rank": None,
    "kv_lora_rank": 512,
    "qk_nope_head_dim": 128,
    "qk_rope_head_dim": 64,
    "v_head_dim": 128,
    "n_routed_experts": 64,
    "n_shared_experts": 2,
    "num_experts_per_tok": 6,
    "first_k_dense_replace": 1,
}
GEMMA3_4B = {
    "vocab_size": 262208,
    "hidden_size": 2560,
    "intermediate_size": 10240,
    "num_hidden_layers": 34,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "head_dim": 256,
    "sliding_window": 1024,
}
GPT_OSS_20B = {"num_hidden_layers": 24, "num_local_experts": 32}
GPT_OSS_120B = {}
"""The defaults of transformers' class."""

MODELS = {
    "GPT-2": ("hf/gpt2", {}),
    "Llama-3-8B": ("hf/llama", LLAMA3_8B),
    "Qwen3-30B-A3B": ("hf/qwen3_moe", QWEN3_30B_A3B),
    "Mixtral-8x7B": ("hf/mixtral", MIXTRAL_8X7B),
    "DeepSeek-V3": ("hf/deepseek_v3", DEEPSEEK_V3),
    "Gemma 3 4B": ("hf/gemma3_text", GEMMA3_4B),
    "gpt-oss-20b": ("hf/gpt_oss", GPT_OSS_20B),
    "DeepSeek-OCR": ("deepseek_ocr", {}),
}
"""Eight decoders, each with the model and the overrides of its config."""


@functools.cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    """Return the folder of the files, which lasts as long as the process."""
    return tempfile.TemporaryDirectory()


def settings_of(model: str, fields: Mapping[str, Any]) -> dict[str, str] | None:
    """Return the section ``model`` for a type and fields of its config, which go into a file."""
    if not fields:
        return None
    text = json.dumps({"model_type": model.removeprefix("hf/"), **fields})
    file = Path(_folder().name, f"{abs(hash(text))}.json")
    file.write_text(text)
    return {"config": str(file)}
