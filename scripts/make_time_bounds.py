"""Write the tables of docs/time-bounds.md, and its picture: bounds beside times on an H200.

`python scripts/make_time_bounds.py` takes a few seconds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from flopbench.analytic.price import price
from flopbench.builtin.eager import Eager
from flopbench.builtin.flash import Flash
from flopbench.commands.run.times import Needed
from flopbench.conventions import Conventions
from flopbench.hardware import DTYPES, Machine, gpu_named, known_gpus
from flopbench.hardware.times import StageTimes
from flopbench.plotting import COLOURS, SETTINGS, drawing, saved
from flopbench.text import table
from flopbench_deepseek_ocr.analytic import DeepseekOcr
from flopbench_deepseek_ocr.workload import Workload

ROOT = Path(__file__).parents[1]
PAGE, PICTURE = ROOT / "docs" / "time-bounds.md", ROOT / "docs" / "images" / "time-bounds.svg"
MEASURED = json.loads((ROOT / "measurements" / "h200_times.json").read_text(encoding="utf-8"))
MODEL = DeepseekOcr()
MACHINE = Machine(gpu_named("h200"), MODEL.storage)
GRIDS = {"base": (0, 0), "gundam3x2": (3, 2)}
PAGES = {"base": "one view", "gundam3x2": "3x2 tiles"}
SHOWN = "sdpa"
"""How the rows on the page were attended; the tests have all."""

MARKERS = ("<", "D", "o", "s")
"""Of floor, bound, kernels and wall time."""

Row = Mapping[str, Any]


def times(row: Row) -> StageTimes:
    """Return the bounds of what a row measured.

    A decode step alone is the first one after a prompt as long as the steps before it.
    """
    rows, columns = GRIDS[row["mode"]]
    workload = Workload(
        batch_size=row["batch"],
        tile_rows=rows,
        tile_cols=columns,
        prompt_tokens=10 + row["step"] - 1,
        decode_steps=1,
    )
    mode = Eager() if row["kind"] == "eager" else Flash()
    priced, least = (
        price(MODEL.ops(row["stage"], workload), each, Eager(), Conventions(), MODEL.storage)
        for each in (mode, Needed())
    )
    return StageTimes.of(priced, MACHINE, least)


def shown() -> list[Row]:
    """Return the rows on the page, stage by stage."""
    stages = ("vision", "prefill", "decode")
    rows = (row for row in MEASURED["rows"] if row["kind"] == SHOWN)
    return sorted(rows, key=lambda row: stages.index(row["stage"]))


def label(row: Row) -> str:
    """Return what a row measured."""
    return f"{row['stage']}, {PAGES[row['mode']]}, batch {row['batch']}"


def figures(row: Row) -> dict[str, float]:
    """Return the four times of a row, in milliseconds."""
    found = times(row)
    return {
        "floor": found.floor.ms,
        "bound": found.bound.ms,
        "kernels": row["kernel_ms"],
        "wall": row["ms"],
    }


def measured_table() -> Iterator[str]:
    """Yield the lines of the table of bounds and times."""
    rows = []
    for row in shown():
        found = figures(row)
        cells = (f"{ms:.3g}" for ms in found.values())
        share = f"{100 * found['bound'] / found['kernels']:.0f} %"
        per_kernel = f"{1000 * row['kernel_ms'] / row['kernels']:.3g} µs"
        rows.append([label(row), *cells, share, f"{row['kernels']:,}", per_kernel])
    head = ("stage", "floor_ms", "bound_ms", "kernels, ms", "wall, ms", "bound / kernels")
    yield from table((*head, "launches", "mean kernel"), rows)


def gpu_table() -> Iterator[str]:
    """Yield the lines of the table of GPUs."""
    dtypes = [dtype for dtype in DTYPES if dtype not in {"float64", "float16"}]
    rows = [
        [
            f"`{gpu.name}`",
            gpu.title,
            f"{(gpu.memory_bytes or 0) / 10**9:g}",
            f"{gpu.bandwidth / 10**9:,g}",
            *(f"{gpu.peaks[d] / 10**12:g}" if gpu.has(d) else "" for d in dtypes),
            f"{gpu.l2_bytes / 2**20:g}",
            f"{gpu.source}{'; ' if gpu.note else ''}{gpu.note}",
        ]
        for gpu in known_gpus().values()
    ]
    yield from table(("name", "GPU", "GB", "GB/s", *dtypes, "L2, MiB", "source"), rows)


def with_tables(page: str) -> str:
    """Return the page with its tables regenerated."""
    tables: dict[str, Iterable[str]] = {"measured": measured_table(), "gpus": gpu_table()}
    for name, lines in tables.items():
        block = f"<!-- table: {name} -->\n" + "\n".join(lines) + "\n<!-- end -->"
        pattern = rf"<!-- table: {name} -->\n.*?<!-- end -->"
        page, count = re.subn(pattern, lambda _, b=block: b, page, flags=re.DOTALL)
        if count != 1:
            raise SystemExit(f"{PAGE} must have one table {name!r}")
    return page


def picture() -> bytes:
    """Return the picture of all four times of each row, as SVG."""
    from matplotlib import pyplot as plt

    with drawing({**SETTINGS, "figure.figsize": (7, 5)}):
        figure, axes = plt.subplots(layout="constrained")
        rows = shown()
        found = [figures(row) for row in rows]
        for place, each in enumerate(found):
            axes.plot([min(each.values()), max(each.values())], [place] * 2, color="0.8", zorder=1)
        for index, (name, marker) in enumerate(zip(found[0], MARKERS, strict=True)):
            values = [each[name] for each in found]
            axes.plot(values, range(len(rows)), marker, color=COLOURS[index], label=name)
        axes.set_yticks(range(len(rows)), [label(row) for row in rows])
        axes.invert_yaxis()
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:g}")
        axes.set_xlabel("milliseconds")
        figure.suptitle("DeepSeek-OCR on an NVIDIA H200: bounds and times", fontsize=12)
        figure.legend(loc="outside lower center", ncols=4)
        return dict(saved("time-bounds", figure))["time-bounds.svg"]


def main() -> None:
    """Rewrite the tables and the picture."""
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    PICTURE.write_bytes(picture())


if __name__ == "__main__":
    main()
