"""``flopbench compare``: models side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import attrs
import typer

from flopbench.cli.common import (
    LOG,
    collect_garbage,
    formats,
    joined,
    load,
    print_text,
    progress_bar,
)
from flopbench.cli.options import (
    AnalyticOnlyOption,
    AttentionOption,
    CountersOption,
    PluginOption,
    StagesOption,
    StrictOption,
)
from flopbench.errors import FlopbenchError, UsageError
from flopbench.inputs.options import path, settings

if TYPE_CHECKING:
    from flopbench.commands.compare.choice import Chosen
    from flopbench.commands.compare.comparison import SideBySide


def compare_command(
    context: typer.Context,
    arguments: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL[:KEY=VALUE,...]... [KEY=VALUE]...",
            help="Models, each with its own settings if any; and settings for all.",
        ),
    ],
    image: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="An image of a page, or a folder of them."),
    ] = None,
    page_sizes: Annotated[
        bool,
        typer.Option("--page-sizes", help="Add curves over page sizes, by closed forms alone."),
    ] = False,
    attention: AttentionOption = None,
    stages: StagesOption = None,
    counters: CountersOption = None,
    analytic_only: AnalyticOnlyOption = False,
    out: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Write compare.json, .md, .html and plots there."),
    ] = None,
    format: Annotated[  # noqa: A002 - the option's name
        list[str] | None,
        typer.Option(metavar="NAMES", help="markdown, json, csv or html.", show_default="markdown"),
    ] = None,
    plugin: PluginOption = None,
    strict_plugins: StrictOption = False,
) -> None:
    """Compare what models cost per page or sequence.

    It shows FLOPs, memory, bytes moved and tokens. Each model is checked against its vendor model,
    if it has one. Exit status: 0, 1 a model failed or differs (the others are shown), 2 usage.
    """
    from flopbench.commands.compare.choice import choose
    from flopbench.commands.compare.comparison import compare_models
    from flopbench.commands.compare.page_sizes import page_sizes as prices_of_sizes
    from flopbench.commands.compare.plan import parse
    from flopbench.commands.compare.text import FORMATS
    from flopbench.commands.run.runner import run
    from flopbench.values.files import check_writable, write_files

    if out is not None:
        check_writable(path("--out", out))
    shown = formats("--format", "format of a comparison", joined(format, "markdown"), FORMATS)
    entries, shared = parse(arguments)
    catalog = load(context, plugin, strict_plugins)
    options = settings(
        image=image,
        attention=attention,
        stages=stages,
        counters=counters,
        analytic_only=analytic_only,
    )
    chosen = choose(catalog, entries, shared, options)
    collect_garbage()
    with progress_bar(_calls(chosen)) as progress:
        found = compare_models(
            chosen, lambda plan: run(plan, catalog, progress), stages_given=stages is not None
        )
    if page_sizes:
        sizes = prices_of_sizes(catalog, chosen.plans, shared, options)
        found = attrs.evolve(found, page_sizes=sizes)
    if out is not None:
        write_files(Path(out), _files(found))
    for name in shown:
        print_text(FORMATS[name](found))
    if found.failed:
        raise typer.Exit(1)


def _calls(chosen: Chosen) -> int:
    plans = {id(plan): plan for plan in chosen.plans.values()}  # pages of a size share one
    resolved = (plan for plan in plans.values() if not isinstance(plan, FlopbenchError))
    return sum(len(plan.base_stages) * len(plan.counters) for plan in resolved)


def _files(found: SideBySide) -> dict[str, str | bytes]:
    from flopbench.commands.compare import page_plots
    from flopbench.commands.compare.plots import draw
    from flopbench.commands.compare.text import as_html, to_json, to_markdown

    files: dict[str, str | bytes] = {
        "compare.json": to_json(found) + "\n",
        "compare.md": to_markdown(found) + "\n",
        "compare.html": as_html(found) + "\n",
    }
    try:
        # Bars are of one page; over several, curves show more.
        files |= {} if found.pages else draw(found)
        files |= page_plots.draw(found.page_sizes)
    except UsageError as error:  # the rest needs no matplotlib
        LOG.warning("%s; no plots are written", error)
    return files
