"""The command line: parse, load plugins, run, show, write.

One module per command. Only what ``--help`` needs is imported at their tops; the rest
loads with a command.
"""

from __future__ import annotations

import gc
import logging
import os
import sys
from typing import Annotated, Any

import typer

from flopbench.cli.attention import attention_command
from flopbench.cli.common import Session
from flopbench.cli.compare import compare_command
from flopbench.cli.explain import explain_command
from flopbench.cli.list import list_command
from flopbench.cli.new import new_command
from flopbench.cli.options import PluginOption, StrictOption
from flopbench.cli.prove import prove_command
from flopbench.cli.run import run_command
from flopbench.cli.sweep import sweep_command
from flopbench.errors import FlopbenchError, UsageError, describe

app = typer.Typer(
    name="flopbench",
    help="Tell how many FLOPs a model really does, stage by stage, and prove it.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command("run")(run_command)
app.command("sweep")(sweep_command)
app.command("compare")(compare_command)
app.command("prove")(prove_command)
app.command("explain")(explain_command)
app.command("list")(list_command)
app.command("attention")(attention_command)
app.command("new")(new_command)


def main() -> None:
    """Run the command line; errors and warnings are one sentence on stderr."""
    if hasattr(sys.stdout, "reconfigure"):  # a name that a terminal cannot show is escaped
        sys.stdout.reconfigure(errors="backslashreplace")
    logging.basicConfig(format="%(name)s: %(levelname)s: %(message)s", level=logging.WARNING)
    for level in (logging.WARNING, logging.ERROR):
        logging.addLevelName(level, logging.getLevelName(level).lower())
    # Imports make many objects and little garbage: collecting meanwhile is lost time.
    gc.disable()
    session = Session()
    try:
        app(obj=session)
    except FlopbenchError as error:
        print(f"flopbench: error: {error}", file=sys.stderr)
        sys.exit(_status(session, error.exit_code))
    except OSError as error:
        print(f"flopbench: error: cannot write the output: {describe(error)}", file=sys.stderr)
        os._exit(UsageError.exit_code)  # a normal exit would try to flush once more
    except SystemExit as end:
        sys.exit(_status(session, end.code))


def _status(session: Session, status: Any) -> Any:
    """Return the exit status: whatever a command found, a plugin that -p names must work."""
    return UsageError.exit_code if session.broken else status


def _print_version(wanted: bool) -> None:
    if wanted:
        from flopbench.version import __version__

        print(f"flopbench {__version__}")
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    plugin: PluginOption = None,
    strict_plugins: StrictOption = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show it.")
    ] = False,
) -> None:
    """Take the options that go before any command."""
    context.obj.plugins = plugin or []
    context.obj.strict = strict_plugins
