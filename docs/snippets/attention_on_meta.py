"""Fused attention ops on meta: a causal call counts as a full one; two ops are undercounted."""

import torch
from torch.utils.flop_counter import FlopCounterMode

HEADS, TOKENS, DIM = 10, 913, 128
BHSD = torch.empty(1, HEADS, TOKENS, DIM, device="meta")
BSHD = torch.empty(1, TOKENS, HEADS, DIM, device="meta")
OPS = {
    "scaled_dot_product_attention": (BHSD, lambda causal: (None, 0.0, causal)),
    "_scaled_dot_product_flash_attention": (BHSD, lambda causal: (0.0, causal)),
    "_scaled_dot_product_efficient_attention": (BHSD, lambda causal: (None, False, 0.0, causal)),
    "_scaled_dot_product_cudnn_attention": (BHSD, lambda causal: (None, False, 0.0, causal)),
    "_flash_attention_forward": (
        BSHD,
        lambda causal: (None, None, TOKENS, TOKENS, 0.0, causal, False),
    ),
    "_efficient_attention_forward": (
        BSHD,
        lambda causal: (None, None, None, TOKENS, TOKENS, 0.0, int(causal)),
    ),
}

print(f"all {TOKENS}^2 pairs: {4 * HEADS * DIM * TOKENS**2:,}")
print(f"the pairs of a causal mask: {4 * HEADS * DIM * TOKENS * (TOKENS + 1) // 2:,}")
print(f"{'counted':40} {'full':>13} {'causal':>13}")
for name, (x, options) in OPS.items():
    counts = []
    for causal in (False, True):
        with FlopCounterMode(display=False) as mode:
            getattr(torch.ops.aten, name)(x, x, x, *options(causal))
        counts.append(f"{mode.get_total_flops():13,}")
    print(f"{name:40} {' '.join(counts)}")
