"""``flopbench attention``: one attention op, in every mode and as a kernel executes it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import attrs
import typer

from flopbench.cli.common import load, one_of, print_text
from flopbench.cli.options import PluginOption, StrictOption, count
from flopbench.errors import PluginError, UsageError
from flopbench.kernels.flash_tiles import DTYPES, GPUS, KERNELS
from flopbench.text import json_text

if TYPE_CHECKING:
    from flopbench.cli.common import Session
    from flopbench.commands.attention.modes import ModeFigures
    from flopbench.ops import Attention
    from flopbench.registry.catalog import Catalog


def attention_command(
    context: typer.Context,
    q: Annotated[int, typer.Option("--q", parser=count, metavar="N", help="Query tokens.")],
    kv: Annotated[
        int, typer.Option("--kv", parser=count, metavar="N", help="Key and value tokens.")
    ],
    heads: Annotated[int, typer.Option(parser=count, metavar="N", help="Query heads.")],
    head_dim: Annotated[int, typer.Option(parser=count, metavar="N", help="Width of a head.")],
    kv_heads: Annotated[
        int | None,
        typer.Option(parser=count, metavar="N", help="KV heads; by default as many as --heads."),
    ] = None,
    batch: Annotated[int, typer.Option(parser=count, metavar="N", help="Sequences.")] = 1,
    causal: Annotated[
        bool,
        typer.Option("--causal", help="Causal mask, aligned so that the last query sees all keys."),
    ] = False,
    gpu: Annotated[str, typer.Option(metavar="NAME", help=one_of(GPUS))] = "h200",
    kernel: Annotated[
        str,
        typer.Option(metavar="NAME", help=f"auto (SDPA's flash backend), {one_of(KERNELS)}"),
    ] = "auto",
    dtype: Annotated[str, typer.Option(metavar="NAME", help=one_of(DTYPES))] = "bf16",
    measured: Annotated[
        bool, typer.Option("--measure", help="Also run it on this machine's GPU, under ncu.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    plugin: PluginOption = None,
    strict_plugins: StrictOption = False,
) -> None:
    """Show one attention's FLOPs: useful, counted, executed.

    Counted is what torch sees, executed is what a kernel does. The attention modes of plugins are
    listed last.
    """
    from flopbench.commands.attention.figures import attention_figures, measure
    from flopbench.commands.attention.modes import mode_text
    from flopbench.commands.attention.text import as_dict, as_text, measured_text
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
    modes = dict(_of_plugins(op, load(context, plugin, strict_plugins), context.obj))
    found = measure(op, kernel, dtype) if measured else None
    if as_json:
        more = {"modes": {name: attrs.asdict(each) for name, each in modes.items()}}
        more |= attrs.asdict(found) if found else {}
        print_text(json_text(as_dict(op, gpu, dtype, figures) | more, 2))
        return
    print_text(as_text(op, gpu, dtype, figures))
    for name, each in modes.items():
        print_text(mode_text(name, each))
    if found:
        print_text(measured_text(figures, found))


def _of_plugins(
    op: Attention, catalog: Catalog, session: Session
) -> Iterator[tuple[str, ModeFigures]]:
    """Price the op in each plugin's attention mode; one that fails is reported and skipped."""
    from flopbench.builtin.eager import Eager
    from flopbench.commands.attention.modes import mode_figures
    from flopbench.registry.loading import BUILTIN

    for name, mode, source in catalog.attention_modes:
        if source.name not in BUILTIN:
            try:
                yield name, mode_figures(op, mode, Eager())
            except PluginError as error:
                session.report(source, f"{source}: {error}")
