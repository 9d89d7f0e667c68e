"""Regenerate docs/results-deepseek-ocr.md and its plots: DeepSeek-OCR over 53 grids of tiles.

`python scripts/make_results.py` sweeps with the vendor at every point (a minute or two).
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flopbench.commands.sweep.text import fallback_notes
from flopbench.text import si

ROOT = Path(__file__).parents[1]
PAGE, IMAGES = ROOT / "docs" / "results-deepseek-ocr.md", ROOT / "docs" / "images"
GRIDS = ("1x2", "2x2", "2x3", "3x3", "3x4", "4x4", "4x5", "5x5", "1x29")
TTFT, TPOT = "1", "0.05"
PLOTS = (
    ("vision_prefill", "vision_prefill_flops", "FLOPs of vision and prefill over image tokens"),
    ("vision_prefill", "vision_prefill_shares", "Share of each part in vision and prefill"),
    ("decode", "decode_flops", "FLOPs of decoding 100 tokens over image tokens"),
    ("decode", "required_tpot_gigabytes_per_s", "Memory rate for 0.05 s per output token"),
)

Report = dict[str, Any]


def main() -> None:
    """Sweep, copy the plots and write the page."""
    reports: dict[str, Report] = {}
    with tempfile.TemporaryDirectory() as folder:
        for sweep in ("vision_prefill", "decode"):
            out = Path(folder, sweep)
            _sweep(sweep, out)
            reports[sweep] = json.loads((out / "sweep.json").read_text(encoding="utf-8"))
        IMAGES.mkdir(exist_ok=True)
        for sweep, name, _ in PLOTS:
            svg = Path(folder, sweep, f"{name}.svg").read_bytes()
            (IMAGES / f"results-{name}.svg").write_bytes(svg)
    PAGE.write_text("\n".join(_page(reports)) + "\n", encoding="utf-8")


def _sweep(sweep: str, out: Path) -> None:
    command = [sys.executable, "-m", "flopbench.cli", "sweep", "deepseek_ocr", sweep]
    options = ["--ttft", TTFT, "--tpot", TPOT, "--jobs", "2", "--plots", "--out", str(out)]
    subprocess.run([*command, *options], check=True)


def _page(reports: dict[str, Report]) -> Iterator[str]:
    first, decode = reports["vision_prefill"], reports["decode"]
    yield "# DeepSeek-OCR over grids of tiles"
    yield ""
    yield "<!-- Written by scripts/make_results.py; edit that. -->"
    yield ""
    yield from _head(reports)
    for report, stage in ((first, "vision"), (first, "prefill"), (decode, "decode")):
        (title,) = (s["title"] for s in report["stages"] if s["name"] == stage)
        yield f"## {title}"
        yield ""
        yield from flops(report, stage)
        yield from memory(report, stage)
    yield "## Required throughput"
    yield ""
    yield f"To meet {TTFT} s to the first token (vision and prefill) and {TPOT} s per output token,"
    yield "a chip must sustain these rates; they are not the peaks of data sheets."
    yield ""
    yield from required(first)
    yield "## Plots"
    yield ""
    for _, name, text in PLOTS:
        yield f"![{text}](images/results-{name}.svg)"
        yield ""
    command = f"flopbench sweep deepseek_ocr vision_prefill --ttft {TTFT} --tpot {TPOT} --out DIR"
    yield f"`{command} --plots` writes all points, fields and plots;"
    yield "[sweep.json](sweep-schema.md) and [stage costs](stage-costs.md) define them."


def _head(reports: dict[str, Report]) -> Iterator[str]:
    first = reports["vision_prefill"]
    found = [p[s["name"]] for r in reports.values() for p in r["points"] for s in r["stages"]]
    exact = sum(stage["components_differ"] == [] for stage in found)
    called = sum(stage["vendor_method"] == "call" for stage in found)
    yield "Made by one command, `python scripts/make_results.py`, from the sweeps `vision_prefill`"
    yield "and `decode`. They cover every grid with rows <= columns and 2 to 29 tiles:"
    yield f"{first['num_points']} points; {first['dtype']}, batch size {first['batch_size']},"
    yield f"{first['decode_steps']} decode steps, 10 prompt tokens. Prefixes are decimal."
    yield ""
    yield "The vendor's count equals eager's torch-visible part in every component, difference 0,"
    yield f"in **{exact} of {len(found)}** results (every stage of every point); {called} of them"
    yield "are counts of that very point's calls, or sums of such counts."
    yield "The tables show some points."
    yield ""
    yield "The published preprocessing makes 2 to 9 tiles; larger grids show how the cost grows."
    yield "A portrait page has more rows than columns: vision costs the same, and 3x2 has 10 tokens"
    yield "more than 2x3."
    yield ""
    for note in fallback_notes(first):
        yield f"{note[0].upper()}{note[1:]}."
    yield "Weights are read once per pass; the global view and the tiles are two passes of vision."
    yield ""


def _points(report: Report) -> list[Report]:
    by_grid = {point["grid"]: point for point in report["points"]}
    return [by_grid[grid] for grid in GRIDS]


def _table(header: list[str], rows: list[list[str]]) -> Iterator[str]:
    for row in (header, ["---"] * len(header), *rows):
        yield f"| {' | '.join(row)} |"
    yield ""


def flops(report: Report, stage: str) -> Iterator[str]:
    """Yield the lines of a stage's table of FLOPs."""
    header = ["grid", "image tokens", *report["modes"].values(), "vendor (eager, torch)"]
    rows = []
    for point in _points(report):
        found = point[stage]
        counts = [si(found["cost"][mode]["flops"], "FLOP") for mode in report["modes"]]
        eager = found["cost"]["eager"]
        ratio = f"{eager['tensor_flops'] / eager['vector_flops']:.0f} : 1"
        if found["vendor_flops"] is None:
            raise SystemExit(f"{point['label']} {stage}: {found['vendor_error']}")
        vendor = si(found["vendor_flops"], "FLOP")
        head = [point["grid"], str(point["image_tokens"])]
        rows.append([*head, *counts, vendor, str(found["difference"]), ratio])
    yield from _table([*header, "difference", "tensor : vector (eager)"], rows)


def memory(report: Report, stage: str) -> Iterator[str]:
    """Yield the lines of a stage's table of bytes."""
    header = ["grid", "attention", "weights and experts read", "KV cache moved"]
    header += ["activations moved", "KV cache held", "peak activations held", "FLOP/B"]
    rows = []
    for point in _points(report):
        for mode in report["modes"]:
            cost = point[stage]["cost"][mode]
            read = cost["weight_bytes_read"] + cost["expected_expert_bytes_read"]
            moved = cost["activation_bytes_read"] + cost["activation_bytes_written"]
            cache = cost["kv_cache_bytes_read"] + cost["kv_cache_bytes_written"]
            sizes = (read, cache, moved, cost["kv_cache_bytes"], cost["peak_activation_bytes"])
            texts = [si(size, "B") for size in sizes]
            rows.append([point["grid"], mode, *texts, f"{cost['flops_per_byte']:.1f}"])
    yield from _table(header, rows)


def required(report: Report) -> Iterator[str]:
    """Yield the lines of the table of required throughput."""
    header = ["grid", "attention", "first token: compute", "memory", "output token: compute"]
    rows = []
    for point in _points(report):
        for mode in report["modes"]:
            rates = (point["required"][key][mode] for key in ("ttft", "tpot"))
            texts = [
                text
                for rate in rates
                for text in (
                    f"{rate['tflops_per_s']:.4g} TFLOP/s",
                    f"{rate['gigabytes_per_s']:.4g} GB/s",
                )
            ]
            rows.append([point["grid"], mode, *texts])
    yield from _table([*header, "memory"], rows)


if __name__ == "__main__":
    main()
