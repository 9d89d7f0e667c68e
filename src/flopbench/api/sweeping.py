"""`sweep`, as a function."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from flopbench.api.given import (
    PathText,
    Section,
    catalog_of,
    count_of,
    file_of,
    model_name,
    overrides_of,
    plugin_names,
)
from flopbench.inputs.options import Names, path, settings

if TYPE_CHECKING:
    from flopbench.commands.sweep.result import SweepReport
    from flopbench.plan.config import CountMethod


def sweep(
    model: PathText,
    name: str | None = None,
    *,
    vary: Mapping[str, Any] | Iterable[str] = (),
    grids: Iterable[str | tuple[int, int]] = (),
    max_image_tokens: int | None = None,
    workload: Section = None,
    model_options: Section = None,
    vendor: Section = None,
    conventions: Section = None,
    dtypes: Section = None,
    train: Section = None,
    image: PathText | None = None,
    config: PathText | None = None,
    attention: Names = None,
    stages: Names = None,
    counters: Names = None,
    analytic_only: bool = False,
    method: CountMethod | None = None,
    ttft: float | None = None,
    tpot: float | None = None,
    jobs: int = 1,
    scheduler: str = "local",
    out: PathText | None = None,
    formats: Names = None,
    plugins: PathText | Iterable[PathText] = (),
    strict_plugins: bool = False,
) -> SweepReport:
    """Sweep a model's cost over workloads or settings.

    Example::

        >>> import flopbench
        >>> report = flopbench.sweep(
        ...     "deepseek_ocr",
        ...     vary={"workload.batch_size": [1, 2]},
        ...     stages="vision",
        ...     analytic_only=True,
        ... )
        >>> one, two = (point["vision"]["analytic_eager_flops"] for point in report.points)
        >>> two == 2 * one
        True

    Args:
        model: a name that ``flopbench list`` shows, or the path of a config.json or its folder.
        name: a named sweep of the model; None with ``vary``.
        vary: the values of each key, such as ``{"workload.decode_steps": [1, 2, 4]}``; or texts
            that ``--vary`` takes. Several keys make all combinations.
        grids: grids of tiles, as ``"2x3"`` or ``(2, 3)``.
        max_image_tokens: take only grids of at most so many.
        workload, model_options, vendor, conventions, dtypes, train: keys and values of these
            sections of the configuration; ``model_options`` is the section ``model``.
        image: an image of a page; short for the key ``image`` of the workload.
        config: a YAML file of configuration, which the other arguments override.
        attention, stages, counters: names, as a list or as a text with commas; one counter.
        analytic_only: whether to price the closed forms alone.
        method: how the vendor is counted: ``concrete``, ``symbolic`` or ``auto``.
        ttft, tpot: targets in seconds, to the first token and per output token.
        jobs: processes that count. A script that uses several must begin its work under
            ``if __name__ == "__main__":``, as with `multiprocessing`.
        scheduler: ``local``, or the address of a Dask scheduler whose workers count, such as
            ``tcp://host:8786``.
        out: a folder for sweep.json, .csv and .md, which also keeps counts: a sweep that was
            stopped resumes there.
        formats: what to write there instead: some of ``json``, ``csv``, ``markdown`` and
            ``parquet``.
        plugins: modules or files to load; ``no:NAME`` blocks a plugin.
        strict_plugins: whether a plugin that fails to load is an error.

    Raises:
        UsageError: an argument is wrong; the message is the sentence of the command line.
        PluginError: a plugin cannot be loaded, or breaks the contract of its hook.
        FlopbenchError: the Dask scheduler is gone; finished counts are in ``out``.
    """
    from flopbench.analytic import SweepLimits
    from flopbench.commands.sweep import by_hand
    from flopbench.commands.sweep.files import check_formats, contents, formats_of
    from flopbench.commands.sweep.plan import plan_sweep
    from flopbench.commands.sweep.request import SweepRequest
    from flopbench.commands.sweep.result import SweepReport
    from flopbench.commands.sweep.runner import run_sweep
    from flopbench.executors import Where, check_scheduler
    from flopbench.inputs.overrides import varied
    from flopbench.plan.targets import Targets
    from flopbench.resume.files import replace_files
    from flopbench.resume.lock import locked
    from flopbench.values.files import check_writable

    targets = Targets.of(ttft, tpot)
    limits = SweepLimits(
        grids=by_hand.grids(map(_grid, grids)),
        max_image_tokens=count_of("--max-image-tokens", max_image_tokens),
    )
    processes = count_of("--jobs", jobs) or 1
    check_scheduler(scheduler, processes)
    written = formats_of(formats)
    check_formats(written, nowhere=formats is not None and out is None)
    folder = None if out is None else path("--out", out)
    if folder:
        check_writable(folder)
    request = SweepRequest(
        model=model_name(model),
        name=name,
        vary=varied(vary),
        limits=limits,
        plugins=tuple(plugin_names(plugins)),
        file=file_of(config),
        overrides=tuple(
            overrides_of(
                workload=workload,
                model=model_options,
                vendor=vendor,
                conventions=conventions,
                dtypes=dtypes,
                train=train,
            )
        ),
        options=settings(
            image=image,
            attention=attention,
            stages=stages,
            counters=counters,
            analytic_only=analytic_only,
            method=method,
        ),
    )
    catalog = catalog_of(request.plugins, strict_plugins)
    plan = plan_sweep(catalog, request)
    targets.check(plan.base.model, plan.workloads[0])
    with locked(folder, "sweep") if folder else nullcontext():
        done = run_sweep(
            plan,
            request,
            catalog,
            out=folder,
            where=Where(scheduler, processes),
            targets=targets,
        )
        if folder:
            replace_files(folder, "sweep", contents(done.report, written, done.verdict))
        done.close()
    return SweepReport(done.report)


def _grid(grid: str | tuple[int, int]) -> str:
    return grid if isinstance(grid, str) else "x".join(map(str, grid))
