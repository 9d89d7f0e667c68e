"""Write the tables of docs/vision-language.md: types, and published models with their tokens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from flopbench.text import si
from flopbench_transformers_vlm.analytic import VlModel
from flopbench_transformers_vlm.families import FAMILIES
from flopbench_transformers_vlm.presets import presets
from flopbench_transformers_vlm.workload import Inputs

PAGE = Path(__file__).parents[1] / "docs" / "vision-language.md"
SIZES = ((1_240, 1_754), (2_550, 3_301))
"""A4 at 150 dots per inch, and US Letter at 300."""


def rows(*cells: object) -> str:
    """Return a row of a table."""
    return f"| {' | '.join(map(str, cells))} |"


def types() -> Iterator[str]:
    """Yield the table of types."""
    yield rows("type", "architecture", "open in the tower's law", "published models")
    yield rows(*["---"] * 4)
    for kind, family in sorted(FAMILIES.items()):
        sizes = ", ".join(f"`{size}`" for size in family.sizes)
        names = [f"`{p.name}`" for p in presets().values() if p.model_type == kind]
        yield rows(f"`vl/{kind}`", family.source, sizes, ", ".join(names))


def published() -> Iterator[str]:
    """Yield the table of published models."""
    pages = [f"{width} x {height}" for width, height in SIZES]
    yield rows("name", "type", "parameters", *(f"image tokens of {page}" for page in pages))
    yield rows(*["---"] * (3 + len(SIZES)))
    for name, preset in sorted(presets().items()):
        kind = VlModel.for_name(f"vl/{name}")
        model = kind.from_options(kind.options_type())
        found = (model.workload(Inputs(image=size)).image_tokens for size in SIZES)
        tokens = [f"{count:,}" for count in found]
        yield rows(f"`vl/{name}`", f"`{preset.model_type}`", si(preset.parameters, ""), *tokens)


TABLES = {"types": types, "published": published}


def filled(text: str) -> str:
    """Return the page with tables as they are today."""
    for name, table in TABLES.items():
        begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
        made = "\n".join(table())
        text = re.sub(
            f"{begin}.*?{end}",
            lambda _, m=made, b=begin, e=end: f"{b}{m}\n{e}",
            text,
            flags=re.DOTALL,
        )
    return text


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
