"""A Linear with a bias is one addmm, counted as 2 m n k; torch.profiler counts it twice on meta."""

import torch
from torch.profiler import profile
from torch.utils.flop_counter import FlopCounterMode

M, K, N = 64, 32, 128

print(f"2 m n k = {2 * M * K * N:,}")
for device in ("cpu", "meta"):
    linear = torch.nn.Linear(K, N, bias=True, device=device)
    x = torch.ones(M, K, device=device)
    with torch.no_grad(), FlopCounterMode(display=False) as mode:
        linear(x)
    with torch.no_grad(), profile(with_flops=True) as profiler:
        linear(x)
    counts = {str(op): f"{flops:,}" for op, flops in mode.get_flop_counts()["Global"].items()}
    products = {e.key: f"{e.flops:,}" for e in profiler.key_averages() if "mm" in e.key}
    print(f"{device}: FlopCounterMode {counts}")
    print(f"{device}: torch.profiler {products}")
