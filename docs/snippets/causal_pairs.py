"""Query-key pairs and tensor FLOPs of DeepSeek-OCR's decoder attention, in eager and flash."""

from flopbench import Attention
from flopbench.analytic.price import price
from flopbench.builtin.eager import Eager
from flopbench.builtin.flash import Flash
from flopbench.conventions import Conventions

SIZES = {"component": "core", "batch": 1, "heads": 10, "kv_heads": 10, "head_dim": 128}
CALLS = {
    "prefill, n = 913": {"queries": 913, "keys": 913},
    "decode step 1, n = 914": {"queries": 1, "keys": 914},
    "decode, 100 steps": {"queries": 1, "keys": 914, "steps": 100},
}
print(f"{'one layer':24} {'pairs':>10} {'unmasked':>10} {'eager FLOPs':>14} {'flash FLOPs':>14}")
for name, call in CALLS.items():
    op = Attention(value_dim=128, causal=True, **SIZES, **call)
    eager, flash = (
        price([op], mode, Eager(), Conventions()).cost.tensor_flops for mode in (Eager(), Flash())
    )
    print(f"{name:24} {op.pairs:10,} {op.unmasked_pairs:10,} {eager:14,} {flash:14,}")
