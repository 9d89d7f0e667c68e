"""Models side by side as tables, and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from attrs import evolve

from flopbench.analytic import Stage
from flopbench.commands.compare import over_pages
from flopbench.commands.compare.comparison import EITHER, PAGE, SEQUENCE, Side, SideBySide
from flopbench.plan.plan import EAGER
from flopbench.text import as_markdown, json_text, listed, si, table
from flopbench.values.tables import csv_text

NONE = "none"
FIRST, SAVING = "vs first model", "vs eager"
"""Columns that hold a cost against another."""

_FLOPS = ("model", "attention", "FLOPs", FIRST, SAVING, "tensor", "vector")
_COLUMNS = (*_FLOPS, "moved", "FLOP/B", "weights", "KV cache", "peak activations", "largest tensor")

COUNTED = "counted, not compared"

PLURAL = {PAGE: "pages", SEQUENCE: "sequences", EITHER: "pages or sequences"}


def to_json(found: SideBySide) -> str:
    """Return the JSON form, as text."""
    return json_text(found.to_dict(), 1)


def to_markdown(found: SideBySide) -> str:
    """Write a table of the models and one per stage; FLOPs are per page or sequence."""
    found = _with_plain_labels(found)
    names = listed(dict.fromkeys(side.label for side in found.sides), "and")
    lines = [f"# {names}", ""]
    if found.pages:
        lines += over_pages.tables(found)
    else:
        lines += [*_head(found), "", *_models(found), ""]
        for stage in found.stages:
            lines += [f"## {stage.title}", "", *_stage(found, stage), ""]
    lines += over_pages.size_tables(found)
    lines += [f"- {error}" for error in over_pages.errors(found)]
    lines += [f"- {note}" for note in dict.fromkeys((*found.notes, *notes(found)))]
    return "\n".join(lines).rstrip()


def _with_plain_labels(found: SideBySide) -> SideBySide:
    """Return the models with names that Markdown shows as they are: they may be paths of files."""

    def plain(each: Any) -> Any:
        return evolve(each, label=as_markdown(each.label))

    return evolve(
        found,
        sides=tuple(map(plain, found.sides)),
        page_sizes=tuple(map(plain, found.page_sizes)),
    )


def _head(found: SideBySide) -> Iterator[str]:
    """Yield what the numbers of the tables are."""
    yield f"FLOPs and bytes moved are per {found.per}; prefixes are decimal."
    if _several(found):
        yield f"`{FIRST}`: FLOPs over those of the first model with the stage, in the same mode."
    if _saves(found):
        yield f"`{SAVING}`: how the FLOPs differ from those of the same model with eager attention."


def _several(found: SideBySide) -> bool:
    """Return whether there is more than one model."""
    return len(found.sides) > 1


def _saves(found: SideBySide) -> bool:
    """Return whether a mode can be held against eager attention."""
    return EAGER in found.modes and len(found.modes) > 1


def _models(found: SideBySide) -> Iterator[str]:
    """Yield a table of each model's tokens and settings, and whether it was verified."""
    names = {"image": "image tokens", "context": "context", "output": "output"}
    if found.per == SEQUENCE:
        del names["image"]
    header = ("model", *names.values(), f"{PLURAL[found.per]} at once", "dtype", "check")
    return table(header, (_model(side, names) for side in found.sides))


def _model(side: Side, names: Iterable[str]) -> list[str]:
    known = (side.tokens.get(name) for name in names)
    tokens = [NONE if count is None else f"{count:,}" for count in known]
    return [side.label, *tokens, str(side.pages), side.dtype or NONE, check_of(side)]


def check_of(side: Side) -> str:
    """Say what the check of a model showed; one that was only counted was not compared."""
    if side.error:
        return "failed"
    counted = bool(side.left_out) or any(side.vendor_flops.values())
    return COUNTED if counted and side.verdict == "not_checked" else side.verdict.replace("_", " ")


def _stage(found: SideBySide, stage: Stage) -> Iterator[str]:
    left_out = {
        name for name, shown in ((FIRST, _several(found)), (SAVING, _saves(found))) if not shown
    }
    header = [name for name in _COLUMNS if name not in left_out]
    rows: list[Mapping[str, str]] = []
    for side in found.sides:
        costs = side.costs.get(stage.name, {})
        vendor = side.vendor_flops.get(stage.name)
        for mode in costs or ():
            row = _row(side, mode, costs[mode], _first(found, stage, mode))
            rows.append({**row, SAVING: _saving(costs, mode) if _saves(found) else NONE})
        if vendor is not None and (not costs or side.verdict == "not_checked"):
            counter = f"vendor ({found.vendor_counter})"
            flops = si(vendor / side.pages, "FLOP")
            rows.append({"model": side.label, "attention": counter, "FLOPs": flops})
        elif not costs:
            rows.append({"model": side.label})
    return table(header, ([row.get(name, NONE) for name in header] for row in rows))


def _saving(costs: Mapping[str, Mapping[str, Any]], mode: str) -> str:
    """Return by how many percent a mode's FLOPs differ from those of eager attention."""
    eager = costs[EAGER]["flops"]
    if mode == EAGER or not eager:
        return NONE
    percent = 100 * (costs[mode]["flops"] - eager) / eager
    return f"{percent:+.2g} %" if percent else "0 %"


def _first(found: SideBySide, stage: Stage, mode: str) -> float | None:
    """Return the FLOPs per page or sequence of the first model that has the stage."""
    for side in found.sides:
        if costs := side.costs.get(stage.name):
            return costs[mode]["flops"] / side.pages or None
    return None


def _row(side: Side, mode: str, cost: Mapping[str, Any], first: float | None) -> dict[str, str]:
    def per_page(name: str, unit: str) -> str:
        return si(cost[name] / side.pages, unit)

    ratio = None if first is None else cost["flops"] / side.pages / first
    intensity = cost["flops_per_byte"]
    return {
        "model": side.label,
        "attention": mode,
        "FLOPs": per_page("flops", "FLOP"),
        FIRST: NONE if ratio is None else f"{ratio:.3f} x",
        "tensor": per_page("tensor_flops", "FLOP"),
        "vector": per_page("vector_flops", "FLOP"),
        "moved": per_page("expected_bytes_moved", "B"),
        "FLOP/B": NONE if intensity is None else f"{intensity:.1f}",
        "weights": si(cost["weight_bytes"], "B"),
        "KV cache": si(cost["kv_cache_bytes"], "B"),
        "peak activations": si(cost["peak_activation_bytes"], "B"),
        "largest tensor": si(cost["largest_tensor_bytes"], "B"),
    }


def notes(found: SideBySide) -> Iterator[str]:
    """Yield what to know of each model: its notes, what failed, and what ran eagerly."""
    for side in found.sides:
        yield from (f"{side.label}: {note}" for note in side.notes)
        if side.no_closed_forms:
            counted = any(flops is not None for flops in side.vendor_flops.values())
            instead = "; its vendor's count is shown instead" if counted else ""
            yield f"{side.label}: {side.no_closed_forms}{instead}"
        for check in side.checks:
            if check["verdict"] != "exact":
                where = f"{side.label}, {check['stage']} ({check['counter']})"
                yield f"{where}: {check['verdict']}: {check['reason']}"
        if check_of(side) == COUNTED:
            yield from (f"{side.label}: {each}" for each in side.left_out)
        yield from (f"{side.label}: {note}" for note in _fallbacks(side))


def _fallbacks(side: Side) -> Iterator[str]:
    """Yield what runs eagerly and why, and in which stages nothing but that is left of a mode."""
    found: dict[tuple[str, str], dict[str, None]] = {}
    for each in side.fallbacks:
        found.setdefault((each.attention, each.reason), {})[each.component] = None
    for (mode, reason), components in found.items():
        yield f"fallback: {mode} runs {listed(components, 'and')} eagerly: {reason}"
    for mode in dict.fromkeys(mode for mode, _ in found):
        stages = dict.fromkeys(each.stage for each in side.fallbacks if each.attention == mode)
        same = [name for name in stages if _is_eager(side.costs[name], mode)]
        if same:
            yield f"{mode} = eager in {listed(same, 'and')}, where it carries out nothing"


def _is_eager(costs: Mapping[str, Mapping[str, Any]], mode: str) -> bool:
    return EAGER in costs and costs[mode] == costs[EAGER]


def as_html(found: SideBySide) -> str:
    """Write one HTML file, for a browser."""
    from flopbench.commands.compare.page import to_html

    return to_html(found)


def to_csv(found: SideBySide) -> str:
    """Write a row per model, page, stage and attention mode."""
    return csv_text(found.rows()).rstrip("\n")


FORMATS: Mapping[str, Callable[[SideBySide], str]] = {
    "markdown": to_markdown,
    "json": to_json,
    "csv": to_csv,
    "html": as_html,
}
