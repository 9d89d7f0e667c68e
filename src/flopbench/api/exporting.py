"""Laws to take along: `export`, as a function."""

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
    from flopbench.exports.laws import ExportedLaws


def export(
    model: PathText,
    *,
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
    symbols: Names = None,
    analytic_only: bool = False,
    plugins: PathText | Iterable[PathText] = (),
    strict_plugins: bool = False,
) -> ExportedLaws:
    """Prove a model's laws, and return them as data that needs no flopbench to be evaluated.

    Example::

        >>> import flopbench
        >>> laws = flopbench.export("deepseek_ocr", stages="prefill", analytic_only=True)
        >>> laws.at("flops_prefill", B=1, S=913)
        1099512606720

    ``laws.export("folder", "python,json")`` writes them as code and data, as does
    ``laws.save("laws.py")``.

    Args:
        model: a name that ``flopbench list`` shows, or the path of a config.json or its folder.
        workload, model_options, vendor, conventions, dtypes, train: keys and values of these
            sections of the configuration; ``model_options`` is the section ``model``.
        image: an image of a page; short for the key ``image`` of the workload.
        config: a YAML file of configuration, which the other arguments override.
        attention: names of the modes to price besides eager, as a list or as a text with commas.
        stages, counters: names, likewise.
        symbols: names of the sizes to leave open; all by default.
        analytic_only: whether to leave the proof out, and export closed forms alone.
        plugins: modules or files to load; ``no:NAME`` blocks a plugin.
        strict_plugins: whether a plugin that fails to load is an error.

    Raises:
        UsageError: an argument is wrong; the message is the sentence of the command line.
        PluginError: a plugin cannot be loaded, or breaks the contract of its hook.
    """
    from flopbench.commands.export import runner
    from flopbench.commands.prove.runner import prove
    from flopbench.inputs.options import some
    from flopbench.plan import make_plan

    opened = None if symbols is None else some("--symbols", symbols)
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
        ),
        options=settings(
            image=image,
            attention=attention,
            stages=stages,
            counters=counters,
            analytic_only=analytic_only,
        ),
    )
    return runner.export(plan, catalog, lambda plan: prove(plan, catalog, opened), opened)
