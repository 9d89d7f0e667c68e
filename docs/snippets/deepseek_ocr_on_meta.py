"""What DeepSeek-OCR's decoder cannot do on meta: eager experts, no cache, grouped_mm in float32."""

import torch
from transformers import DynamicCache

from flopbench_deepseek_ocr.architecture import Architecture
from flopbench_deepseek_ocr.vendor_native import Native

model = Native(Architecture()).model
tokens = torch.empty(1, 16, 1280, device="meta")


def attempt(what: str, **options: object) -> None:
    """Call the model and print the outcome."""
    try:
        with torch.no_grad():
            shape = tuple(model(inputs_embeds=tokens, **options).logits.shape)
    except (RuntimeError, NotImplementedError) as error:
        print(f"{what}: {type(error).__name__}: {str(error).split(' raises')[0]}")
    else:
        print(f"{what}: logits {shape}")


attempt("batched_mm")
attempt("batched_mm, use_cache=False", use_cache=False)
cache = DynamicCache(config=model.config.text_config)
attempt("batched_mm, a DynamicCache", past_key_values=cache)
attempt("batched_mm, use_cache=False, a DynamicCache", use_cache=False, past_key_values=cache)
for experts in ("eager", "grouped_mm"):
    model.set_experts_implementation(experts)
    attempt(experts)
model, tokens = model.bfloat16(), tokens.bfloat16()
attempt("grouped_mm, bfloat16")
