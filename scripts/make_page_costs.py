"""Write docs/page-costs.md: what OCR models cost on two pages, and over page sizes.

Run `python scripts/make_page_costs.py`; it draws the page's pictures, too. With `--check` it runs
the real models as well, which takes minutes, and stops at one that is not verified.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import flopbench
from flopbench.commands.compare.comparison import Side, SideBySide
from flopbench.commands.compare.page_plots import draw
from flopbench.text import si, table

PAGE = Path(__file__).parents[1] / "docs" / "page-costs.md"
IMAGES = PAGE.parent / "images"

MODELS = (
    *("vl/granite-docling-258m", "vl/got-ocr2", "deepseek_ocr", "unlimited_ocr", "deepseek_ocr2"),
    *("vl/paddleocr-vl-0.9b", "vl/hunyuanocr-1.5-1b", "vl/lightonocr-1b", "vl/glm-ocr"),
    *("vl/qianfan-ocr-4b", "vl/qwen2.5-vl-7b", "vl/qwen3-vl-8b"),
    *("vl/florence-2-large", "vl/donut-base", "vl/nougat-base", "vl/trocr-base"),
)
SIZES = {"A4 at 150 dpi": (1_240, 1_754), "US Letter at 300 dpi": (2_550, 3_301)}
STEPS = 1_000
"""Tokens that are generated: about those of a page of text."""

HEADER = (
    *("model", "image tokens", "vision", "prefill", f"{STEPS:,} tokens", "whole page", "weights"),
    *("KV cache", "largest tensor, eager", "largest tensor, flash", "moved, flash"),
)


def compared(size: tuple[int, int], *, page_sizes: bool = False) -> SideBySide:
    """Return all models on a page."""
    workload = {"image": list(size), "decode_steps": STEPS}
    check = "--check" in sys.argv
    found = flopbench.compare(
        *MODELS, workload=workload, page_sizes=page_sizes, analytic_only=not check
    )
    wrong = [side.label for side in found.sides if check and side.verdict != "verified"]
    if wrong:
        sys.exit(f"not verified: {', '.join(wrong)}")
    return found


def row(side: Side) -> Iterator[str]:
    """Yield the cells of a model."""
    flash = {stage: costs["flash"] for stage, costs in side.costs.items()}
    whole = flash["total"]
    yield f"`{side.label}`"
    yield f"{side.tokens['image']:,}"
    for stage in ("vision", "prefill", "decode", "total"):
        yield si(flash[stage]["flops"], "FLOP")
    yield si(whole["weight_bytes"], "B")
    yield si(whole["kv_cache_bytes"], "B")
    for mode in ("eager", "flash"):
        yield si(side.costs["total"][mode]["largest_tensor_bytes"], "B")
    yield si(whole["expected_bytes_moved"], "B")


def filled(text: str, made: dict[str, str]) -> str:
    """Return the page with its tables."""
    for name, lines in made.items():
        begin, end = f"<!-- table: {name} -->\n", f"<!-- end: {name} -->"
        before, _, rest = text.partition(begin)
        text = f"{before}{begin}{lines}\n{end}{rest.partition(end)[2]}"
    return text


def main() -> None:
    """Write the tables and the pictures."""
    made = {}
    for number, (name, size) in enumerate(SIZES.items()):
        found = compared(size, page_sizes=number == 0)
        made[name] = "\n".join(table(HEADER, (tuple(row(side)) for side in found.sides)))
        for file, picture in draw(found.page_sizes).items():
            if file.endswith(".svg"):
                (IMAGES / f"page-costs-{file}").write_bytes(picture)
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8"), made), encoding="utf-8")


if __name__ == "__main__":
    main()
