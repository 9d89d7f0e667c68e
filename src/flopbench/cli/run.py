"""``flopbench run``: report a model's FLOPs per stage, from both sides."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flopbench.boundary import calling
from flopbench.cli.common import (
    LOG,
    Session,
    collect_garbage,
    joined,
    load,
    print_text,
    progress_bar,
)
from flopbench.cli.guard import Guard
from flopbench.cli.hardware import (
    BandwidthOption,
    GpuOption,
    MeasuredOption,
    PeakOption,
    PriceOption,
    measured_times,
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
    TpotOption,
    TtftOption,
)
from flopbench.errors import PluginError, UsageError
from flopbench.inputs.options import path, settings, some
from flopbench.text import one_line

if TYPE_CHECKING:
    from flopbench.plan import Plan
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
    ttft: TtftOption = None,
    tpot: TpotOption = None,
    gpu: GpuOption = None,
    peak_tflops: PeakOption = None,
    bandwidth: BandwidthOption = None,
    price_per_hour: PriceOption = None,
    measured_ms: MeasuredOption = None,
    out: Annotated[
        str | None,
        typer.Option(
            metavar="DIR", help="Write report.json, .md, .csv and .html there; with --gpu, plots."
        ),
    ] = None,
    format: Annotated[  # noqa: A002 - the option's name
        list[str] | None,
        typer.Option(
            metavar="NAMES",
            help="Reporters to print, such as console, json or html.",
            show_default="console",
        ),
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="A report.json: exit with 1 if a component grew since."),
    ] = None,
    max_growth: Annotated[
        str | None,
        typer.Option(metavar="SHARE", help="How much a component may grow: 1% or 0.01; default 0."),
    ] = None,
    plugin: PluginOption = None,
    strict_plugins: StrictOption = False,
) -> None:
    """Report FLOPs per stage from both sides, and reconcile them.

    Exit status: 0 nothing differs (verified, where a vendor was checked), 1 something
    differs, is incomplete or grew since the baseline, 2 usage.
    """
    from flopbench.commands.run.runner import run
    from flopbench.plan import make_plan
    from flopbench.plan.targets import Targets
    from flopbench.values.files import check_writable, write_files

    if out is not None:
        check_writable(path("--out", out))
    targets = Targets.of(ttft, tpot)
    guard = Guard.of(baseline, max_growth, out)
    catalog = load(context, plugin, strict_plugins)
    printed = [catalog.reporters.get(name) for name in some("--format", joined(format, "console"))]
    options = settings(
        image=image,
        attention=attention,
        stages=stages,
        counters=counters,
        analytic_only=analytic_only,
        hardware={
            "gpu": gpu,
            "peak_tflops": peak_tflops,
            "bandwidth_gbps": bandwidth,
            "price_per_hour": price_per_hour,
            "measured_ms": measured_times(measured_ms),
        },
    )
    plan = make_plan(catalog, model, file=config, overrides=overrides or [], options=options)
    guard.check(plan)
    targets.check(plan.model, plan.workload)
    collect_garbage()
    with progress_bar(len(plan.base_stages) * len(plan.counters)) as progress:
        report = run(plan, catalog, progress, targets, laws=_wants_laws(catalog, printed, out))
    texts = [_render(reporter, report) for reporter in printed]
    if out is not None:
        files = dict(_file_texts(catalog, report, context.obj)) | _pictures(plan)
        write_files(Path(out), files)
        # Not on stdout, which may hold JSON.
        print(f"flopbench: wrote {', '.join(files)} in {one_line(out)}", file=sys.stderr)
    for text in texts:
        print_text(text)
    grew = guard.tell(report)
    if grew or report.verdict == "not_verified":
        raise typer.Exit(1)


def _wants_laws(catalog: Catalog, printed: list[type[Any]], out: str | None) -> bool:
    """Return whether a reporter that is printed, or written under ``--out``, shows laws."""
    written = [r for _, r, _ in catalog.reporters if r.filename] if out is not None else []
    return any(reporter.shows_laws for reporter in (*printed, *written))


def _render(reporter: type[Any], report: Report) -> str:
    with calling(f"reporter {reporter.name!r}"):
        text = reporter().render(report)
        if not isinstance(text, str):
            raise TypeError(f"render must return text, got {text!r}")
    return text


def _pictures(plan: Plan) -> dict[str, str | bytes]:
    """Draw the bounds; without matplotlib this is reported, and the pictures are left out."""
    from flopbench.commands.run.deployment import draw

    try:
        return {**draw(plan)} if plan.modes else {}
    except UsageError as error:
        LOG.warning("%s; no plots are written", error)
        return {}


def _file_texts(
    catalog: Catalog, report: Report, session: Session
) -> Iterator[tuple[str, str | bytes]]:
    """Render the reporters that have a file; one that fails is reported, its file left out."""
    for _, reporter, source in catalog.reporters:
        if reporter.filename:
            try:
                yield reporter.filename, _render(reporter, report) + "\n"
            except PluginError as error:
                text = f"{source}: {error}; {reporter.filename} is not written"
                session.report(source, text)
