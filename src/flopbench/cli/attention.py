"""``flopbench attention``: one attention op, in every mode and as a kernel executes it."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from flopbench.cli.common import print_text
from flopbench.errors import UsageError


def attention_command(
    q: Annotated[int, typer.Option("--q", min=1, metavar="N", help="Query tokens.")],
    kv: Annotated[int, typer.Option("--kv", min=1, metavar="N", help="Key and value tokens.")],
    heads: Annotated[int, typer.Option(min=1, metavar="N", help="Query heads.")],
    head_dim: Annotated[int, typer.Option(min=1, metavar="N", help="Width of a head.")],
    kv_heads: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="KV heads; as many as heads by default.")
    ] = None,
    batch: Annotated[int, typer.Option(min=1, metavar="N", help="Sequences.")] = 1,
    causal: Annotated[
        bool, typer.Option("--causal", help="Mask keys after a query; the last see each other.")
    ] = False,
    gpu: Annotated[
        str, typer.Option(metavar="NAME", help="a100, l40s, h100, h100_pcie or h200.")
    ] = "h200",
    kernel: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="auto (SDPA's flash backend), fa2, fa2_splitkv, cudnn, fa3."
        ),
    ] = "auto",
    dtype: Annotated[str, typer.Option(metavar="NAME", help="bf16, fp16 or fp8.")] = "bf16",
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Tell what one attention costs: useful, counted by torch, and executed by a kernel."""
    from flopbench.one_attention import as_dict, as_text, attention_figures
    from flopbench.ops import Attention

    groups = heads if kv_heads is None else kv_heads
    if heads % groups:
        raise UsageError(f"--kv-heads must divide --heads ({heads}), got {groups}")
    if causal and q > kv:
        raise UsageError(f"--causal needs --q of at most --kv ({kv}), got {q}")
    op = Attention(
        component="attention",
        batch=batch,
        heads=heads,
        kv_heads=groups,
        head_dim=head_dim,
        value_dim=head_dim,
        queries=q,
        keys=kv,
        causal=causal,
    )
    figures = attention_figures(op, gpu, kernel, dtype)
    if as_json:
        print_text(json.dumps(as_dict(op, gpu, dtype, figures), indent=2))
    else:
        print_text(as_text(op, gpu, dtype, figures))
