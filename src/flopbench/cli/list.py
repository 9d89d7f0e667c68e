"""``flopbench list``: what is available, and where each thing comes from."""

from __future__ import annotations

from typing import Annotated

import typer

from flopbench.cli.common import load, print_text
from flopbench.cli.options import PluginOption, StrictOption


def list_command(
    context: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[KIND|NAME]...",
            help="Kinds: models, attention, vendors, counters, reporters, formulas, stages, "
            "sweeps, keys, plugins. Or names, such as deepseek_ocr or 'hf/qwen*'.",
        ),
    ] = None,
    plugin: PluginOption = None,
    strict_plugins: StrictOption = False,
) -> None:
    """List models, modes, counters, reporters and their keys.

    Each says where it comes from. Everything in short; or in full what the given kinds and names
    match.
    """
    from flopbench.commands.list.text import list_catalog

    print_text(list_catalog(load(context, plugin, strict_plugins), words or ()))
