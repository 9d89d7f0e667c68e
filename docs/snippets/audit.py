"""flopbench's torch counter names the ops that FlopCounterMode left out, and fails the verdict."""

import torch
from torch.nn import functional

from flopbench import VendorCall
from flopbench.analytic.price import StagePrice
from flopbench.builtin.eager import Eager
from flopbench.builtin.torch_counter import TorchCounter
from flopbench.commands.run.reconcile import compare
from flopbench.vendor import StageCount
from flopbench.vendor.attribution import attribute


class Block(torch.nn.Module):
    """One attention and two experts: 16 tokens, 2 heads of 8."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv = torch.nn.Linear(16, 48, bias=False)
        self.experts = torch.nn.Parameter(torch.ones(2, 16, 16))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Attend, then send eight tokens to each expert."""
        q, k, v = self.qkv(x).view(1, 16, 3, 2, 8).permute(2, 0, 3, 1, 4)
        y = functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(16, 16)
        ends = torch.tensor([8, 16], dtype=torch.int32)
        return functional.grouped_mm(y, self.experts, offs=ends)


block, x = Block(), torch.ones(1, 16, 16)
count = TorchCounter().count(VendorCall(block, lambda: block(x)))
for entry in count.counted:
    print(f"counted: {entry.op} in {entry.module!r}, {entry.flops:,} FLOPs")
for op in count.uncounted:
    print(f"uncounted: {op.op} in {op.module!r}, {op.calls} call")
found = attribute(StageCount(count), lambda module, _op: module or "block")
comparison = compare("forward", Eager(), StagePrice(()), "torch", TorchCounter.convention, found)
print(f"verdict: {comparison.verdict}: {comparison.reason}")
outside = TorchCounter().count(VendorCall(block, lambda: x[0].numpy() @ x[0].numpy().T))
print(f"a product in NumPy: {len(outside.counted)} counted, {len(outside.uncounted)} uncounted")
