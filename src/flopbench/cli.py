"""The command line: parse, load plugins, run, show, write.

Only what ``--help`` needs is imported at the top; the rest loads with a command.
"""

from __future__ import annotations

import gc
import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flopbench.errors import FlopbenchError, PluginError, describe

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
    logging.basicConfig(format="%(name)s: %(levelname)s: %(message)s", level=logging.WARNING)
    logging.addLevelName(logging.WARNING, "warning")
    # Imports make many objects and little garbage: collecting meanwhile is lost time.
    gc.disable()
    try:
        app()
    except FlopbenchError as error:
        print(f"flopbench: error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


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
        Path | None,
        typer.Option(metavar="DIR", help="Write report.json, report.md and report.csv there."),
    ] = None,
    format: Annotated[  # noqa: A002 - the option's name
        str, typer.Option(metavar="NAMES", help="Reporters to print, such as console or json.")
    ] = "console",
    plugin: PluginOption = None,
    strict_plugins: StrictOption = False,
) -> None:
    """Report a model's FLOPs per stage, from both sides, and reconcile them.

    Exit status: 0 verified, 1 differs or incomplete, 2 usage.
    """
    from flopbench.output import check_writable, write_files
    from flopbench.plan import make_plan
    from flopbench.runner import run

    if out:
        check_writable(out)
    catalog = _load(context, plugin, strict_plugins)
    printed = [catalog.reporters.get(name) for name in _names(format)]
    options: dict[str, Any] = {
        "workload.image": image,
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
    texts = {reporter: _render(reporter, report) for reporter in printed}
    if out:
        writers = [reporter for _, reporter, _ in catalog.reporters if reporter.filename]
        write_files(out, {str(r.filename): _render(r, report) + "\n" for r in writers})
    for text in texts.values():
        print(text)
    if not report.verified:
        raise typer.Exit(1)


@app.command("list")
def list_command(
    context: typer.Context,
    plugin: PluginOption = None,
    strict_plugins: StrictOption = False,
) -> None:
    """List models, attention modes, counters and reporters, and where each comes from."""
    from flopbench.listing import list_catalog

    print(list_catalog(_load(context, plugin, strict_plugins)))


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


def _names(text: str | None) -> Sequence[str] | Any:
    if text is None:
        return None
    return [name.strip() for name in text.split(",") if name.strip()]


def _render(reporter: type[Any], report: Report) -> str:
    try:
        text: str = reporter().render(report)
    except Exception as error:
        raise PluginError(f"reporter {reporter.name!r} raised: {describe(error)}") from error
    return text


@contextmanager
def _progress(total: int) -> Iterator[Progress]:
    """Show on a terminal's stderr what is being counted."""
    if not total or not sys.stderr.isatty():
        yield lambda _text: None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("loading the vendor model", total=total)
        started = False

        def advance(text: str) -> None:
            nonlocal started
            bar.update(task, description=text, advance=int(started))
            started = True

        yield advance


if __name__ == "__main__":
    main()
