"""What the commands share: plugin options, loading, printing, parsing of option texts."""

from __future__ import annotations

import gc
import logging
import os
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer
from attrs import define, field

from flopbench.errors import UsageError, unknown
from flopbench.inputs.options import some
from flopbench.text import listed, visible

if TYPE_CHECKING:
    from pathlib import Path

    from flopbench.progress import Progress, SweepProgress
    from flopbench.registry.catalog import Catalog
    from flopbench.registry.loading import Source

LOG = logging.getLogger("flopbench")


@define
class Session:
    """The state of one run of the command line.

    Attributes:
        plugins: the ``-p`` options before the command.
        strict: whether ``--strict-plugins`` was given before the command.
        broken: whether a plugin named with ``-p`` could not be used.
    """

    plugins: list[str] = field(factory=list)
    strict: bool = False
    broken: bool = False

    def report(self, source: Source, message: str) -> None:
        """Log what is wrong with a plugin: an error if named with ``-p``, else a warning."""
        from flopbench.registry.loading import BY_HAND

        by_hand = source.origin == BY_HAND
        LOG.log(logging.ERROR if by_hand else logging.WARNING, "%s", message)
        self.broken |= by_hand


def collect_garbage() -> None:
    """Collect garbage from here on, seldom, and not among what is loaded by now."""
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)
    gc.enable()


def load(context: typer.Context, plugin: list[str] | None, strict: bool) -> Catalog:
    """Load plugins as the options before and after the command say; report those that fail.

    The work continues without them. If one was named with ``-p``, the exit status is 2.

    Raises:
        PluginError: one fails, and ``--strict-plugins`` was given before or after the command.
    """
    from flopbench.registry.catalog import build_catalog
    from flopbench.registry.loading import load_plugins

    session: Session = context.obj
    catalog = build_catalog(load_plugins([*session.plugins, *(plugin or [])]))
    if strict or session.strict:
        catalog.raise_failures()
    for failure in catalog.failures:
        session.report(failure.source, str(failure))
    return catalog


def print_text(text: str) -> None:
    """Print ``text``, with what would steer a terminal escaped; a closed pipe is not an error."""
    try:
        print(visible(text), flush=True)
    except BrokenPipeError:
        # Whoever read the output has read enough; the flush at exit must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def one_of(names: Iterable[str]) -> str:
    """List the values that an option takes, for its help."""
    return f"{listed(names, 'or')}."


def joined(given: Sequence[str] | None, default: str) -> str:
    """Return the names of an option that may be given several times, as if it were once."""
    return default if given is None else ",".join(given)


def formats(option: str, what: str, text: str, known: Collection[str]) -> Sequence[str]:
    """Split an option's comma-separated format names: at least one, all of them known.

    Raises:
        UsageError: no name is given, or one is unknown.
    """
    chosen = some(option, text)
    for name in chosen:
        if name not in known:
            raise UsageError(unknown(what, name, known))
    return chosen


@contextmanager
def progress_bar(total: int) -> Iterator[Progress | None]:
    """Show what is being counted and the time taken, if stderr is a terminal."""
    if not total or not sys.stderr.isatty():
        yield None
        return
    from flopbench.cli.progress_bar import BarProgress

    with BarProgress.open(total) as progress:
        yield progress


@contextmanager
def counting(noun: str = "count", done: str = "counted") -> Iterator[SweepProgress]:
    """Show how far many counts are: a bar if stderr is a terminal, else a line now and then.

    Args:
        noun, done: what each of them is, and what it is when it is done.
    """
    from flopbench.cli.progress_lines import SweepLines

    if not sys.stderr.isatty():
        yield SweepLines(noun, done)
        return
    from flopbench.cli.progress_bar import SweepBar

    with SweepBar.open(noun, done) as bar:
        yield bar


@contextmanager
def said_if_interrupted(folder: Path | None) -> Iterator[None]:
    """Say how to go on if an interruption, or a lost scheduler, ends the work."""
    from flopbench.executors import SchedulerLostError

    try:
        yield
    except (KeyboardInterrupt, SchedulerLostError):
        if folder is not None:
            LOG.warning("interrupted: run the same command again to resume from %s", folder)
        raise
