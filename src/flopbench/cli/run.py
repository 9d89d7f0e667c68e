"""``flopbench run``: report a model's FLOPs per stage, from both sides."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flopbench.boundary import calling
from flopbench.cli.common import (
    Session,
    load,
    path,
    print_text,
    progress_bar,
    some,
)
from flopbench.cli.options import (
    AnalyticOnlyOption,
    AttentionOption,
    ConfigOption,
    CountersOption,
    ImageOption,
    ModelArgument,
    OverridesArgument,
    PluginOption,
    StagesOption,
    StrictOption,
    settings,
)
from flopbench.errors import PluginError
from flopbench.text import one_line

if TYPE_CHECKING:
    from flopbench.registry.catalog import Catalog
    from flopbench.report import Report


def run_command(
    context: typer.Context,
    model: ModelArgument,
    overrides: OverridesArgument = None,
    image: ImageOption = None,
    config: ConfigOption = None,
    attention: AttentionOption = None,
    stages: StagesOption = None,
    counters: CountersOption = None,
    analytic_only: AnalyticOnlyOption = False,
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
    """Report FLOPs per stage from both sides, and reconcile them.

    Exit status: 0 nothing differs (verified, where a vendor was checked), 1 something
    differs or is incomplete, 2 usage.
    """
    from flopbench.cli.files import check_writable, write_files
    from flopbench.commands.run.runner import run
    from flopbench.plan import make_plan

    if out is not None:
        check_writable(path("--out", out))
    catalog = load(context, plugin, strict_plugins)
    printed = [catalog.reporters.get(name) for name in some("--format", format)]
    options = settings(
        image=image,
        attention=attention,
        stages=stages,
        counters=counters,
        analytic_only=analytic_only,
    )
    plan = make_plan(catalog, model, file=config, overrides=overrides or [], options=options)
    gc.enable()
    with progress_bar(len(plan.base_stages) * len(plan.counters)) as progress:
        report = run(plan, catalog, progress)
    texts = [_render(reporter, report) for reporter in printed]
    if out is not None:
        files = dict(_file_texts(catalog, report, context.obj))
        write_files(Path(out), files)
        # Not on stdout, which may hold JSON.
        print(f"flopbench: wrote {', '.join(files)} in {one_line(out)}", file=sys.stderr)
    for text in texts:
        print_text(text)
    if report.verdict == "not_verified":
        raise typer.Exit(1)


def _render(reporter: type[Any], report: Report) -> str:
    with calling(f"reporter {reporter.name!r}"):
        text = reporter().render(report)
        if not isinstance(text, str):
            raise TypeError(f"render must return text, got {text!r}")
    return text


def _file_texts(catalog: Catalog, report: Report, session: Session) -> Iterator[tuple[str, str]]:
    """Render the reporters that have a file; one that fails is reported, its file left out."""
    for _, reporter, source in catalog.reporters:
        if reporter.filename:
            try:
                yield reporter.filename, _render(reporter, report) + "\n"
            except PluginError as error:
                text = f"{source}: {error}; {reporter.filename} is not written"
                session.report(source, text)
