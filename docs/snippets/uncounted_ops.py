"""Products that FlopCounterMode counts as 0 on CPU and meta, beside what they compute."""

from collections.abc import Callable, Iterator

import torch
from torch.nn import Bilinear, functional
from torch.utils.flop_counter import FlopCounterMode

B, M, K, N = 4, 32, 64, 16


def products() -> Iterator[tuple[str, int, Callable[[], object]]]:
    """Yield a name, the FLOPs at 2 per multiply-accumulate, and the call."""
    a, b, x, y = torch.ones(M, K), torch.ones(K, N), torch.ones(K), torch.ones(M, N)
    batch_a, batch_b = torch.ones(B, M, K), torch.ones(B, K, N)
    ends = torch.arange(1, B + 1, dtype=torch.int32) * (M // B)
    yield "mm, for comparison", 2 * M * K * N, lambda: torch.mm(a, b)
    yield "addmm, for comparison", 2 * M * K * N, lambda: torch.addmm(y, a, b)
    yield "addmm_ (in place)", 2 * M * K * N, lambda: y.addmm_(a, b)
    yield "baddbmm, for comparison", 2 * B * M * K * N, lambda: torch.baddbmm(y, batch_a, batch_b)
    yield "addbmm", 2 * B * M * K * N, lambda: torch.addbmm(y, batch_a, batch_b)
    yield "mv", 2 * M * K, lambda: torch.mv(a, x)
    yield "matmul with a vector", 2 * M * K, lambda: a @ x
    yield "dot", 2 * K, lambda: torch.dot(x, x)
    yield "_int_mm", 2 * M * K * N, lambda: torch._int_mm(a.char(), b.char())  # noqa: SLF001 - its only name
    yield "_trilinear in Bilinear", 2 * M * N * K * (K + 1), lambda: Bilinear(K, K, N)(a, a)
    yield (
        "_grouped_mm",
        2 * M * K * N,
        lambda: functional.grouped_mm(a.bfloat16(), batch_b.bfloat16(), offs=ends),
    )


counts: dict[str, list[int]] = {}
for device in ("cpu", "meta"):
    with torch.device(device), torch.no_grad():
        for name, flops, run in products():
            with FlopCounterMode(display=False) as mode:
                run()
            counts.setdefault(name, [flops]).append(mode.get_total_flops())
print(f"{'':24} {'computed':>9} {'cpu':>9} {'meta':>9}")
for name, row in counts.items():
    print(f"{name:24} " + " ".join(f"{value:9,}" for value in row))
