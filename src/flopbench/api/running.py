"""`run`, as a function."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from flopbench.api.given import (
    PathText,
    Section,
    catalog_of,
    file_of,
    model_name,
    overrides_of,
    plugin_names,
)
from flopbench.inputs.options import Names, settings

if TYPE_CHECKING:
    from flopbench.commands.run.result import RunReport
    from flopbench.plan.config import CountMethod


def run(
    model: PathText,
    *,
    workload: Section = None,
    model_options: Section = None,
    vendor: Section = None,
    conventions: Section = None,
    dtypes: Section = None,
    train: Section = None,
    hardware: Section = None,
    image: PathText | None = None,
    config: PathText | None = None,
    attention: Names = None,
    stages: Names = None,
    counters: Names = None,
    analytic_only: bool = False,
    method: CountMethod | None = None,
    ttft: float | None = None,
    tpot: float | None = None,
    plugins: PathText | Iterable[PathText] = (),
    strict_plugins: bool = False,
) -> RunReport:
    """Report a model's FLOPs per stage from both sides, and reconcile them.

    Example::

        >>> import flopbench
        >>> report = flopbench.run(
        ...     "deepseek_ocr",
        ...     workload={"mode": "base", "decode_steps": 2},
        ...     stages=["vision"],
        ...     analytic_only=True,
        ... )
        >>> {series.attention: series.flops for series in report.series}
        {'eager': 1148495774464, 'flash': 1148476727680}

    Args:
        model: a name that ``flopbench list`` shows, or the path of a config.json or its folder.
        workload, model_options, vendor, conventions, dtypes, train, hardware: keys and values of
            these sections of the configuration; ``model_options`` is the section ``model``.
        image: an image of a page; short for the key ``image`` of the workload.
        config: a YAML file of configuration, which the other arguments override.
        attention, stages, counters: names, as a list or as a text with commas.
        analytic_only: whether to price the closed forms alone.
        method: how the vendor is counted: ``concrete``, ``symbolic`` or ``auto``.
        ttft, tpot: targets in seconds, to the first token and per output token.
        plugins: modules or files to load; ``no:NAME`` blocks a plugin.
        strict_plugins: whether a plugin that fails to load is an error.

    Returns:
        The report; its ``verdict`` says whether both sides are equal.

    Raises:
        UsageError: an argument is wrong; the message is the sentence of the command line.
        PluginError: a plugin cannot be loaded, or breaks the contract of its hook.
    """
    from flopbench.commands.run import runner
    from flopbench.plan import make_plan
    from flopbench.plan.targets import Targets

    targets = Targets.of(ttft, tpot)
    catalog = catalog_of(plugin_names(plugins), strict_plugins)
    plan = make_plan(
        catalog,
        model_name(model),
        file=file_of(config),
        overrides=overrides_of(
            workload=workload,
            model=model_options,
            vendor=vendor,
            conventions=conventions,
            dtypes=dtypes,
            train=train,
            hardware=hardware,
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
    targets.check(plan.model, plan.workload)
    return runner.run(plan, catalog, targets=targets)
