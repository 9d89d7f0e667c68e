"""On the CPU the count of scaled_dot_product_attention depends on the kernel it picks."""

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import scaled_dot_product_attention as sdpa
from torch.utils.flop_counter import FlopCounterMode

HEADS, TOKENS, DIM = 4, 64, 32
FULL = 4 * HEADS * TOKENS * TOKENS * DIM


def count(device: str, value_dim: int = DIM, kv_heads: int = HEADS, **options: object) -> str:
    """Count one call, and name the ops that did it."""
    with torch.device(device), torch.no_grad(), FlopCounterMode(display=False) as mode:
        q = torch.ones(1, HEADS, TOKENS, DIM)
        k = torch.ones(1, kv_heads, TOKENS, DIM)
        v = torch.ones(1, kv_heads, TOKENS, value_dim)
        sdpa(q, k, v, **options)
    ops = ", ".join(map(str, mode.get_flop_counts().get("Global", {})))
    return f"{mode.get_total_flops():,}" + (f" ({ops})" if ops else "")


print(f"one call does {FULL:,} FLOPs, {FULL * 3 // 4:,} with values half as wide")
print("meta:", count("meta"))
print("cpu:", count("cpu"))
print("cpu, is_causal=True:", count("cpu", is_causal=True))
print("cpu, a mask:", count("cpu", attn_mask=torch.zeros(TOKENS, TOKENS)))
print("cpu, grouped queries:", count("cpu", kv_heads=2, enable_gqa=True))
print("cpu, dropout_p=0.1:", count("cpu", dropout_p=0.1))
print("cpu, values half as wide:", count("cpu", value_dim=DIM // 2))
with sdpa_kernel(SDPBackend.MATH):
    print("cpu, SDPBackend.MATH:", count("cpu"))
