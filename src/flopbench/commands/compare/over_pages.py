"""Models side by side on several pages, as tables: the mean of each figure, its least and most."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from flopbench.analytic import Stage
from flopbench.commands.compare.comparison import Side, SideBySide
from flopbench.commands.compare.page_sizes import PageSize
from flopbench.text import plural, si, table

NONE = "none"

_TOKENS = {"image": "image tokens", "context": "context", "output": "output"}

_FIGURES = {
    "flops": ("FLOPs", "FLOP"),
    "expected_bytes_moved": ("moved", "B"),
    "weight_bytes": ("weights", "B"),
    "kv_cache_bytes": ("KV cache", "B"),
    "largest_tensor_bytes": ("largest tensor", "B"),
}
"""Costs with their columns and units."""

_PER_PAGE = frozenset({"flops", "expected_bytes_moved"})
"""Those that are the sum of all pages at once, where a batch has several."""


def by_model(found: SideBySide) -> Mapping[str, list[Side]]:
    """Return the results of each model, by its label: one for each page that it reads."""
    groups: dict[str, list[Side]] = {}
    for side in found.sides:
        groups.setdefault(side.label, []).append(side)
    return groups


def tables(found: SideBySide) -> Iterator[str]:
    """Yield a table of the models, and one of each stage."""
    groups = by_model(found)
    yield f"Each figure is the mean over {plural(len(found.pages), 'page')}, then least..most."
    yield "FLOPs and bytes moved are per page; prefixes are decimal."
    yield ""
    yield from table(
        ("model", "pages", *_TOKENS.values(), "dtype", "check"),
        (_model(label, sides) for label, sides in groups.items()),
    )
    yield ""
    for stage in found.stages:
        yield from (f"## {stage.title}", "", *_stage(found, groups, stage), "")


def _model(label: str, sides: Sequence[Side]) -> list[str]:
    tokens = (spread([s.tokens.get(name) for s in sides], _count) for name in _TOKENS)
    read = sum(side.page is not None and side.error is None for side in sides)
    dtype = next((side.dtype for side in sides if side.dtype), NONE)
    return [label, str(read), *tokens, dtype, _check(sides)]


def _check(sides: Sequence[Side]) -> str:
    """Say what the checks of all pages showed: the worst of them."""
    failed = sum(side.error is not None for side in sides)
    if failed:
        return "failed" if failed == len(sides) else f"failed on {plural(failed, 'page')}"
    verdicts = [side.verdict for side in sides]
    worst = next((v for v in ("not_verified", "not_checked") if v in verdicts), "verified")
    return worst.replace("_", " ")


def _stage(found: SideBySide, groups: Mapping[str, Sequence[Side]], stage: Stage) -> Iterator[str]:
    header = ("model", "attention", *(title for title, _ in _FIGURES.values()))
    rows = (
        [label, mode, *(_figure(sides, stage.name, mode, name) for name in _FIGURES)]
        for label, sides in groups.items()
        for mode in found.modes
    )
    return table(header, rows)


def _figure(sides: Sequence[Side], stage: str, mode: str, name: str) -> str:
    def value(side: Side) -> float | None:
        cost: Mapping[str, Any] = side.costs.get(stage, {}).get(mode, {})
        if name not in cost:
            return None
        amount: float = cost[name]
        return amount / side.pages if name in _PER_PAGE else amount

    unit = _FIGURES[name][1]
    return spread([value(side) for side in sides], lambda amount: si(amount, unit))


def spread(values: Sequence[float | None], text: Callable[[float], str]) -> str:
    """Return the mean of what is known, and the least and the most if they differ."""
    known = [value for value in values if value is not None]
    if not known:
        return NONE
    low, high = min(known), max(known)
    if low == high:
        return text(low)
    return f"{text(sum(known) / len(known))} ({text(low)}..{text(high)})"


def _count(value: float) -> str:
    return f"{value:,.0f}"


def size_tables(found: SideBySide) -> Iterator[str]:
    """Yield a table of what models cost over the sizes of a page, if that is asked for."""
    if not found.page_sizes:
        return
    yield from ("## Over page sizes, to the first token", "")
    header = ("model", "attention", "megapixels", "image tokens", "FLOPs", "largest tensor")
    yield from table(header, (_size(size) for size in found.page_sizes if not size.error))
    yield ""
    failed = {(s.label, s.error): None for s in found.page_sizes if s.error}
    yield from (f"- {label}: {error}" for label, error in failed)


def _size(size: PageSize) -> list[str]:
    tokens = NONE if size.image_tokens is None else _count(size.image_tokens)
    flops, largest = si(size.flops or 0, "FLOP"), si(size.largest_tensor_bytes or 0, "B")
    pixels = f"{size.megapixels:g} ({size.width} x {size.height})"
    return [size.label, size.attention or NONE, pixels, tokens, flops, largest]


def errors(found: SideBySide) -> Iterator[str]:
    """Yield what failed, with its page."""
    for side in found.sides:
        if side.error:
            page = f", {Path(side.page).name}" if side.page else ""
            yield f"{side.label}{page}: {side.error.removeprefix(f'{side.label}: ')}"
