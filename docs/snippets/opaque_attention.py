"""If attention is an opaque op, such as flash-attn's, FlopCounterMode sees what flash_torch has."""

from typing import Any

import torch
from transformers import AttentionInterface

from flopbench.analytic.price import price
from flopbench.builtin.eager import Eager
from flopbench.builtin.flash import FlashTorch
from flopbench.builtin.torch_counter import TorchCounter
from flopbench.conventions import Conventions
from flopbench_deepseek_ocr.analytic import DeepseekOcr
from flopbench_deepseek_ocr.architecture import Architecture
from flopbench_deepseek_ocr.vendor_native import Native
from flopbench_deepseek_ocr.workload import Inputs


@torch.library.custom_op("docs::attention", mutates_args=())
def attention(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """Take [B, H, S, D], return [B, S, H, D]; only its shapes are needed here."""
    raise NotImplementedError


attention.register_fake(lambda q, k, v: torch.empty_like(q.transpose(1, 2)))


def opaque(_module: Any, q: Any, k: Any, v: Any, _mask: Any, **_: Any) -> tuple[Any, None]:
    """Attend through the op, with the signature that transformers expects."""
    return torch.ops.docs.attention(q, k, v), None


AttentionInterface.register("opaque", opaque)
model, native = DeepseekOcr(), Native(Architecture())
native.model.set_attn_implementation("opaque")
workload = model.workload(Inputs(decode_steps=1))
for stage in ("prefill", "decode"):
    count = TorchCounter().count(native.stage(stage, workload).prepare(1))
    analytic = price(model.ops(stage, workload), FlashTorch(), Eager(), Conventions())
    print(f"{stage}: counted {count.flops:,}, flash_torch {analytic.torch_visible_flops:,}")
    print(
        "  uncounted:",
        ", ".join({f"{op.op} in {len(count.uncounted)} modules" for op in count.uncounted}),
    )
