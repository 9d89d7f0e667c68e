"""Models side by side on one page: what each costs, stage by stage, and whether it is verified.

`to_dict` gives the JSON form, documented in docs/compare.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Literal

import attrs
from attrs import Factory, frozen

from flopbench.analytic import Stage
from flopbench.analytic.attention import plot_label
from flopbench.analytic.price import Fallback, StagePrice, total_price
from flopbench.analytic.price_many import cost_of, largest_tensor
from flopbench.commands.compare.choice import Chosen
from flopbench.commands.compare.page_sizes import PageSize
from flopbench.errors import FlopbenchError
from flopbench.plan import Plan
from flopbench.report import LeftOut, Report, Series, left_out
from flopbench.text import json_data
from flopbench.values import Node, Value
from flopbench.values.value import Format

COMPARE_SCHEMA_VERSION = "1.4"

TOTAL = Stage("total", "All stages")
"""All stages of a model that are not sums of others."""

PAGE, SEQUENCE, EITHER = "page", "sequence", "page or sequence"

Cost = Mapping[str, Any]
Verdict = Literal["verified", "not_verified", "not_checked"]


@frozen(kw_only=True)
class StageFallback:
    """An attention op of a stage that runs eagerly because a mode cannot carry it out."""

    stage: str
    attention: str
    component: str
    reason: str


@frozen(kw_only=True)
class Side:
    """What one model costs.

    Attributes:
        costs: by stage and attention mode, the fields of a cost of ``sweep.json``; empty if
            the model has no closed forms.
        tokens: per page: of its image, of the prefill, and generated; None if unknown. For a
            model that reads no image, a sequence counts as a page.
        pages: pages at once; the costs are for all of them.
        page: the image that it reads, if several pages are compared.
        no_closed_forms: why the model has none; its vendor's count is then all there is.
        largest_tensors: by stage and attention mode, what the largest tensor is.
        vendor_flops: by stage, by the first vendor counter of FLOPs.
        checks: how each stage compares with each vendor counter.
        left_out: which attention modes were not compared with a counter, and why.
        fallbacks: what ran eagerly in which of the stages shown, because a mode cannot.
        notes: what a reader must know of what the model stands for.
        error: why something of this model failed.
    """

    label: str
    model: str
    settings: tuple[str, ...]
    pages: int = 1
    page: str | None = None
    dtype: str | None = None
    tokens: Mapping[str, int | None] = Factory(dict)
    workload: Mapping[str, Any] = Factory(dict)
    costs: Mapping[str, Mapping[str, Cost]] = Factory(dict)
    largest_tensors: Mapping[str, Mapping[str, Mapping[str, Any] | None]] = Factory(dict)
    vendor_flops: Mapping[str, int | None] = Factory(dict)
    checks: tuple[Mapping[str, Any], ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    fallbacks: tuple[StageFallback, ...] = ()
    verdict: Verdict = "not_checked"
    no_closed_forms: str | None = None
    notes: tuple[str, ...] = ()
    error: str | None = None


@frozen(kw_only=True)
class SideBySide(Value):
    """All models, the stages of any, and the attention modes with their labels.

    Attributes:
        per: what costs are given per: a page if the models read one, or a sequence.
        pages: the images of a folder, if one is given: each model then has an entry for each.
        notes: what was left out of it.
        page_sizes: what each model that reads a page costs over its sizes, if that is asked for.
    """

    schema_version: str = COMPARE_SCHEMA_VERSION
    per: str
    stages: tuple[Stage, ...]
    modes: Mapping[str, str]
    vendor_counter: str | None
    sides: tuple[Side, ...]
    pages: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    page_sizes: tuple[PageSize, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether a model failed, on some page or size, or differs from its vendor model."""
        unpriced = any(size.error for size in self.page_sizes)
        return unpriced or any(s.error or s.verdict == "not_verified" for s in self.sides)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        found = attrs.asdict(self)
        found["stages"] = [{"name": s.name, "title": s.title} for s in self.stages]
        sides = found.pop("sides")
        return dict(json_data({**found, "models": sides}))

    def rows(self) -> list[dict[str, Any]]:
        """Return a row per model, stage and attention mode."""
        from flopbench.commands.compare.views import rows

        return list(rows(self))

    def text(self) -> str:
        """Return what ``flopbench compare`` prints."""
        return self.to_markdown()

    def to_markdown(self) -> str:
        """Return what ``compare.md`` holds."""
        from flopbench.commands.compare.text import to_markdown

        return to_markdown(self)

    def tree(self) -> Node:
        """Return each stage with the FLOPs of each model and attention mode."""
        from flopbench.commands.compare.views import tree

        return tree(self)

    def formats(self) -> Mapping[str, Format]:
        """Return what `save` writes."""
        from flopbench.commands.compare.text import as_html

        return {**super().formats(), ".html": lambda: as_html(self)}


NO_IMAGE = "it reads no image, so that it is priced without one"


def compare_models(
    chosen: Chosen,
    check: Callable[[Plan], Report],
    *,
    stages_given: bool,
) -> SideBySide:
    """Price and check every model; a failure is reported in its model's place.

    Args:
        check: carries out a plan and returns the report of the run.
        stages_given: whether to show the plans' stages; otherwise those that are not sums, and
            their total.
    """
    plans, known = chosen.plans, dict[int, Side]()
    sides = []
    for entry, plan in plans.items():
        blank = Side(label=entry.label, model=entry.model, settings=entry.settings, page=entry.page)
        if isinstance(plan, FlopbenchError):
            sides.append(attrs.evolve(blank, error=str(plan)))
            continue
        if id(plan) not in known:
            known[id(plan)] = _side(blank, plan, check, stages_given)
        side = attrs.evolve(known[id(plan)], page=entry.page)
        if chosen.image is not None and "image" not in plan.config["workload"]:
            side = attrs.evolve(side, notes=(*side.notes, NO_IMAGE))
        sides.append(side)
    resolved = [plan for plan in plans.values() if isinstance(plan, Plan)]
    stages = dict.fromkeys(s for p in resolved for s in _shown(p, stages_given=stages_given))
    per = _per(sides)
    by_name = {s.name: Stage(s.name, s.title) for s in stages}
    if TOTAL.name in by_name and per == PAGE:
        by_name[TOTAL.name] = Stage(TOTAL.name, "Whole page")
    counters = {c.name: None for p in resolved for c in p.counters if c.convention.unit == "FLOP"}
    return SideBySide(
        per=per,
        stages=tuple(sorted(by_name.values(), key=lambda s: s.name == TOTAL.name)),
        modes={m.name: plot_label(m.series_label(), m.name) for p in resolved for m in p.modes},
        vendor_counter=next(iter(counters), None),
        sides=tuple(sides),
        pages=chosen.pages,
        notes=chosen.notes,
    )


def _per(sides: Iterable[Side]) -> str:
    read = {side.tokens["image"] is not None for side in sides if side.tokens}
    return EITHER if len(read) > 1 else SEQUENCE if read == {False} else PAGE


def _shown(plan: Plan, *, stages_given: bool) -> tuple[Stage, ...]:
    if stages_given:
        return plan.stages
    return (*(stage for stage in plan.stages if not stage.parts), TOTAL)


def _side(side: Side, plan: Plan, check: Callable[[Plan], Report], stages_given: bool) -> Side:
    try:
        side = _priced(side, plan, stages_given)
        if plan.vendor is not None:
            shown = _shown(plan, stages_given=stages_given)
            return _checked(side, check(plan), shown)
    except FlopbenchError as error:
        return attrs.evolve(side, error=str(error))
    return side


def _priced(side: Side, plan: Plan, stages_given: bool) -> Side:
    costs: dict[str, dict[str, Cost]] = {}
    largest: dict[str, dict[str, Mapping[str, Any] | None]] = {}
    fallbacks: list[StageFallback] = []
    names = [stage.name for stage in _shown(plan, stages_given=stages_given)]
    for stage, mode, priced in _prices(plan):
        if stage in names:
            costs.setdefault(stage, {})[mode] = cost_of(priced, plan.model.parts)
            largest.setdefault(stage, {})[mode] = largest_tensor(priced)
            fallbacks += [_fallback(stage, f) for f in priced.fallbacks if stage != TOTAL.name]
    workload = {**plan.config["workload"], **plan.model.workload_facts(plan.workload)}
    return attrs.evolve(
        side,
        pages=workload.get("batch_size", 1),
        dtype=plan.model.dtype,
        tokens={
            "image": workload.get("image_tokens"),
            "context": workload.get("context_tokens"),
            "output": workload.get("decode_steps"),
        },
        workload=workload,
        costs=costs,
        largest_tensors=largest,
        fallbacks=tuple(fallbacks),
        notes=plan.notes,
    )


def _fallback(stage: str, found: Fallback) -> StageFallback:
    return StageFallback(
        stage=stage, attention=found.attention, component=found.component, reason=found.reason
    )


def _prices(plan: Plan) -> Iterator[tuple[str, str, StagePrice]]:
    """Yield (stage, mode, price) of every stage, and of the total of those that are not sums."""
    found = {
        stage.name: plan.pricer.in_modes(plan.model, stage.name, plan.workload, plan.modes)
        for stage in plan.base_stages
    }
    for mode in plan.modes:
        prices = {name: by_mode[mode.name] for name, by_mode in found.items()}
        whole = attrs.evolve(TOTAL, parts=tuple(prices))
        for stage in (*plan.stages, whole):
            yield stage.name, mode.name, total_price(stage, prices)


def _checked(side: Side, report: Report, shown: Iterable[Stage]) -> Side:
    fields = ("stage", "attention", "counter", "unit", "verdict", "difference", "reason")
    compared = [c for c in report.comparisons if c.verdict != "no_vendor_match"]
    vendor = [s for s in report.series if s.kind == "vendor" and s.unit == "FLOP"]
    counted: dict[str, int | None] = {}
    for series in vendor:
        counted.setdefault(series.stage, series.flops)
    base = [s.name for s in report.stages if not s.parts]
    if all(counted.get(name) is not None for name in base):
        counted[TOTAL.name] = sum(counted[name] or 0 for name in base)
    checks = [{name: getattr(c, name) for name in fields} for c in compared]
    if report.no_closed_forms:
        checks += [_incomplete(s) for s in vendor if s.error or s.uncounted]
    own = dict.fromkeys(str(f) for used in report.own_formulas.values() for f in used)
    return attrs.evolve(
        side,
        notes=(*side.notes, *own),
        vendor_flops={stage.name: counted.get(stage.name) for stage in shown},
        checks=tuple(checks),
        left_out=tuple(left_out(report)),
        verdict=report.verdict,
        no_closed_forms=report.no_closed_forms,
    )


def _incomplete(series: Series) -> dict[str, Any]:
    """Return why the vendor's count of a stage is incomplete, with nothing to compare."""
    ops = ", ".join(sorted({op.op for op in series.uncounted}))
    return {
        "stage": series.stage,
        "attention": series.attention,
        "counter": series.counter,
        "unit": series.unit,
        "verdict": "incomplete",
        "difference": None,
        "reason": series.error or f"the counter has no formula for {ops}",
    }
