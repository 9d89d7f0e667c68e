"""Modules that run as one fused kernel on the CPU count as 0 there, and in full on meta."""

from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

WIDTH, HEADS = 32, 4
MODULES = (
    (nn.LSTM, (WIDTH, WIDTH), 1),
    (nn.GRU, (WIDTH, WIDTH), 1),
    (nn.MultiheadAttention, (WIDTH, HEADS), 3),
    (nn.TransformerEncoderLayer, (WIDTH, HEADS, WIDTH), 1),
)
KERNELS = ("mkldnn_rnn_layer", "transformer_encoder_layer_fwd", "attention")


class Watch(TorchDispatchMode):
    """Names the last fused kernel that ran."""

    kernel = ""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Note the kernel and run it."""
        if any(name in str(func) for name in KERNELS):
            self.kernel = f"  through {func.overloadpacket}"
        return func(*args, **(kwargs or {}))


for kind, sizes, inputs in MODULES:
    print(f"{kind.__name__}, 2 sequences of 8 tokens:")
    for device, grad in (("meta", False), ("cpu", False), ("cpu", True)):
        x = torch.ones(2, 8, WIDTH, device=device)
        model = kind(*sizes, batch_first=True, device=device).eval()
        with torch.set_grad_enabled(grad), Watch() as watch, FlopCounterMode(display=False) as mode:
            model(*[x] * inputs)
        where = f"{device}, with gradients" if grad else device
        print(f"  {where:20} {mode.get_total_flops():>9,}{watch.kernel}")
