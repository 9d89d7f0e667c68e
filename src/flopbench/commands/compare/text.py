"""Models side by side as tables, and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from flopbench.analytic import Stage
from flopbench.commands.compare.comparison import EITHER, PAGE, SEQUENCE, Side, SideBySide
from flopbench.text import json_text, listed, si, table

NONE = "none"

_PLURAL = {PAGE: "pages", SEQUENCE: "sequences", EITHER: "pages or sequences"}


def to_json(found: SideBySide) -> str:
    """Return the JSON form, as text."""
    return json_text(found.to_dict(), 1)


def to_markdown(found: SideBySide) -> str:
    """Write a table of the models and one per stage; FLOPs are per page or sequence."""
    names = listed((side.label for side in found.sides), "and")
    units = f"FLOPs and bytes moved are per {found.per}; prefixes are decimal."
    lines = [f"# {names}", "", units, ""]
    lines += [*_models(found), ""]
    for stage in found.stages:
        lines += [f"## {stage.title}", "", *_stage(found, stage), ""]
    lines += [f"- {side.label}: {side.error}" for side in found.sides if side.error]
    lines += [f"- {note}" for note in _notes(found)]
    return "\n".join(lines).rstrip()


def _models(found: SideBySide) -> Iterator[str]:
    """Yield a table of each model's tokens and settings, and whether it was verified."""
    names = {"image": "image tokens", "context": "context", "output": "output"}
    if found.per == SEQUENCE:
        del names["image"]
    header = ("model", *names.values(), f"{_PLURAL[found.per]} at once", "dtype", "check")
    return table(header, (_model(side, names) for side in found.sides))


def _model(side: Side, names: Iterable[str]) -> list[str]:
    known = (side.tokens.get(name) for name in names)
    tokens = [NONE if count is None else f"{count:,}" for count in known]
    verdict = "failed" if side.error else side.verdict.replace("_", " ")
    return [side.label, *tokens, str(side.pages), side.dtype or NONE, verdict]


def _stage(found: SideBySide, stage: Stage) -> Iterator[str]:
    header: tuple[str, ...] = ("model", "attention", "FLOPs", "to the first", "tensor", "vector")
    header += ("moved", "FLOP/B", "weights", "KV cache", "peak activations")
    rows: list[list[str]] = []
    for side in found.sides:
        costs = side.costs.get(stage.name)
        vendor = side.vendor_flops.get(stage.name)
        if costs:
            rows += [_row(side, m, costs[m], _first(found, stage, m)) for m in found.modes]
        elif vendor is not None:
            counted = [f"vendor ({found.vendor_counter})", si(vendor / side.pages, "FLOP")]
            rows.append([side.label, *counted, *[NONE] * (len(header) - 3)])
        else:
            rows.append([side.label, *[NONE] * (len(header) - 1)])
    return table(header, rows)


def _first(found: SideBySide, stage: Stage, mode: str) -> float | None:
    """Return the FLOPs per page or sequence of the first model that has the stage."""
    for side in found.sides:
        if costs := side.costs.get(stage.name):
            return costs[mode]["flops"] / side.pages or None
    return None


def _row(side: Side, mode: str, cost: Mapping[str, Any], first: float | None) -> list[str]:
    def per_page(name: str, unit: str) -> str:
        return si(cost[name] / side.pages, unit)

    ratio = None if first is None else cost["flops"] / side.pages / first
    intensity = cost["flops_per_byte"]
    return [
        side.label,
        mode,
        per_page("flops", "FLOP"),
        NONE if ratio is None else f"{ratio:.3f}",
        per_page("tensor_flops", "FLOP"),
        per_page("vector_flops", "FLOP"),
        per_page("expected_bytes_moved", "B"),
        NONE if intensity is None else f"{intensity:.1f}",
        *(si(cost[name], "B") for name in ("weight_bytes", "kv_cache_bytes")),
        si(cost["peak_activation_bytes"], "B"),
    ]


def _notes(found: SideBySide) -> Iterator[str]:
    for side in found.sides:
        if side.no_closed_forms:
            yield f"{side.label}: {side.no_closed_forms}; its vendor's count is shown instead"
        for check in side.checks:
            if check["verdict"] != "exact":
                where = f"{side.label}, {check['stage']} ({check['counter']})"
                yield f"{where}: {check['verdict']}: {check['reason']}"


FORMATS: Mapping[str, Callable[[SideBySide], str]] = {"markdown": to_markdown, "json": to_json}
