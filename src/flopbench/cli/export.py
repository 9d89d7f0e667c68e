"""``flopbench export``: laws to take along, as code and as data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

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
    ImageOption,
    PluginOption,
    StagesOption,
    StrictOption,
)
from flopbench.inputs.options import path, settings, some


def export_command(
    context: typer.Context,
    arguments: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL[:KEY=VALUE,...]... [KEY=VALUE]...",
            help="Models, each with its own settings if any; and settings for all.",
        ),
    ],
    to: Annotated[
        list[str],
        typer.Option(metavar="NAMES", help="What to write, such as python,json. Repeatable."),
    ],
    out: Annotated[str, typer.Option(metavar="DIR", help="Where to write it.")],
    image: ImageOption = None,
    attention: AttentionOption = None,
    stages: StagesOption = None,
    counters: CountersOption = None,
    symbols: Annotated[
        str | None, typer.Option(metavar="NAMES", help="Sizes to leave open, such as S,B.")
    ] = None,
    analytic_only: AnalyticOnlyOption = False,
    plugin: PluginOption = None,
    strict_plugins: StrictOption = False,
) -> None:
    """Write proved laws as code and as data that need no flopbench.

    Exit status: 0, 1 a stage has no law (it differs or is incomplete; the others are written),
    2 usage.
    """
    from flopbench.commands.compare.plan import check_stages, image_readers, parse, plan_entry
    from flopbench.commands.export.runner import export
    from flopbench.commands.prove.runner import prove
    from flopbench.exports.targets import TARGETS, all_files
    from flopbench.values.files import check_writable, write_files

    check_writable(path("--out", out))
    targets = formats("--to", "target of an export", joined(to, ""), TARGETS)
    opened = None if symbols is None else some("--symbols", symbols)
    entries, shared = parse(arguments)
    catalog = load(context, plugin, strict_plugins)
    options = settings(
        image=image,
        attention=attention,
        stages=stages,
        counters=counters,
        analytic_only=analytic_only,
    )
    check_stages(catalog, entries, options.get("run.stages"))
    if image is not None:
        image_readers(catalog, entries)
    plans = [plan_entry(catalog, entry, shared, options) for entry in entries]
    collect_garbage()
    with progress_bar(sum(len(plan.base_stages) for plan in plans)) as progress:
        laws = [
            export(plan, catalog, lambda p: prove(p, catalog, opened, progress), opened)
            for plan in plans
        ]
    for each in laws:
        for reason in each.left_out:
            LOG.warning("%s: %s", each.name, reason)
    made = all_files(targets, laws)
    write_files(Path(out), made)
    for name in made:
        print_text(str(Path(out) / name))
    if any(each.left_out for each in laws):
        raise typer.Exit(1)
