"""Elementwise ops, softmax, norms and look-ups count as 0; so do the biases of a layer."""

import torch
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

CALLS = {
    "add": lambda x: x + x,
    "multiply": lambda x: x * x,
    "exp": torch.exp,
    "gelu": functional.gelu,
    "silu": functional.silu,
    "softmax": lambda x: x.softmax(-1),
    "layer_norm": lambda x: functional.layer_norm(x, x.shape[-1:]),
    "rms_norm": lambda x: functional.rms_norm(x, x.shape[-1:]),
    "batch_norm": lambda x: functional.batch_norm(x, x[0], x[0]),
    "sum": torch.sum,
    "top_k": lambda x: x.topk(2),
    "embedding": lambda x: functional.embedding(torch.zeros(4, dtype=torch.long), x),
}


def count(device: str, name: str) -> int:
    """Count one call on a 32 x 64 tensor."""
    with torch.device(device), FlopCounterMode(display=False) as mode:
        CALLS[name](torch.ones(32, 64))
    return mode.get_total_flops()


for device in ("cpu", "meta"):
    print(f"{device}:", ", ".join(f"{name} {count(device, name)}" for name in CALLS))
