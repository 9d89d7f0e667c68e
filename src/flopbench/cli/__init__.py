"""The command line: parse, load plugins, run, show, write.

Each command has its own module, imported only if its name is on the command line. At their top
these modules import only what ``--help`` needs.
"""

from __future__ import annotations

import gc
import logging
import os
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import Annotated, Any

import typer

from flopbench.cli.common import Session
from flopbench.cli.options import PluginOption, StrictOption
from flopbench.errors import FlopbenchError, UsageError, describe

COMMANDS = ("run", "sweep", "compare", "prove", "explain", "list", "attention", "new")
"""Command NAME is the function ``NAME_command`` of the module ``flopbench.cli.NAME``."""


def make_app(commands: Iterable[str] = COMMANDS) -> typer.Typer:
    """Return an app with the given commands; only their modules are imported."""
    app = typer.Typer(
        name="flopbench",
        help="Report how many FLOPs a model really does, stage by stage, and prove it.",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    app.callback()(root)
    for name in commands:
        module = import_module(f"{__name__}.{name}")
        app.command(name)(getattr(module, f"{name}_command"))
    return app


def _asked_for(words: Sequence[str]) -> Sequence[str]:
    """Return the command that is asked for, so that the others need not load; all if none is."""
    rest = iter(words)
    for word in rest:
        if word in ("-p", "--plugin"):
            next(rest, None)
        elif word in COMMANDS:
            return (word,)
        elif not word.startswith("-") or word == "--help":
            break
    return COMMANDS


def main() -> None:
    """Run the command line; errors and warnings are one sentence on stderr."""
    if hasattr(sys.stdout, "reconfigure"):  # a name that a terminal cannot show is escaped
        sys.stdout.reconfigure(errors="backslashreplace")
    logging.basicConfig(format="%(name)s: %(levelname)s: %(message)s", level=logging.WARNING)
    for level in (logging.WARNING, logging.ERROR):
        logging.addLevelName(level, logging.getLevelName(level).lower())
    # Imports create many objects and little garbage: collecting meanwhile wastes time.
    gc.disable()
    session = Session()
    try:
        make_app(_asked_for(sys.argv[1:]))(obj=session)
    except FlopbenchError as error:
        print(f"flopbench: error: {error}", file=sys.stderr)
        sys.exit(_status(session, error.exit_code))
    except OSError as error:
        print(f"flopbench: error: cannot write the output: {describe(error)}", file=sys.stderr)
        os._exit(UsageError.exit_code)  # a normal exit would try to flush once more
    except SystemExit as end:
        sys.exit(_status(session, end.code))


def _status(session: Session, status: Any) -> Any:
    """Return the exit status: a usage error if a plugin named with -p could not be used."""
    return UsageError.exit_code if session.broken else status


def _print_version(wanted: bool) -> None:
    if wanted:
        from flopbench.version import __version__

        print(f"flopbench {__version__}")
        raise typer.Exit


def root(
    context: typer.Context,
    plugin: PluginOption = None,
    strict_plugins: StrictOption = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Take the options that go before any command."""
    context.obj.plugins = plugin or []
    context.obj.strict = strict_plugins
