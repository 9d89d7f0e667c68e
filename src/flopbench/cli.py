"""The command line: parse, load plugins, run, show, write.

Only what ``--help`` needs is imported at the top; the rest loads with a command.
"""

from __future__ import annotations

import gc
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flopbench.errors import FlopbenchError, PluginError, UsageError, calling, describe

if TYPE_CHECKING:
    from flopbench.catalog import Catalog
    from flopbench.report import Report
    from flopbench.runner import Progress

_LOG = logging.getLogger("flopbench")

app = typer.Typer(
    name="flopbench",
    help="Tell how many FLOPs a model really does, stage by stage, and prove it.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

PluginOption = Annotated[
    list[str] | None,
    typer.Option(
        "-p",
        "--plugin",
        metavar="NAME",
        help="Load a plugin module or .py file; no:NAME blocks a plugin. Repeatable.",
    ),
]
StrictOption = Annotated[
    bool, typer.Option("--strict-plugins", help="Fail if any plugin fails to load.")
]


def main() -> None:
    """Run the command line; errors and warnings are one sentence on stderr."""
    if hasattr(sys.stdout, "reconfigure"):  # a name that a terminal cannot show is escaped
        sys.stdout.reconfigure(errors="backslashreplace")
    logging.basicConfig(format="%(name)s: %(levelname)s: %(message)s", level=logging.WARNING)
    logging.addLevelName(logging.WARNING, "warning")
    # Imports make many objects and little garbage: collecting meanwhile is lost time.
    gc.disable()
    try:
        app()
    except FlopbenchError as error:
        print(f"flopbench: error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except OSError as error:
        print(f"flopbench: error: cannot write the output: {describe(error)}", file=sys.stderr)
        os._exit(UsageError.exit_code)  # a normal exit would try to flush once more


def _print_version(wanted: bool) -> None:
    if wanted:
        from flopbench import __version__

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
    context.obj = (plugin or [], strict_plugins)


@app.command("run")
def run_command(
    context: typer.Context,
    model: Annotated[str, typer.Argument(help="A model that `flopbench list` shows.")],
    overrides: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[KEY=VALUE]...", help="Configuration, such as workload.batch_size=2."
        ),
    ] = None,
    image: Annotated[
        str | None, typer.Option(metavar="FILE", help="A page; short for workload.image=FILE.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A YAML file of configuration.")
    ] = None,
    attention: Annotated[
        str | None, typer.Option(metavar="NAMES", help="Attention modes, such as eager,flash.")
    ] = None,
    stages: Annotated[
        str | None, typer.Option(metavar="NAMES", help="Stages, such as prefill,decode.")
    ] = None,
    counters: Annotated[
        str | None, typer.Option(metavar="NAMES", help="Vendor counters, such as torch.")
    ] = None,
    analytic_only: Annotated[
        bool, typer.Option("--analytic-only", help="Closed forms alone; needs no torch.")
    ] = False,
    out: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Write report.json, report.md and report.csv there."),
    ] = None,
    format: Annotated[  # noqa: A002 - the option's name
        str, typer.Option(metavar="NAMES", help="Reporters to print, such as console or json.")
    ] = "console",
    plugin: PluginOption = None,
    strict_plugins: StrictOption = False,
) -> None:
    """Report a model's FLOPs per stage, from both sides, and reconcile them.

    Exit status: 0 nothing differs (verified, where a vendor was checked), 1 something
    differs or is incomplete, 2 usage.
    """
    from flopbench.output import check_writable, write_files
    from flopbench.plan import make_plan
    from flopbench.runner import run

    if out is not None:
        check_writable(_path("--out", out))
    catalog = _load(context, plugin, strict_plugins)
    printed = [catalog.reporters.get(name) for name in _some("--format", format)]
    options: dict[str, Any] = {
        "workload.image": None if image is None else str(_path("--image", image)),
        "run.attention": _names(attention),
        "run.stages": _names(stages),
        "run.counters": _names(counters),
        "run.analytic_only": analytic_only or None,
    }
    plan = make_plan(
        catalog,
        model,
        file=config,
        overrides=overrides or [],
        options={key: value for key, value in options.items() if value is not None},
    )
    gc.enable()
    with _progress(len(plan.base_stages) * len(plan.counters)) as progress:
        report = run(plan, catalog, progress)
    texts = [_render(reporter, report) for reporter in printed]
    if out is not None:
        write_files(Path(out), dict(_file_texts(catalog, report)))
    for text in texts:
        _print(text)
    if report.verdict == "not_verified":
        raise typer.Exit(1)


@app.command("list")
def list_command(
    context: typer.Context,
    plugin: PluginOption = None,
    strict_plugins: StrictOption = False,
) -> None:
    """List models, attention modes, counters and reporters, and where each comes from."""
    from flopbench.listing import list_catalog

    _print(list_catalog(_load(context, plugin, strict_plugins)))


def _load(context: typer.Context, plugin: list[str] | None, strict: bool) -> Catalog:
    from flopbench.catalog import build_catalog
    from flopbench.plugins import load_plugins

    before, strict_before = context.obj
    catalog = build_catalog(load_plugins([*before, *(plugin or [])]))
    if strict or strict_before:
        catalog.raise_failures()
    for failure in catalog.failures:
        _LOG.warning("%s", failure)
    return catalog


def _print(text: str) -> None:
    try:
        print(text, flush=True)
    except BrokenPipeError:
        # Whoever read the output has read enough; the flush at exit must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _names(text: str | None) -> Sequence[str] | Any:
    if text is None:
        return None
    return [name.strip() for name in text.split(",") if name.strip()]


def _some(option: str, text: str) -> Sequence[str]:
    names: Sequence[str] = _names(text)
    if not names:
        raise UsageError(f"{option} must name at least one")
    return names


def _path(option: str, text: str) -> Path:
    if not text:
        raise UsageError(f"{option} is empty: it needs a path")
    return Path(text)


def _render(reporter: type[Any], report: Report) -> str:
    with calling(f"reporter {reporter.name!r}"):
        text = reporter().render(report)
        if not isinstance(text, str):
            raise TypeError(f"render must return text, got {text!r}")
    return text


def _file_texts(catalog: Catalog, report: Report) -> Iterator[tuple[str, str]]:
    """Render the reporters that have a file; one that nobody asked for by name may fail alone."""
    for _, reporter, source in catalog.reporters:
        if reporter.filename:
            try:
                yield reporter.filename, _render(reporter, report) + "\n"
            except PluginError as error:
                _LOG.warning("%s: %s; %s is not written", source, error, reporter.filename)


@contextmanager
def _progress(total: int) -> Iterator[Progress | None]:
    """Show on a terminal's stderr what is being counted, and how long it has taken."""
    if not total or not sys.stderr.isatty():
        yield None
        return
    from flopbench.progress import BarProgress

    with BarProgress.open(total) as progress:
        yield progress


if __name__ == "__main__":
    main()
