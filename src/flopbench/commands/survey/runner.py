"""Carry out a survey: a row for each config, kept as soon as it is made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, get_args

from attrs import evolve

from flopbench.commands.survey.catalogs import code_of, use
from flopbench.commands.survey.checks import Verdict
from flopbench.commands.survey.found import Found
from flopbench.commands.survey.request import SurveyRequest
from flopbench.commands.survey.result import Survey
from flopbench.commands.survey.row import Row, blank, lost, survey_row
from flopbench.executors import HERE, Executor, Where, WorkerLostError
from flopbench.executors.processes import ProcessExecutor
from flopbench.progress import SweepProgress
from flopbench.registry.catalog import Catalog
from flopbench.resume.journal import Journal, fingerprint
from flopbench.version import __version__

COMMAND = "survey"
"""Whose journal, lock and list of files are in a folder."""

_LIBRARIES = ("torch", "transformers", "sympy")
"""What rows depend on besides flopbench and its plugins."""


def run_survey(
    found: Found,
    request: SurveyRequest,
    catalog: Catalog,
    *,
    out: Path | None = None,
    where: Where = HERE,
    progress: SweepProgress | None = None,
) -> tuple[Survey, Callable[[], None]]:
    """Carry out a survey; return it, and a function to call once it is on disk.

    Args:
        out: the folder that keeps finished rows, so that a killed survey can resume.
        where: the processes that make rows.

    Raises:
        UsageError: the folder is in use, or has another survey's rows; or the scheduler does not
            answer.
        SchedulerLostError: the Dask scheduler is gone; finished rows are kept.
        PluginError: a worker has other plugins.
    """
    versions = {"flopbench": __version__, **catalog.versions, **dict(_versions())}
    request = evolve(request, code=code_of(catalog))
    journal = None
    if out is not None:
        settings = {**request.settings, "versions": versions}
        journal = Journal(out, COMMAND, fingerprint(COMMAND, settings), _is_data)
    use(request, catalog)
    rows = _rows(found, request, journal, where, progress or SweepProgress())
    survey = Survey(
        configs=tuple(rows[config.name] for config in found.configs),
        check=request.check,
        settings=request.overrides,
        image=request.image,
        gpu=None if request.gpu is None else request.gpu[0],
        skipped=found.skipped,
        notes=found.notes,
        versions=versions,
    )

    def close() -> None:
        if journal:
            journal.close(finished=not any(row["verdict"] == "failed" for row in rows.values()))

    return survey, close


def _rows(
    found: Found,
    request: SurveyRequest,
    journal: Journal | None,
    where: Where,
    progress: SweepProgress,
) -> dict[str, Row]:
    """Make the rows that the journal does not have, and write them there; retry what failed."""
    rows = dict(_known(found, journal.entries if journal else {}))
    left = [config for config in found.configs if config.name not in rows]
    progress.start(len(found.configs), len(rows))
    if not left:
        return rows
    with _executor(request, where, len(left)) as executor:
        pending = {executor.submit(survey_row, request, config): config for config in left}
        for done in executor.as_completed():
            config = pending.pop(done)
            try:
                row = done.result()
            except WorkerLostError as error:
                row = lost(config.name, error)
            rows[config.name] = row
            if journal:
                journal.add(config.name, {"digest": config.digest, "row": row})
            progress.counted(config.name)
    return rows


def _executor(request: SurveyRequest, where: Where, rows: int) -> Executor:
    """Return where rows are made: one that ends its process must not end the others."""
    if where.is_here and request.check is not None and rows > 1:
        return ProcessExecutor(min(where.jobs, rows))
    return where.executor(rows)


def _known(found: Found, entries: Mapping[str, Any]) -> Iterator[tuple[str, Row]]:
    """Yield the rows of configs that did not change since, but not of those that failed."""
    for config in found.configs:
        entry = entries.get(config.name)
        if entry and entry["digest"] == config.digest and entry["row"]["verdict"] != "failed":
            yield config.name, entry["row"]


def _is_data(data: Any) -> bool:
    """Return whether a journal's data have the form that is written here."""
    if not isinstance(data, dict) or data.keys() != {"digest", "row"}:
        return False
    row = data["row"]
    return (
        isinstance(data["digest"], str)
        and isinstance(row, dict)
        and row.keys() == blank("").keys()
        and row["verdict"] in get_args(Verdict)
    )


def _versions() -> Iterator[tuple[str, str]]:
    for name in _LIBRARIES:
        try:
            yield name, version(name)
        except PackageNotFoundError:
            continue
