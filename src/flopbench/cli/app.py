"""The command line: parse, load plugins, run, show, write.

Each command has its own module, imported only if its name is on the command line. At their top
these modules import only what ``--help`` needs.
"""

from __future__ import annotations

import contextlib
import gc
import io
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import Annotated, Any

import typer

from flopbench.boundary import quiet
from flopbench.cli.common import Session
from flopbench.cli.options import PluginOption, StrictOption
from flopbench.errors import FlopbenchError, UsageError, describe
from flopbench.text import one_line, visible

COMMANDS = (
    *("run", "count", "sweep", "compare", "prove", "explain", "referee"),
    *("export", "survey", "list", "attention", "new"),
)
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
        module = import_module(f"flopbench.cli.{name}")
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


def start(*, interruptible: bool) -> None:
    """Run the command line; errors and warnings are one sentence on stderr.

    Args:
        interruptible: whether SIGINT interrupts; it does not if whoever started us ignores it.
    """
    _prepare()
    session, stdout = Session(), sys.stdout
    try:
        if interruptible:
            _heed_interruptions()
        status = make_app(_asked_for(sys.argv[1:]))(obj=session, standalone_mode=False)
    except FlopbenchError as error:
        status = _told(str(error), error.exit_code)
    except BrokenPipeError:  # whoever read the output has read enough
        os._exit(0)
    except OSError as error:
        _told(f"cannot write the output: {describe(error)}")
        os._exit(UsageError.exit_code)  # a normal exit would try to flush once more
    except MemoryError:
        status = _told("this takes more memory than there is")
    except KeyboardInterrupt:
        status = 130
    except SystemExit as end:
        # typer puts a pipe that nobody reads aside, and ends with 1.
        status = end.code if sys.stdout is stdout else 0
    except Exception as error:
        if not hasattr(error, "show"):
            raise
        status = _shown(error)
    _flush()
    sys.exit(_status(session, status or 0))


def _heed_interruptions() -> None:
    """Let SIGINT raise KeyboardInterrupt, also where Python cannot pass an exception on.

    In a finaliser or a weak reference's callback (each import has one) Python drops what is
    raised and prints a traceback. The interruption is sent again as soon as that is left.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)

    def dropped(unraisable: sys.UnraisableHookArgs) -> None:
        if issubclass(unraisable.exc_type, KeyboardInterrupt):
            # A signal to the thread itself: it may be waiting for something.
            main = threading.main_thread().ident
            threading.Timer(0.01, signal.pthread_kill, (main, signal.SIGINT)).start()
        else:
            sys.__unraisablehook__(unraisable)

    sys.unraisablehook = dropped


def _prepare() -> None:
    """Set what a command line wants of Python and its logs and warnings."""
    if hasattr(sys.stdout, "reconfigure"):  # a name that a terminal cannot show is escaped
        sys.stdout.reconfigure(errors="backslashreplace")
    quiet()
    logging.raiseExceptions = False  # a log that cannot be written is no traceback
    handler = logging.StreamHandler()
    handler.setFormatter(_OneLine("%(name)s: %(levelname)s: %(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    for level in (logging.WARNING, logging.ERROR):
        logging.addLevelName(level, logging.getLevelName(level).lower())
    # Imports create many objects and little garbage: collecting meanwhile wastes time.
    gc.disable()


class _OneLine(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return one_line(super().format(record))


def _told(message: str, status: int = UsageError.exit_code) -> int:
    """Print an error on stderr, if that is possible; return the exit status."""
    with contextlib.suppress(OSError):
        print(f"flopbench: error: {one_line(message)}", file=sys.stderr, flush=True)
    return status


def _shown(error: Any) -> int:
    """Print what typer says of a wrong command line; return its exit status."""
    text = io.StringIO()
    error.show(file=text)
    with contextlib.suppress(OSError):
        print(visible(text.getvalue()), end="", file=sys.stderr, flush=True)
    return int(error.exit_code)


def _flush() -> None:
    """Flush stderr; if that fails, forget the rest, so that the exit status stays."""
    try:
        sys.stderr.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


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
