"""The verdict on a config: how its closed forms compare with the vendor's count."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Literal

import attrs
from attrs import Factory, frozen

from flopbench.boundary import told
from flopbench.commands.survey.request import SurveyRequest
from flopbench.errors import FlopbenchError, UsageError
from flopbench.laws.law import Law
from flopbench.laws.vendor_law import vendor_law
from flopbench.plan import Plan
from flopbench.plan.subjects import subject_of
from flopbench.registry.catalog import Catalog
from flopbench.report import Report
from flopbench.text import first_of
from flopbench.vendor.attribution import attempt

if TYPE_CHECKING:
    from flopbench.commands.prove.proof import Proof

Verdict = Literal[
    "proved",
    "interpolated",
    "verified",
    "not_checked",
    "vendor_alone",
    "refused",
    "incomplete",
    "differs",
    "failed",
]
"""What a survey finds of a config, from the best to the worst."""

FAILURES: frozenset[str] = frozenset({"incomplete", "differs", "failed"})
"""Verdicts that make a survey exit with 1."""

_INTERPOLATED = " was interpolated"
"""What is among the words of an assumption about a size that did not stay a symbol."""


@frozen
class Checked:
    """A verdict, and why it is no better.

    Attributes:
        flops: the vendor's count of each stage at the workload, if it has been counted.
        laws: the vendor's closed forms, of a model that has none of its own.
    """

    verdict: Verdict
    reason: str | None = None
    flops: Mapping[str, int | None] = Factory(dict)
    laws: Mapping[str, str] = Factory(dict)


def checked(plan: Plan, catalog: Catalog, request: SurveyRequest) -> Checked:
    """Check a model as the request says.

    Raises:
        FlopbenchError: the model raises, or what the vendor needs is not installed.
    """
    if request.check is None:
        return Checked("not_checked")
    if plan.vendor is None:
        return Checked("not_checked", "it has no vendor model to check it against")
    if not plan.modes:
        return _alone(plan, catalog, request)
    if request.check == "run":
        return _at_workload(plan, catalog, request)
    return _proved(plan, catalog, request)


def _proved(plan: Plan, catalog: Catalog, request: SurveyRequest) -> Checked:
    """Prove it for all sizes; where the vendor's law is not found, check the workload alone."""
    try:
        proof = request.works.prove(plan, catalog)
    except UsageError as error:  # nothing that a proof could leave open
        reason = str(error)
    else:
        reason = "; ".join(_reasons(proof))
        if proof.verdict != "incomplete":
            return Checked(proof.verdict, reason or None)
    found = _at_workload(plan, catalog, request)
    if found.verdict != "verified":
        return found
    return attrs.evolve(found, reason=f"verified at the workload, not proved: {reason}")


def _reasons(proof: Proof) -> Iterator[str]:
    """Yield why stages have no better verdict, each reason once."""
    if proof.verdict == "interpolated":
        yield from _interpolated(proof)
        return
    worst = [e for e in proof.equations if e.verdict == proof.verdict and e.verdict != "proved"]
    components = [e for e in worst if e.component is not None]
    reasons: dict[str, list[str]] = {}
    for each in components or worst:
        difference = None if each.difference is None else f"analytic - vendor = {each.difference}"
        reason = each.reason or difference or each.verdict
        reasons.setdefault(reason, []).append("/".join(filter(None, (each.stage, each.component))))
    for reason, places in reasons.items():
        yield f"{first_of(places)}: {reason}"


def _interpolated(proof: Proof) -> Iterator[str]:
    """Yield which sizes were interpolated and how, each with its stages."""
    found: dict[str, list[str]] = {}
    parts = {e.stage for e in proof.equations if e.component is not None}  # the others are sums
    for each in proof.equations:
        if each.component is None and each.stage in parts and each.verdict == "interpolated":
            notes = [note for note in each.assumptions if _INTERPOLATED in note]
            for note in notes or [each.reason or each.verdict]:
                found.setdefault(note, []).append(each.stage)
    for note, stages in found.items():
        yield f"{first_of(stages)}: equal wherever it was counted, not for every size: {note}"


def _at_workload(plan: Plan, catalog: Catalog, request: SurveyRequest) -> Checked:
    """Check it at the workload alone."""
    report = request.works.run(plan, catalog)
    if report.verdict == "verified":
        return Checked("verified", flops=_counted(report))
    if report.verdict == "not_checked":
        return Checked("not_checked", "no attention mode is meant to match the vendor")
    differs = [c for c in report.comparisons if c.verdict == "differs"]
    reasons = dict.fromkeys(
        f"{c.stage}: {c.reason or f'analytic - vendor = {c.difference}'}" for c in differs
    )
    if differs:
        return Checked("differs", first_of(list(reasons)), _counted(report))
    return Checked("incomplete", _incomplete(report), _counted(report))


def _counted(report: Report) -> dict[str, int | None]:
    """Return what the first counter counted of each stage."""
    found: dict[str, int | None] = {}
    for series in report.series:
        if series.kind == "vendor":
            found.setdefault(series.stage, series.flops)
    return found


def _incomplete(report: Report) -> str:
    """Say which ops were not counted, or which stages could not be."""
    errors = dict.fromkeys(s.error for s in report.series if s.error)
    ops = dict.fromkeys(op.op for s in report.series for op in s.uncounted)
    if errors:
        return "; ".join(errors)
    return f"the counter has no formula for {first_of(list(ops))}"


def _alone(plan: Plan, catalog: Catalog, request: SurveyRequest) -> Checked:
    """Count the vendor of a model without closed forms, and find its laws."""
    report = request.works.run(plan, catalog)
    reason, flops = plan.model.no_closed_forms, _counted(report)
    if report.verdict == "not_verified":
        return Checked("incomplete", f"{reason}; {_incomplete(report)}", flops)
    laws = dict[str, str]()
    for stage in plan.base_stages if request.check == "prove" else ():
        found = attempt(lambda stage=stage: vendor_law(subject_of(plan, stage.name)))  # type: ignore[misc]
        if isinstance(found, Law):
            laws[stage.name] = str(sum(found.forms.values()))
        else:
            reason = f"{reason}; no law of {stage.name}: {found.reason}"
    return Checked("vendor_alone", reason, flops, laws)


def unforeseen(error: BaseException) -> Checked:
    """Return the verdict on a config at which something failed."""
    if isinstance(error, UsageError) and not _is_missing(error):
        return Checked("refused", str(error))
    return Checked("failed", str(error) if isinstance(error, FlopbenchError) else told(error))


def _is_missing(error: BaseException | None) -> bool:
    """Return whether an error comes from a library that is not installed."""
    while error is not None:
        if isinstance(error, ImportError):
            return True
        error = error.__cause__
    return False
