"""``flopbench list``: what is available, and where each thing comes from."""

from __future__ import annotations

import typer

from flopbench.cli.common import load, print_text
from flopbench.cli.options import PluginOption, StrictOption


def list_command(
    context: typer.Context,
    plugin: PluginOption = None,
    strict_plugins: StrictOption = False,
) -> None:
    """List models, attention modes, counters and reporters, and where each comes from."""
    from flopbench.commands.list.text import list_catalog

    print_text(list_catalog(load(context, plugin, strict_plugins)))
