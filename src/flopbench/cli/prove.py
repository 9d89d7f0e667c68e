"""``flopbench prove``: equal for every size, not only for some."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flopbench.cli.common import collect_garbage, formats, joined, load, print_text, progress_bar
from flopbench.cli.options import (
    ConfigOption,
    CountersOption,
    ImageOption,
    JobsOption,
    ModelArgument,
    OverridesArgument,
    PluginOption,
    SchedulerOption,
    StagesOption,
    StrictOption,
)
from flopbench.inputs.options import path, settings, some


def prove_command(
    context: typer.Context,
    model: ModelArgument,
    overrides: OverridesArgument = None,
    image: ImageOption = None,
    config: ConfigOption = None,
    stages: StagesOption = None,
    counters: CountersOption = None,
    symbols: Annotated[
        str | None, typer.Option(metavar="NAMES", help="Sizes to leave open, such as S,B.")
    ] = None,
    every_layer: Annotated[
        bool,
        typer.Option(
            "--every-layer", help="Trace each layer, those that are equal to another as well."
        ),
    ] = False,
    jobs: JobsOption = 1,
    scheduler: SchedulerOption = "local",
    out: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Write proof.json, .md, .tex and .html there."),
    ] = None,
    format: Annotated[  # noqa: A002 - the option's name
        list[str] | None,
        typer.Option(
            metavar="NAMES", help="console, markdown, latex, json or html.", show_default="console"
        ),
    ] = None,
    plugin: PluginOption = None,
    strict_plugins: StrictOption = False,
) -> None:
    """Prove that closed forms equal the vendor's at every size.

    Exit status: 0 proved or interpolated, 1 something differs or is incomplete, 2 usage.
    """
    from flopbench.commands.prove.pieces import Elsewhere
    from flopbench.commands.prove.proof import FAILURES
    from flopbench.commands.prove.runner import prove
    from flopbench.commands.prove.text import FILES, FORMATS
    from flopbench.executors import Where, check_scheduler
    from flopbench.plan.elsewhere import PlanRequest
    from flopbench.values.files import check_writable, write_files

    check_scheduler(scheduler, jobs)
    if out is not None:
        check_writable(path("--out", out))
    shown = formats("--format", "format of a proof", joined(format, "console"), FORMATS)
    catalog = load(context, plugin, strict_plugins)
    options = settings(image=image, stages=stages, counters=counters)
    request = PlanRequest(
        model=model,
        plugins=(*context.obj.plugins, *(plugin or [])),
        file=config,
        overrides=tuple(overrides or ()),
        options=options,
    )
    plan = request.plan(catalog)
    opened = None if symbols is None else some("--symbols", symbols)
    collect_garbage()
    with progress_bar(len(plan.base_stages)) as progress:
        elsewhere = Elsewhere.of(Where(scheduler, jobs), request)
        proof = prove(plan, catalog, opened, progress, every_layer=every_layer, elsewhere=elsewhere)
    if out is not None:
        write_files(Path(out), {file: FORMATS[name](proof) + "\n" for file, name in FILES.items()})
    for name in shown:
        print_text(FORMATS[name](proof))
    if proof.verdict in FAILURES:
        raise typer.Exit(1)
