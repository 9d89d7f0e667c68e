"""A sweep as Markdown tables, from its JSON form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from flopbench.analytic.price import Fallback
from flopbench.commands.sweep.verdict import Verdict
from flopbench.text import plural, si, table

MOST_ROWS = 1_000
"""Rows of each table."""

_LAST = ("activations moved", "FLOP/B")
_MEMORY_NOTE = (
    "Weights are read once per pass: by each decode step, and by each stack of images of one size. "
    "Each op reads its operands once and writes its result once."
)


def to_markdown(report: Mapping[str, Any], verdict: Verdict | None = None) -> str:
    """Write the tables of a sweep: FLOPs, memory and required throughput.

    Each has a row per point and attention mode, as long as there are not very many.

    Args:
        verdict: that of the report, if it is known.
    """
    lines = [f"# {report['model']}: {report['description']}", "", head(report), ""]
    lines += [(verdict or Verdict.of(report)).text(report), ""]
    rows = len(report["points"]) * len(report["modes"])
    if rows > MOST_ROWS:
        lines += [f"Each table has the first {MOST_ROWS:,} of {rows:,} rows.", ""]
        report = {**report, "points": report["points"][:MOST_ROWS]}
    lines += [f"note: {note}  " for note in report["notes"]]
    lines += [f"{note}  " for note in fallback_notes(report)]
    lines += [""] if report["notes"] or report["fallbacks"] else []
    for stage in report["stages"]:
        lines += [f"## {stage['title']}", "", "### FLOPs", "", *_flops(report, stage["name"]), ""]
        lines += ["### Memory", "", _MEMORY_NOTE, "", *_memory(report, stage["name"]), ""]
    lines += _required(report)
    return "\n".join(lines).rstrip() + "\n"


def head(report: Mapping[str, Any]) -> str:
    """Return what was swept, and what all points share."""
    known = [f"Sweep `{report['sweep']}`", plural(report["num_points"], "point")]
    known += [] if report["dtype"] is None else [report["dtype"]]
    known += [] if report["batch_size"] is None else [f"batch size {report['batch_size']}"]
    known += [] if report["decode_steps"] is None else [f"{report['decode_steps']} decode steps"]
    return f"{', '.join(known)}. Prefixes are decimal."


def fallback_notes(report: Mapping[str, Any]) -> list[str]:
    """Return what attention modes do not support, once for all stages."""
    found = (Fallback(f["attention"], f["component"], f["reason"]) for f in report["fallbacks"])
    return [f"fallback: {fallback}" for fallback in dict.fromkeys(found)]


def _per_mode(report: Mapping[str, Any], stage: str) -> Iterator[tuple[list[str], Any, Any]]:
    found = (
        ([point["label"], str(point.get(report["size"], "")), mode], cost, point[stage])
        for point in report["points"]
        for mode, cost in point[stage]["cost"].items()
    )
    return islice(found, MOST_ROWS)


def _flops(report: Mapping[str, Any], stage: str) -> Iterator[str]:
    def row(head: list[str], cost: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
        vendor, theirs = found["vendor_flops"], head[-1] in report["compared"]
        failed = found["vendor_error"] or "not counted"
        ratio = cost["tensor_flops"] / cost["vector_flops"] if cost["vector_flops"] else None
        return [
            *head,
            si(cost["flops"], "FLOP"),
            si(cost["tensor_flops"], "FLOP"),
            si(cost["vector_flops"], "FLOP"),
            "" if ratio is None else f"{ratio:.1f} : 1",
            failed if vendor is None else si(vendor, "FLOP") if theirs else "",
            str(found["difference"]) if theirs and found["difference"] is not None else "",
        ]

    header = ("point", report["size"], "attention", "FLOPs", "tensor", "vector", "tensor : vector")
    return table(
        (*header, "vendor", "eager torch-visible - vendor"),
        (row(*each) for each in _per_mode(report, stage)),
    )


def _memory(report: Mapping[str, Any], stage: str) -> Iterator[str]:
    def row(head: list[str], cost: Mapping[str, Any], _found: Any) -> list[str]:
        read = cost["weight_bytes_read"] + cost["expected_expert_bytes_read"]
        cache = cost["kv_cache_bytes_read"] + cost["kv_cache_bytes_written"]
        moved = cost["activation_bytes_read"] + cost["activation_bytes_written"]
        sizes = (
            *(cost["weight_bytes"], cost["kv_cache_bytes"], cost["peak_activation_bytes"]),
            *(cost["largest_tensor_bytes"], read, cache, moved),
        )
        per_byte = cost["flops_per_byte"]
        texts = (si(size, "B") for size in sizes)
        return [*head, *texts, "" if per_byte is None else f"{per_byte:.1f}"]

    header = ("weights held", "KV cache held", "peak activations", "largest tensor")
    return table(
        ("point", report["size"], "attention", *header, "weights read", "KV cache moved", *_LAST),
        (row(*each) for each in _per_mode(report, stage)),
    )


def _required(report: Mapping[str, Any]) -> Iterator[str]:
    for key, what in (("ttft", "time to first token"), ("tpot", "time per output token")):
        if report[f"{key}_s"] is None:
            continue
        yield f"## Required throughput for a {what} of {report[f'{key}_s']} s"
        yield ""
        rows = (
            [
                point["label"],
                str(point.get(report["size"], "")),
                mode,
                f"{rates['tflops_per_s']:.4g} TFLOP/s",
                f"{rates['gigabytes_per_s']:.4g} GB/s",
            ]
            for point in report["points"]
            for mode, rates in point["required"][key].items()
        )
        header = ("point", report["size"], "attention", "compute", "memory")
        yield from table(header, islice(rows, MOST_ROWS))
        yield ""
