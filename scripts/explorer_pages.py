"""The explorers of the site, from the laws in docs/laws."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flopbench.exports.explorer import page
from flopbench.exports.laws import (
    Assumption,
    ExportedLaw,
    ExportedLaws,
    LeftOut,
    StageLaws,
    Symbol,
)
from flopbench.pages import html

FOLDER = Path(__file__).parents[1] / "docs" / "laws"
MODELS = ("deepseek_ocr", "hf/llama", "hf/qwen3_moe", "hf/deepseek_v3")
PAGES = {
    "explorer-deepseek-ocr.html": ("deepseek_ocr",),
    "explorer.html": ("deepseek_ocr", "hf_llama", "hf_qwen3_moe", "hf_deepseek_v3"),
}
"""The models on each page, by the names of their files."""


def explorer_pages() -> Iterator[tuple[str, str]]:
    """Yield each page's name and its text."""
    for name, models in PAGES.items():
        yield name, html(page([laws_of(FOLDER / f"{model}.json") for model in models])) + "\n"


def laws_of(path: Path) -> ExportedLaws:
    """Return the laws that a file holds."""
    data = json.loads(path.read_text(encoding="utf-8"))
    names = ("name", "identifier", "kind", "closed", "provenance")
    return ExportedLaws(
        **{name: data[name] for name in names},
        symbols=tuple(Symbol(**symbol) for symbol in data["symbols"]),
        attention=tuple(data["attention"]),
        stages=tuple(map(_stage, data["stages"])),
        notes=tuple(data["notes"]),
        left_out=tuple(data["left_out"]),
    )


def _stage(data: dict[str, Any]) -> StageLaws:
    names = ("name", "title", "identifier", "verdict", "reason")
    return StageLaws(
        **{name: data[name] for name in names},
        symbols=tuple(data["symbols"]),
        parts=tuple(data["parts"]),
        assumptions=tuple(Assumption(**each) for each in data["assumptions"]),
        laws=tuple(ExportedLaw(**law) for law in data["laws"]),
        left_out=tuple(LeftOut(**each) for each in data["left_out"]),
    )
