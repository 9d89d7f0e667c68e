"""``flopbench new``: write a plugin to start from."""

from __future__ import annotations

from typing import Annotated

import typer

from flopbench.cli.common import load, print_text
from flopbench.cli.options import PluginOption, StrictOption
from flopbench.inputs.options import path


def new_command(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(help="model, attention, counter, reporter or formula.")],
    name: Annotated[str, typer.Argument(help="Name of what the plugin adds, such as my_model.")],
    out: Annotated[
        str, typer.Option(metavar="DIR", help="Create the plugin's folder there.")
    ] = ".",
    plugin: PluginOption = None,
    strict_plugins: StrictOption = False,
) -> None:
    """Write a plugin that installs and passes its suite.

    It is one to start from: its conformance suite passes as it is.
    """
    from flopbench.commands.new.scaffold import write_plugin

    folder = write_plugin(kind, name, path("--out", out), load(context, plugin, strict_plugins))
    print_text(f"{folder}: now pip install -e '{folder}[test]' && pytest {folder}")
