"""``flopbench sweep``: a model's cost over many workloads, as data, tables and plots."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from attrs import frozen

from flopbench.cli.common import (
    LOG,
    collect_garbage,
    counting,
    joined,
    load,
    print_text,
    said_if_interrupted,
)
from flopbench.cli.options import (
    AnalyticOnlyOption,
    AttentionOption,
    ConfigOption,
    ImageOption,
    JobsOption,
    ModelArgument,
    PluginOption,
    SchedulerOption,
    StagesOption,
    StrictOption,
    TpotOption,
    TtftOption,
    count,
)
from flopbench.errors import UsageError
from flopbench.inputs.options import path, settings
from flopbench.text import plural

if TYPE_CHECKING:
    from flopbench.commands.sweep.plan import SweepPlan
    from flopbench.commands.sweep.request import SweepRequest
    from flopbench.executors import Where

_SHOWN = 5


SweepArguments = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[SWEEP] [KEY=VALUE]...",
        help="A named sweep that `flopbench list` shows, unless --vary is given; and "
        "configuration.",
    ),
]
VaryOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KEY=VALUES",
        help="Vary a key such as workload.decode_steps or model.dtype: A,B,C, START:STOP:STEP or "
        "START:STOP:xFACTOR (up to STOP). Repeatable: all combinations.",
    ),
]
GridOption = Annotated[
    list[str] | None, typer.Option(metavar="RxC", help="A grid of tiles. Repeatable.")
]
ImageTokensOption = Annotated[
    int | None,
    typer.Option(metavar="N", parser=count, help="Take only grids of at most N image tokens."),
]
CounterOption = Annotated[
    str | None, typer.Option(metavar="NAME", help="The vendor counter, such as torch.")
]
PlotsOption = Annotated[
    bool,
    typer.Option(
        "--plots/--no-plots", help="Also draw each cost as SVG and PNG (needs matplotlib)."
    ),
]
OutOption = Annotated[
    str | None,
    typer.Option(
        metavar="DIR",
        help="Write sweep.json, .csv, .md and .html there; resume a sweep.",
    ),
]
FormatOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAMES",
        help="Write these only, beside plots: json, csv, markdown, html, parquet. Repeatable.",
    ),
]


def sweep_command(
    context: typer.Context,
    model: ModelArgument,
    arguments: SweepArguments = None,
    vary: VaryOption = None,
    grid: GridOption = None,
    max_image_tokens: ImageTokensOption = None,
    image: ImageOption = None,
    config: ConfigOption = None,
    attention: AttentionOption = None,
    stages: StagesOption = None,
    counters: CounterOption = None,
    analytic_only: AnalyticOnlyOption = False,
    ttft: TtftOption = None,
    tpot: TpotOption = None,
    jobs: JobsOption = 1,
    scheduler: SchedulerOption = "local",
    plots: PlotsOption = False,
    out: OutOption = None,
    format: FormatOption = None,  # noqa: A002 - the option's name
    plugin: PluginOption = None,
    strict_plugins: StrictOption = False,
) -> None:
    """Sweep a model's cost over workloads or settings.

    It has FLOPs, bytes, KV cache, and the vendor's count. With --out, a killed sweep resumes where
    it stopped. Exit status: 0, 1 a point failed or differs, 2 usage.
    """
    from flopbench.analytic import SweepLimits
    from flopbench.commands.sweep.by_hand import grids
    from flopbench.commands.sweep.plan import plan_sweep
    from flopbench.commands.sweep.request import SweepRequest
    from flopbench.executors import Where, check_scheduler
    from flopbench.plan.targets import Targets

    check_scheduler(scheduler, jobs)
    targets = Targets.of(ttft, tpot)
    options = settings(
        image=image,
        attention=attention,
        stages=stages,
        counters=counters,
        analytic_only=analytic_only,
    )
    name, overrides = _name_and_overrides(arguments or [])
    folder, shown = _folder(out, plots, None if format is None else joined(format, ""))
    catalog = load(context, plugin, strict_plugins)
    request = SweepRequest(
        model=model,
        name=name,
        vary=tuple(vary or ()),
        limits=SweepLimits(grids=grids(grid or ()), max_image_tokens=max_image_tokens),
        plugins=(*context.obj.plugins, *(plugin or [])),
        file=config,
        overrides=tuple(overrides),
        options=options,
    )
    plan = plan_sweep(catalog, request)
    targets.check(plan.base.model, plan.workloads[0])
    collect_garbage()
    failed = _sweep(plan, request, catalog, folder, Where(scheduler, jobs), targets, shown)
    if failed:
        more = f" and {len(failed) - _SHOWN} more" if len(failed) > _SHOWN else ""
        results = plural(len(failed), "result")
        LOG.warning("%s failed: %s%s", results, "; ".join(failed[:_SHOWN]), more)
        raise typer.Exit(1)


@frozen
class Shown:
    """What is written to a folder.

    Attributes:
        formats: names in `flopbench.commands.sweep.files.NAMES`.
    """

    formats: Sequence[str]
    plots: bool


def _folder(out: str | None, plots: bool, format: str | None) -> tuple[Path | None, Shown]:  # noqa: A002
    """Return the folder of ``--out`` and its files, after checking that they can be written."""
    from flopbench.commands.sweep.files import check_formats, formats_of
    from flopbench.plotting import require_matplotlib
    from flopbench.values.files import check_writable

    shown = Shown(formats_of(format), plots)
    check_formats(shown.formats, nowhere=format is not None and out is None)
    if out is None:
        return None, shown
    folder = path("--out", out)
    check_writable(folder)
    if plots:
        require_matplotlib(", or use --no-plots")
    return folder, shown


def _sweep(
    plan: SweepPlan,
    request: SweepRequest,
    catalog: Any,
    folder: Path | None,
    where: Where,
    targets: Any,
    shown: Shown,
) -> Sequence[str]:
    """Run the sweep, print or write it, and return what failed."""
    from contextlib import nullcontext

    from flopbench.commands.sweep.files import contents
    from flopbench.commands.sweep.runner import run_sweep
    from flopbench.commands.sweep.text import to_markdown
    from flopbench.resume.files import replace_files
    from flopbench.resume.lock import locked

    with locked(folder, "sweep") if folder else nullcontext():
        # Text printed under a bar goes to the terminal, even if stdout is redirected.
        with counting() as progress, said_if_interrupted(folder):
            done = run_sweep(
                plan,
                request,
                catalog,
                out=folder,
                where=where,
                targets=targets,
                progress=progress,
            )
        report, verdict = done.report, done.verdict
        if folder is None:
            print_text(to_markdown(report, verdict).rstrip())
        else:
            files = contents(report, shown.formats, verdict)
            replace_files(folder, "sweep", files)  # before the pictures, which may fail
            names = [*files]
            if shown.plots:
                from flopbench.commands.sweep.plots import draw

                plots = draw(report, plan.base.model.parts)
                replace_files(folder, "sweep", plots, kept=names)
                names += plots
            written = f"{plural(len(plan.points), 'point')}, {_written(folder, names)}"
            said = (written, progress.resumed, verdict.text(report))
            print_text("\n".join(filter(None, said)))
        done.close()
    return verdict.problems


def _name_and_overrides(arguments: list[str]) -> tuple[str | None, list[str]]:
    plain = [argument for argument in arguments if "=" not in argument]
    if len(plain) > 1:
        raise UsageError(f"{plain[1]!r} is not KEY=VALUE, and sweep {plain[0]!r} is already named")
    return (plain[0] if plain else None), [a for a in arguments if "=" in a]


def _written(folder: Path, files: Sequence[str]) -> str:
    """Name the files that were written, plots by their number."""
    plots = [name for name in files if name.endswith(".svg")]
    named = [name for name in files if not name.endswith((".svg", ".png"))]
    text = f"{plural(len(files), 'file')} in {folder}: {', '.join(named)}"
    return text + (f" with {plural(len(plots), 'plot')} as SVG and PNG" if plots else "")
