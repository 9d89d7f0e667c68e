"""A sweep as CSV and as Markdown tables, from its JSON form."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any

from flopbench.text import si, table


def to_csv(report: Mapping[str, Any]) -> str:
    """Write one row per point, stage and strategy."""
    text = io.StringIO()
    rows = list(_rows(report))
    fields = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(text, fields, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _rows(report: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    stages = [stage["name"] for stage in report["stages"]]
    for point in report["points"]:
        facts = {k: v for k, v in point.items() if k not in (*stages, "required")}
        for stage in stages:
            found = point[stage]
            for mode, cost in found["cost"].items():
                numbers = {k: v for k, v in cost.items() if k != "parts_flops"}
                vendor = {k: found[k] for k in ("vendor_flops", "vendor_error", "difference")}
                yield {**facts, "stage": stage, "attention": mode, **numbers, **vendor}


def to_markdown(report: Mapping[str, Any]) -> str:
    """Write the tables of a sweep: FLOPs, memory and required throughput."""
    lines = [f"# {report['model']}: {report['description']}", ""]
    head = f"Sweep `{report['sweep']}`, {report['num_points']} points, {report['dtype']}, batch "
    head += f"size {report['batch_size']}, {report['decode_steps']} decode steps. "
    lines += [f"{head}Prefixes are decimal.", ""]
    for stage in report["stages"]:
        lines += [f"## {stage['title']}", "", "### FLOPs", "", *_flops(report, stage["name"]), ""]
        lines += ["### Memory", "", *_memory(report, stage["name"]), ""]
    lines += _required(report)
    return "\n".join(lines).rstrip() + "\n"


def _per_mode(report: Mapping[str, Any], stage: str) -> Iterator[tuple[list[str], Any, Any]]:
    for point in report["points"]:
        for mode, cost in point[stage]["cost"].items():
            x = point.get(report["x"])
            yield [point["label"], "" if x is None else f"{x}", mode], cost, point[stage]


def _flops(report: Mapping[str, Any], stage: str) -> Iterator[str]:
    def row(head: list[str], cost: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
        vendor = found["vendor_flops"]
        ratio = cost["tensor_flops"] / cost["vector_flops"] if cost["vector_flops"] else None
        return [
            *head,
            si(cost["flops"], "FLOP"),
            si(cost["tensor_flops"], "FLOP"),
            si(cost["vector_flops"], "FLOP"),
            "" if ratio is None else f"{ratio:.1f} : 1",
            found["vendor_error"] or "not counted" if vendor is None else si(vendor, "FLOP"),
            "" if found["difference"] is None else str(found["difference"]),
        ]

    header = ("point", report["x"], "attention", "FLOPs", "tensor", "vector", "tensor : vector")
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
            *(read, cache, moved),
        )
        return [*head, *(si(size, "B") for size in sizes), f"{cost['flops_per_byte']:.1f}"]

    header = ("weights", "KV cache", "peak activations", "weights read", "KV cache moved")
    return table(
        ("point", report["x"], "attention", *header, "activations moved", "FLOP/B"),
        (row(*each) for each in _per_mode(report, stage)),
    )


def _required(report: Mapping[str, Any]) -> Iterator[str]:
    for key, what in (("ttft", "time to first token"), ("tpot", "time per output token")):
        if report[f"{key}_s"] is None or "required" not in report["points"][0]:
            continue
        yield f"## Required throughput for a {what} of {report[f'{key}_s']} s"
        yield ""
        yield from table(
            ("point", report["x"], "attention", "compute", "memory"),
            (
                [
                    point["label"],
                    str(point.get(report["x"], "")),
                    mode,
                    f"{rates['tflops_per_s']:.4g} TFLOP/s",
                    f"{rates['gigabytes_per_s']:.4g} GB/s",
                ]
                for point in report["points"]
                for mode, rates in point["required"].get(key, {}).items()
            ),
        )
        yield ""
