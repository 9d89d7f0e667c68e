"""The audit sheet of laws: what was traced, counted and not seen, and under which conventions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flopbench.exports.laws import FLOPS, ExportedLaws, StageLaws
from flopbench.exports.targets import Files
from flopbench.exports.targets.code import ascii_json
from flopbench.text import as_markdown, json_data, key_values, plural, table, visible

CERTIFICATE_SCHEMA_VERSION = "1.0"


def files(laws: Sequence[ExportedLaws]) -> Files:
    """Return the sheet of each model, as JSON and as Markdown."""
    found: dict[str, str] = {}
    for each in laws:
        found[f"{each.identifier}.certificate.json"] = ascii_json(as_dict(each), 2)
        found[f"{each.identifier}.certificate.md"] = "\n".join(_markdown(each)) + "\n"
    return found


def as_dict(laws: ExportedLaws) -> dict[str, Any]:
    """Return the JSON form."""
    found = {
        "schema_version": CERTIFICATE_SCHEMA_VERSION,
        "name": laws.name,
        "kind": laws.kind,
        "verdict": laws.verdict,
        "symbols": {s.name: {"meaning": s.meaning, "minimum": s.minimum} for s in laws.symbols},
        "closed": dict(laws.closed),
        "stages": [_stage(laws, stage) for stage in laws.stages],
        "left_out": list(laws.left_out),
        "notes": list(laws.notes),
        "audit": dict(laws.audit),
        "provenance": dict(laws.provenance),
    }
    return dict(json_data(found))


def _stage(laws: ExportedLaws, stage: StageLaws) -> dict[str, Any]:
    return {
        "name": stage.name,
        "title": stage.title,
        "verdict": stage.verdict,
        "reason": stage.reason,
        "law": _law(laws, stage),
        "assumptions": [
            {"text": each.text, "checked": each.condition is not None} for each in stage.assumptions
        ],
        "points_compared": len(stage.golden),
    }


def _law(laws: ExportedLaws, stage: StageLaws) -> str | None:
    found = (law for law in stage.laws if law.component is None and law.quantity == FLOPS)
    return next((law.text for law in found if law.attention == laws.attention[0]), None)


def _markdown(laws: ExportedLaws) -> Iterator[str]:
    yield f"# Certificate of the laws of {_code(laws.name)}: {laws.verdict}"
    yield ""
    symbols = ([_code(s.name), _text(s.meaning), f"at least {s.minimum}"] for s in laws.symbols)
    yield from table(("symbol", "meaning", "values"), symbols)
    for stage in laws.stages:
        yield ""
        yield f"## {_text(stage.title)}: {stage.verdict}"
        yield ""
        yield f"FLOPs of matrix work: {_code(_law(laws, stage) or 'left out')}"
        yield ""
        if stage.reason:
            yield f"- {_text(stage.reason)}"
        for each in stage.assumptions:
            yield f"- {'Checked' if each.condition is not None else 'Assumed'}: {_text(each.text)}"
        points = plural(len(stage.golden), "golden point")
        yield f"- Held against flopbench's own numbers at {points}"
        yield from _audited(laws.audit.get("stages", {}).get(stage.name))
    yield from ("", "## Conventions and provenance", "")
    yield "- One multiply-accumulate is 2 FLOPs"
    told = {f"{name} conventions": value for name, value in laws.audit.get("counter", {}).items()}
    told |= {"conventions": laws.audit.get("conventions"), **laws.provenance}
    for name, value in told.items():
        if value:
            shown = ", ".join(key_values(value)) if isinstance(value, Mapping) else str(value)
            yield f"- {_text(name.replace('_', ' ').capitalize())}: {_code(shown)}"
    for note in (*laws.audit.get("own_formulas", ()), *laws.notes, *laws.left_out):
        yield f"- Note: {_text(note)}"


def _audited(stage: Mapping[str, Any] | None) -> Iterator[str]:
    """Yield what was counted and not seen of a stage that is no sum."""
    if stage is None:
        return
    sizes = ", ".join(key_values(stage["workload_sizes"])) or "its own sizes"
    if stage["traced"]:
        yield f"- Traced: {stage['traced']['method']}; held against a count at {_code(sizes)}"
    header = ("op", "component", "modules", "FLOPs", f"FLOPs at {sizes}")
    rows = (
        [
            _code(each["op"] or "all"),
            _code(each["component"]),
            str(each["modules"] or ""),
            _code(each["flops"]),
            f"{each['flops_at_workload']:,}",
        ]
        for each in stage["counted"]
    )
    if stage["counted"]:
        yield from ("", *table(header, rows))
    if stage["uncounted"]:
        named = ", ".join(
            _code(f"{each['op']} ({each['calls']} calls)") for each in stage["uncounted"]
        )
        yield from ("", f"Matrix work without a formula: {named}")
    if stage["unseen"]:
        kinds = ([_code(e["kind"]), f"{e['vector_flops_at_workload']:,}"] for e in stage["unseen"])
        title = f"FLOPs of vector work at {sizes}"
        yield from ("", *table(("not seen by the counter", title), kinds))


def _text(text: str | None) -> str:
    """Return text that Markdown shows as it is, on one line."""
    return as_markdown(visible(text or "").replace("\n", " "))


def _code(text: str) -> str:
    """Return text as code that Markdown shows as it is, on one line."""
    plain = visible(text).replace("\n", " ")
    ticks = "`"
    while ticks in plain:
        ticks += "`"
    return f"{ticks} {plain} {ticks}" if "`" in plain else f"`{plain or '-'}`"
