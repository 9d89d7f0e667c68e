"""``flopbench survey``: a row for each config of a folder."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flopbench.cli.common import (
    LOG,
    collect_garbage,
    counting,
    formats,
    joined,
    load,
    print_text,
    said_if_interrupted,
)
from flopbench.cli.hardware import GpuOption
from flopbench.cli.options import (
    AnalyticOnlyOption,
    ImageOption,
    PluginOption,
    SchedulerOption,
    StrictOption,
)
from flopbench.inputs.options import path
from flopbench.text import listed, plural

if TYPE_CHECKING:
    from flopbench.commands.survey.result import Survey


def survey_command(
    context: typer.Context,
    arguments: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE_OR_FOLDER... [KEY=VALUE]...",
            help="Configs of models, and folders of them; and settings for all models that have "
            "them, such as workload.context_tokens=8k.",
        ),
    ],
    check: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="prove (equal at every size) or run (equal at the workload alone, faster).",
        ),
    ] = "prove",
    analytic_only: AnalyticOnlyOption = False,
    image: ImageOption = None,
    gpu: GpuOption = None,
    jobs: Annotated[
        int, typer.Option("--jobs", metavar="N", min=1, help="Processes that make the rows.")
    ] = 1,
    scheduler: SchedulerOption = "local",
    seconds: Annotated[
        bool,
        typer.Option(
            "--seconds/--no-seconds",
            help="The time that each row took; without it, results are equal to the byte.",
        ),
    ] = True,
    out: Annotated[
        str | None,
        typer.Option(
            metavar="DIR",
            help="Write survey.json, .csv, .md and (with pyarrow) .parquet there; resume a survey.",
        ),
    ] = None,
    format: Annotated[  # noqa: A002 - the option's name
        list[str] | None,
        typer.Option(
            metavar="NAMES", help="console, markdown, json or csv.", show_default="console"
        ),
    ] = None,
    plugin: PluginOption = None,
    strict_plugins: StrictOption = False,
) -> None:
    """Survey configs: one row of laws, sizes and a verdict each.

    With --out, a killed survey resumes where it stopped. Exit status: 0, also if a config is
    refused; 1 a row differs, is incomplete or failed; 2 usage.
    """
    from flopbench.commands.prove.runner import analytic_forms, prove
    from flopbench.commands.run.runner import run
    from flopbench.commands.survey.request import (
        Works,
        check_settings,
        configs_of,
        requested,
        split,
    )
    from flopbench.commands.survey.runner import COMMAND, run_survey
    from flopbench.commands.survey.text import FORMATS
    from flopbench.executors import Where, check_scheduler
    from flopbench.resume.lock import locked
    from flopbench.values.files import check_writable

    check_scheduler(scheduler, jobs)
    folder = None if out is None else path("--out", out)
    if folder:
        check_writable(folder)
    shown = formats("--format", "format of a survey", joined(format, "console"), FORMATS)
    paths, overrides = split(arguments)
    request = requested(
        Works(run, prove, analytic_forms),
        check=check,
        analytic_only=analytic_only,
        plugins=(*context.obj.plugins, *(plugin or [])),
        overrides=overrides,
        image=image,
        gpu=gpu,
    )
    catalog = load(context, plugin, strict_plugins)
    check_settings(catalog, request)
    found = configs_of(catalog, paths)
    collect_garbage()
    with locked(folder, COMMAND) if folder else nullcontext():
        with counting("row", "surveyed") as progress, said_if_interrupted(folder):
            survey, close = run_survey(
                found,
                request,
                catalog,
                out=folder,
                where=Where(scheduler, jobs),
                progress=progress,
            )
        survey = survey if seconds else survey.without_seconds()
        written = _write(folder, survey) if folder else None
        for name in shown:
            print_text(FORMATS[name](survey))
        close()
    if written and shown == ["console"]:
        print_text("\n".join(filter(None, (written, progress.resumed))))
    if survey.failed:
        raise typer.Exit(1)


def _write(folder: Path, survey: Survey) -> str:
    """Write the files of a survey; return a line that names them."""
    from flopbench.commands.survey.columns import files
    from flopbench.commands.survey.runner import COMMAND
    from flopbench.resume.files import replace_files

    made, lacking = files(survey)
    replace_files(folder, COMMAND, made)
    if lacking:
        LOG.warning("%s", lacking)
    return f"{plural(len(made), 'file')} in {folder}: {listed(made, 'and')}"
