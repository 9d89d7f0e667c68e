"""Text formatting that reports share."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

PREFIXES = ("", "k", "M", "G", "T", "P", "E", "Z", "Y", "R", "Q")
"""Decimal unit prefixes, by powers of 1000."""

_SIX_DECIMALS = 10**7
_WIDTH = 100
_NAMED = 5


def tera(flops: int) -> str:
    """Format FLOPs as TFLOPs: six decimals, or four significant digits for small counts."""
    value = Decimal(flops).scaleb(-12)
    return f"{value:.6f}" if flops == 0 or flops >= _SIX_DECIMALS else f"{value:.3e}"


def prefix(value: float) -> int:
    """Return the power of 1000 whose prefix suits a number written with four digits."""
    scaled, power = abs(value), 0
    while scaled >= 999.95 and power < len(PREFIXES) - 1:  # noqa: PLR2004 - rounds to 1000
        scaled, power = scaled / 1000, power + 1
    return power


def si(value: float, unit: str) -> str:
    """Format a number with a decimal prefix and four significant digits."""
    power = prefix(value)
    return f"{value / 1000**power:.4g} {PREFIXES[power]}{unit}"


def key_values(values: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Yield ``key=value`` for each value that is set; keys of inner mappings are dotted."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from key_values(value, f"{prefix}{key}.")
        elif value is not None:
            shown = list(value) if isinstance(value, tuple) else value
            yield f"{prefix}{key}={shown}"


def plural(number: int, what: str) -> str:
    """Format a count and its noun, which gets an s unless the count is 1."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def listed(names: Iterable[str], word: str) -> str:
    """Join names as in prose: ``a, b and c``."""
    *most, last = names
    return f"{', '.join(most)} {word} {last}" if most else last


def first_of(names: Sequence[str]) -> str:
    """Name the first five, and say how many more there are."""
    left = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {left} more" if left > 0 else "")


def wrapped(text: str, indent: str = "  ", first: str = "") -> str:
    """Wrap a text to a terminal's width; words stay whole.

    Args:
        indent, first: what later lines and the first one begin with.
    """
    return textwrap.fill(
        text,
        _WIDTH,
        initial_indent=first,
        subsequent_indent=indent,
        break_on_hyphens=False,
        break_long_words=False,
    )


def table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """Yield the lines of a Markdown table."""
    columns = list(header)
    yield f"| {' | '.join(columns)} |"
    yield f"| {' | '.join('---' for _ in columns)} |"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"


def is_json(value: Any) -> bool:
    """Return whether JSON can hold a value: dates, sets, NaN and infinities it cannot."""
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True
