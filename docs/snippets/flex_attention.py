"""flex_attention runs on the CPU, and raises under FlopCounterMode, which has its formula."""

import torch
from torch._higher_order_ops.flex_attention import flex_attention as flex_op
from torch.nn.attention.flex_attention import flex_attention
from torch.utils.flop_counter import FlopCounterMode, flop_registry

x = torch.ones(1, 2, 16, 8)
print("cpu, alone:", tuple(flex_attention(x, x, x).shape))
try:
    with FlopCounterMode(display=False):
        flex_attention(x, x, x)
except TypeError as error:
    print("cpu, under FlopCounterMode: TypeError:", str(error).split(" on types", maxsplit=1)[0])
try:
    flex_attention(x.to("meta"), x.to("meta"), x.to("meta"))
except ValueError as error:
    print("meta, alone: ValueError:", str(error).split(". ", maxsplit=1)[0])
print("in the registry:", flex_op in flop_registry, flop_registry[flex_op](x, x, x))
