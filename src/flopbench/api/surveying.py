"""`survey`, as a function."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import nullcontext
from typing import TYPE_CHECKING

from flopbench.api.given import PathText, Section, catalog_of, count_of, overrides_of, plugin_names
from flopbench.inputs.options import path

if TYPE_CHECKING:
    from flopbench.commands.survey.request import Check
    from flopbench.commands.survey.result import Survey


def survey(
    *paths: PathText,
    workload: Section = None,
    model_options: Section = None,
    vendor: Section = None,
    conventions: Section = None,
    dtypes: Section = None,
    hardware: Section = None,
    check: Check = "prove",
    analytic_only: bool = False,
    image: PathText | None = None,
    gpu: PathText | None = None,
    jobs: int = 1,
    scheduler: str = "local",
    out: PathText | None = None,
    plugins: PathText | Iterable[PathText] = (),
    strict_plugins: bool = False,
) -> Survey:
    """Survey configs of models, a row each: laws, parameters, FLOPs, bytes and verdicts.

    Example::

        >>> import json, pathlib, tempfile
        >>> import flopbench
        >>> config = {"model_type": "llama", "hidden_size": 64, "num_hidden_layers": 2}
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = pathlib.Path(folder, "tiny.json").write_text(json.dumps(config))
        ...     found = flopbench.survey(folder, analytic_only=True)
        >>> [(row["model"], row["verdict"]) for row in found.configs]
        [('hf/llama', 'not_checked')]

    Args:
        paths: config files, and folders that are searched for them.
        workload, model_options, vendor, conventions, dtypes, hardware: keys and values of these
            sections of the configuration, for all models that have the key; ``model_options`` is
            the section ``model``.
        check: ``prove`` holds closed forms against the vendor's at every size, ``run`` at the
            workload alone.
        analytic_only: whether to price the closed forms alone.
        image: an image of a page, for all models that read one.
        gpu: a GPU, or the path of its file: adds bounds on it.
        jobs: processes that make the rows.
        scheduler: ``local``, or the address of a Dask scheduler.
        out: a folder that gets ``survey.json`` and the other files, and from which a killed survey
            resumes.
        plugins: modules or files to load; ``no:NAME`` blocks a plugin.
        strict_plugins: whether a plugin that fails to load is an error.

    Returns:
        The survey; what failed or was refused is a row.

    Raises:
        UsageError: an argument is wrong; the message is the sentence of the command line.
        PluginError: a plugin cannot be loaded, or a worker has another one.
        SchedulerLostError: the Dask scheduler is gone; with ``out``, finished rows are kept.
    """
    from flopbench.commands.prove.runner import analytic_forms, prove
    from flopbench.commands.run.runner import run
    from flopbench.commands.survey.columns import files
    from flopbench.commands.survey.request import Works, check_settings, configs_of, requested
    from flopbench.commands.survey.runner import COMMAND, run_survey
    from flopbench.executors import Where, check_scheduler
    from flopbench.resume.files import replace_files
    from flopbench.resume.lock import locked
    from flopbench.values.files import check_writable

    processes = count_of("--jobs", jobs) or 1
    check_scheduler(scheduler, processes)
    folder = None if out is None else path("--out", out)
    if folder:
        check_writable(folder)
    request = requested(
        Works(run, prove, analytic_forms),
        check=check,
        analytic_only=analytic_only,
        plugins=plugin_names(plugins),
        overrides=overrides_of(
            workload=workload,
            model=model_options,
            vendor=vendor,
            conventions=conventions,
            dtypes=dtypes,
            hardware=hardware,
        ),
        image=image,
        gpu=gpu,
    )
    catalog = catalog_of(request.plugins, strict_plugins)
    check_settings(catalog, request)
    found = configs_of(catalog, paths)
    with locked(folder, COMMAND) if folder else nullcontext():
        result, close = run_survey(
            found, request, catalog, out=folder, where=Where(scheduler, processes)
        )
        if folder:
            replace_files(folder, COMMAND, files(result)[0])
        close()
    return result
