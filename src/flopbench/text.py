"""Pieces of text that reports are made of."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

_SIX_DECIMALS = 10**7
_WIDTH = 100
_MARKS = ("", "k", "M", "G", "T", "P", "E")


def tera(flops: int) -> str:
    """Write FLOPs as TFLOPs: six decimals, or four significant digits if that were too few."""
    value = Decimal(flops).scaleb(-12)
    return f"{value:.6f}" if flops == 0 or flops >= _SIX_DECIMALS else f"{value:.3e}"


def si(value: float, unit: str) -> str:
    """Write a number with a decimal prefix and four significant digits."""
    scaled, mark = float(value), 0
    while abs(scaled) >= 999.95 and mark < len(_MARKS) - 1:  # noqa: PLR2004 - rounds to 1000
        scaled, mark = scaled / 1000, mark + 1
    return f"{scaled:.4g} {_MARKS[mark]}{unit}"


def key_values(values: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Yield ``key=value`` of each value that is set; keys of inner mappings are dotted."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from key_values(value, f"{prefix}{key}.")
        elif value is not None:
            shown = list(value) if isinstance(value, tuple) else value
            yield f"{prefix}{key}={shown}"


def wrapped(text: str) -> str:
    """Break a text into lines of a terminal's width."""
    return textwrap.fill(text, _WIDTH, subsequent_indent="  ", break_on_hyphens=False)


def table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """Yield the lines of a Markdown table."""
    columns = list(header)
    yield f"| {' | '.join(columns)} |"
    yield f"| {' | '.join('---' for _ in columns)} |"
    for row in rows:
        yield f"| {' | '.join(row)} |"
