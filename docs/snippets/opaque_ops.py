"""A custom op counts as 0, whatever it calls, until it is given a formula."""

import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers.integrations import moe  # noqa: F401 - registers transformers' ops

M, K, N, EXPERTS = 32, 64, 16, 4


@torch.library.custom_op("docs::product", mutates_args=())
def product(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Multiply two matrices."""
    return a @ b


product.register_fake(lambda a, b: a.new_empty(a.shape[0], b.shape[1]))


def formula(a: torch.Size, b: torch.Size, **_: object) -> int:
    """Count the product of two shapes."""
    return 2 * a[0] * a[1] * b[1]


print(f"one product does {2 * M * K * N:,} FLOPs; counted are:")
for device in ("cpu", "meta"):
    with torch.device(device):
        a, b, experts = torch.ones(M, K), torch.ones(K, N), torch.ones(EXPERTS, K, N)
        ends = torch.arange(1, EXPERTS + 1, dtype=torch.int32) * (M // EXPERTS)
    with FlopCounterMode(display=False) as custom:
        torch.ops.docs.product(a, b)
    with FlopCounterMode(display=False) as fallback:
        torch.ops.transformers.grouped_mm_fallback(a, experts, ends)
    with FlopCounterMode(display=False, custom_mapping={torch.ops.docs.product: formula}) as known:
        torch.ops.docs.product(a, b)
    print(f"{device}: docs.product {custom.get_total_flops():,}")
    print(f"{device}: transformers.grouped_mm_fallback {fallback.get_total_flops():,}")
    print(f"{device}: docs.product with a formula {known.get_total_flops():,}")
