"""`referee`, as a function."""

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
    from flopbench.commands.referee.findings import Findings


def referee(
    model: PathText,
    *,
    workload: Section = None,
    model_options: Section = None,
    dtypes: Section = None,
    hardware: Section = None,
    config: PathText | None = None,
    formulas: Names = None,
    phases: Names = "train",
    against: str = "counted",
    tokens_per_second: float | None = None,
    gpu: PathText | None = None,
    gpus: int | None = None,
    plugins: PathText | Iterable[PathText] = (),
    strict_plugins: bool = False,
) -> Findings:
    """Judge everybody's formula of a model's FLOPs: each difference by named terms, down to 0.

    Example::

        >>> import flopbench
        >>> found = flopbench.referee("deepseek_ocr", formulas="6nd,torchtitan")
        >>> [judgement.unexplained for judgement in found.phases[0].judgements]
        [0, 0]
        >>> for term, flops in found.phases[0].judgements[1].terms["counted"].items():
        ...     print(term, flops)
        norms 175296000

    Args:
        model: a name that ``flopbench list`` shows, or the path of a config.json or its folder.
        workload, model_options, dtypes, hardware: keys and values of these sections of the
            configuration; ``model_options`` is the section ``model``.
        config: a YAML file of configuration, which the other arguments override.
        formulas: names, as a list or as a text with commas; all by default.
        phases: ``train``, ``prefill`` or ``decode``, or several.
        against: the reference whose differences are shown: ``counted``, ``useful`` or
            ``executed``.
        tokens_per_second: a measured rate, over all GPUs; gives MFU.
        gpu: what it was measured on, a name of the table or the path of a file.
        gpus: how many of them; one by default.
        plugins: modules or files to load; ``no:NAME`` blocks a plugin.
        strict_plugins: whether a plugin that fails to load is an error.

    Raises:
        UsageError: an argument is wrong; the message is the sentence of the command line.
        PluginError: a plugin cannot be loaded, or breaks the contract of its hook.
    """
    from flopbench.commands.referee import runner
    from flopbench.commands.referee.request import chosen, refuse_settings, requested
    from flopbench.plan import make_plan

    request = requested(
        phases=phases,
        formulas=formulas,
        against=against,
        tokens_per_second=tokens_per_second,
        gpu=None if gpu is None else str(gpu),
        gpus=gpus,
    )
    file = file_of(config)
    refuse_settings((), file)
    catalog = catalog_of(plugin_names(plugins), strict_plugins)
    judged = chosen(catalog, request)
    plan = make_plan(
        catalog,
        model_name(model),
        file=file,
        overrides=overrides_of(
            workload=workload, model=model_options, dtypes=dtypes, hardware=hardware
        ),
        options=settings(analytic_only=True, hardware={"gpu": None if gpu is None else str(gpu)}),
    )
    return runner.referee(plan, judged, request)
