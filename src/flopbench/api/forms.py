"""What closed forms are good for: `prove` and `explain`, as functions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

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
from flopbench.inputs.options import Names, settings

if TYPE_CHECKING:
    from flopbench.commands.explain.tree import Explanation, Work
    from flopbench.commands.prove.proof import Proof


def prove(
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
    stages: Names = None,
    counters: Names = None,
    symbols: Names = None,
    every_layer: bool = False,
    jobs: int = 1,
    scheduler: str = "local",
    plugins: PathText | Iterable[PathText] = (),
    strict_plugins: bool = False,
) -> Proof:
    """Prove that a model's closed forms equal the vendor's at every size.

    Example::

        >>> import flopbench
        >>> proof = flopbench.prove("hf/llama", stages="prefill", symbols=["B"])
        >>> proof.verdict
        'proved'

    Args:
        model: a name that ``flopbench list`` shows, or the path of a config.json or its folder.
        workload, model_options, vendor, conventions, dtypes, train: keys and values of these
            sections of the configuration; ``model_options`` is the section ``model``.
        image: an image of a page; short for the key ``image`` of the workload.
        config: a YAML file of configuration, which the other arguments override.
        stages, counters: names, as a list or as a text with commas.
        symbols: names of the sizes to leave open; all by default.
        every_layer: trace each layer; by default, those that are equal to another are not, and
            counted instead.
        jobs: processes that find the laws, of one stage each. A script that uses several must
            begin its work under ``if __name__ == "__main__":``, as with `multiprocessing`.
        scheduler: ``local``, or the address of a Dask scheduler whose workers find them, such as
            ``tcp://host:8786``.
        plugins: modules or files to load; ``no:NAME`` blocks a plugin.
        strict_plugins: whether a plugin that fails to load is an error.

    Raises:
        UsageError: an argument is wrong; the message is the sentence of the command line.
        PluginError: a plugin cannot be loaded, or breaks the contract of its hook.
    """
    from flopbench.commands.prove import runner
    from flopbench.commands.prove.pieces import Elsewhere
    from flopbench.executors import Where, check_scheduler
    from flopbench.inputs.options import some
    from flopbench.plan.elsewhere import PlanRequest

    processes = count_of("--jobs", jobs) or 1
    check_scheduler(scheduler, processes)
    request = PlanRequest(
        model=model_name(model),
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
        options=settings(image=image, stages=stages, counters=counters),
    )
    catalog = catalog_of(request.plugins, strict_plugins)
    plan = request.plan(catalog)
    opened = None if symbols is None else some("--symbols", symbols)
    elsewhere = Elsewhere.of(Where(scheduler, processes), request)
    return runner.prove(plan, catalog, opened, every_layer=every_layer, elsewhere=elsewhere)


def explain(
    model: PathText,
    *,
    workload: Section = None,
    model_options: Section = None,
    conventions: Section = None,
    dtypes: Section = None,
    train: Section = None,
    image: PathText | None = None,
    config: PathText | None = None,
    attention: str | None = None,
    stages: Names = None,
    depth: int | None = None,
    work: Work = "tensor",
    plugins: PathText | Iterable[PathText] = (),
    strict_plugins: bool = False,
) -> Explanation:
    """Show where a model's FLOPs are, as a tree of closed forms.

    Example::

        >>> import flopbench
        >>> tree = flopbench.explain("deepseek_ocr", stages="decode", depth=2)
        >>> [child.path for child in tree.root.children]
        [('decode',)]

    Args:
        model: a name that ``flopbench list`` shows, or the path of a config.json or its folder.
        workload, model_options, conventions, dtypes, train: keys and values of these sections of
            the
            configuration; ``model_options`` is the section ``model``.
        image: an image of a page; short for the key ``image`` of the workload.
        config: a YAML file of configuration, which the other arguments override.
        attention: one mode; the first of ``run.attention`` by default.
        stages: names, as a list or as a text with commas.
        depth: levels of the tree; all by default.
        work: matrix work (``tensor``), the rest (``vector``), or ``all``.
        plugins: modules or files to load; ``no:NAME`` blocks a plugin.
        strict_plugins: whether a plugin that fails to load is an error.

    Raises:
        UsageError: an argument is wrong; the message is the sentence of the command line.
        PluginError: a plugin cannot be loaded, or breaks the contract of its hook.
    """
    from flopbench.commands.explain import tree
    from flopbench.commands.explain.request import check
    from flopbench.plan import make_plan

    check(depth, work, attention)
    catalog = catalog_of(plugin_names(plugins), strict_plugins)
    plan = make_plan(
        catalog,
        model_name(model),
        file=file_of(config),
        overrides=overrides_of(workload=workload, model=model_options, conventions=conventions),
        options=settings(image=image, attention=attention, stages=stages, analytic_only=True),
    )
    explanation = tree.explain(plan, work)
    return explanation if depth is None else explanation.cut(depth)
