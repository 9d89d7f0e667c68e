"""`compare`, as a function."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from flopbench.api.given import (
    PathText,
    Section,
    catalog_of,
    model_name,
    overrides_of,
    plugin_names,
)
from flopbench.errors import UsageError
from flopbench.inputs.numbers import quoted
from flopbench.inputs.options import Names, settings

if TYPE_CHECKING:
    from flopbench.commands.compare.comparison import SideBySide
    from flopbench.commands.compare.plan import Entry
    from flopbench.plan.config import CountMethod

Model = PathText | tuple[PathText, Mapping[str, Any]]
"""A model to compare, with its own sections of the configuration if it has any."""


def compare(
    *models: Model,
    workload: Section = None,
    model_options: Section = None,
    vendor: Section = None,
    conventions: Section = None,
    dtypes: Section = None,
    train: Section = None,
    image: PathText | None = None,
    attention: Names = None,
    stages: Names = None,
    counters: Names = None,
    analytic_only: bool = False,
    method: CountMethod | None = None,
    plugins: PathText | Iterable[PathText] = (),
    strict_plugins: bool = False,
    page_sizes: bool = False,
) -> SideBySide:
    """Compare what models cost per page or sequence.

    Example::

        >>> import flopbench
        >>> found = flopbench.compare(
        ...     "deepseek_ocr",
        ...     ("deepseek_ocr", {"workload": {"mode": "base"}}),
        ...     stages=["vision"],
        ...     analytic_only=True,
        ... )
        >>> [side.label for side in found.sides]
        ['deepseek_ocr', 'deepseek_ocr mode=base']

    Args:
        models: names or paths, as of `run`, or wildcards such as ``*ocr*``; a model with settings
            of its own is a pair of a name and sections, or a text ``MODEL:KEY=VALUE,KEY=VALUE``.
        workload, model_options, vendor, conventions, dtypes, train: keys and values of these
            sections of the configuration, for all; ``model_options`` is the section ``model``.
        image: an image of a page, for all models that read one; or a folder of pages.
        attention, stages, counters: names, as a list or as a text with commas.
        analytic_only: whether to price the closed forms alone.
        method: how the vendor is counted: ``concrete``, ``symbolic`` or ``auto``.
        plugins: modules or files to load; ``no:NAME`` blocks a plugin.
        strict_plugins: whether a plugin that fails to load is an error.
        page_sizes: whether to price the models over sizes of a page, too.

    Raises:
        UsageError: an argument is wrong; the message is the sentence of the command line.
        PluginError: a plugin cannot be loaded, or breaks the contract of its hook.
    """
    from attrs import evolve

    from flopbench.commands.compare.choice import choose
    from flopbench.commands.compare.comparison import compare_models
    from flopbench.commands.compare.page_sizes import page_sizes as prices_of_sizes
    from flopbench.commands.compare.plan import check_entries
    from flopbench.commands.run import runner

    shared = overrides_of(
        workload=workload,
        model=model_options,
        vendor=vendor,
        conventions=conventions,
        dtypes=dtypes,
        train=train,
    )
    entries, shared_texts = check_entries([_entry(model) for model in models], shared)
    catalog = catalog_of(plugin_names(plugins), strict_plugins)
    options = settings(
        image=image,
        attention=attention,
        stages=stages,
        counters=counters,
        analytic_only=analytic_only,
        method=method,
    )
    chosen = choose(catalog, entries, shared_texts, options)
    found = compare_models(
        chosen, lambda plan: runner.run(plan, catalog), stages_given=stages is not None
    )
    if not page_sizes:
        return found
    sizes = prices_of_sizes(catalog, chosen.plans, shared_texts, options)
    return evolve(found, page_sizes=sizes)


def _entry(model: Model) -> Entry:
    """Return a model with the settings of its own."""
    from flopbench.commands.compare.plan import Entry, entry_of

    if not isinstance(model, tuple):
        return entry_of(model_name(model))
    name, sections = model if len(model) == 2 else (model, None)  # noqa: PLR2004 - a pair
    if not isinstance(sections, Mapping):
        example = "('deepseek_ocr', {'workload': {'mode': 'base'}})"
        raise UsageError(
            f"a model with settings must be a pair of a name and sections, as {example}, "
            f"got {quoted(model)}"
        )
    named = {"model" if key == "model_options" else str(key): sections[key] for key in sections}
    return Entry(model_name(name), tuple(overrides_of(**named)))
