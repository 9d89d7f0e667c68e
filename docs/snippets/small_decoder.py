"""A decoder of blocks: half of its layers slide, half have experts."""

import sympy

from flopbench import blocks
from flopbench.analytic.price import price
from flopbench.builtin.eager import Eager
from flopbench.builtin.flash import Flash
from flopbench.conventions import Conventions

WIDTH = 1024
attention = {"width": WIDTH, "heads": 16, "kv_heads": 4, "head_dim": 64, "rope_dim": 64}
sliding = blocks.SelfAttention(**attention, window=512)
full = blocks.SelfAttention(**attention)
mlp = blocks.GatedMlp(width=WIDTH, inner=4096)
moe = blocks.Moe(
    router=blocks.Router(width=WIDTH, experts=32, per_token=4),
    experts=blocks.Experts(width=WIDTH, inner=512, experts=32, per_token=4),
)
decoder = blocks.Decoder(
    embeddings=blocks.Embeddings(vocabulary=32000, width=WIDTH),
    angles=(blocks.RotaryAngles(64),),
    groups=(blocks.Layers(6, sliding, mlp), blocks.Layers(6, full, moe)),
    around=blocks.ResidualNorms(norm=blocks.NormSpec("rms_norm"), width=WIDTH, last=1),
    head=blocks.LmHead(vocabulary=32000, width=WIDTH, tied=True),
)

S = sympy.Symbol("S", positive=True, integer=True)
for name, run in {
    "prefill of 2048": blocks.prefill_pass(batch=1, context=2048, head_rows=1),
    "100 decode steps": blocks.decode_passes(batch=1, context=2048, steps=100),
}.items():
    for mode in (Eager(), Flash()):
        cost = price(decoder.ops(run), mode, Eager(), Conventions()).cost
        print(f"{name}, {mode.name}: {cost.tensor_flops:,} FLOPs")
run = blocks.prefill_pass(batch=1, context=S, head_rows=1)
form = price(decoder.ops(run), Eager(), Eager(), Conventions()).cost.tensor_flops
print(f"prefill of S, eager: {sympy.expand(form)}")
