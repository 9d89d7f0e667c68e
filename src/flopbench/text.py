"""Text formatting that reports share."""

from __future__ import annotations

import json
import math
import re
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


_FOUR_DIGITS = 9999.5


def milliseconds(value: float) -> str:
    """Format milliseconds: four significant digits, or a whole number without an exponent."""
    return f"{value:,.0f}" if value >= _FOUR_DIGITS else f"{value:.4g}"


_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls: all but the tab and the end of a line
    "\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f\ud800-\udfff]"
)
"""Characters that steer a terminal, turn text around, are not seen, or are none."""


def visible(text: str) -> str:
    r"""Escape what could change how a terminal shows a text, as JSON does: ``\u001b``.

    Names of files may hold such characters. Whatever is printed passes through here. Ends of lines
    and tabs stay.
    """
    return _HIDDEN.sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


def one_line(text: str) -> str:
    r"""Return a text as one line that shows all of it: `visible`, with ``\n`` for its ends."""
    return visible(text).replace("\n", "\\n")


_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def cell(value: Any) -> Any:
    """Return a value for a cell of CSV: an apostrophe before text that looks like a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def json_text(value: Any, indent: int | None) -> str:
    """Return a value as JSON; floats that JSON has not are the texts NaN, Infinity, -Infinity."""
    try:
        return json.dumps(value, indent=indent, ensure_ascii=False, allow_nan=False)
    except ValueError:
        return json.dumps(json_data(value), indent=indent, ensure_ascii=False)


def json_data(value: Any) -> Any:
    """Return what a reader of the JSON of a value gets: dicts, lists, texts and numbers."""
    if isinstance(value, Mapping):
        return {name: json_data(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [json_data(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def key_values(values: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Yield ``key=value`` for each value that is set; keys of inner mappings are dotted."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from key_values(value, f"{prefix}{key}.")
        elif value is not None:
            yield one_line(f"{prefix}{key}={_shown(value)}")


def _shown(value: Any) -> Any:
    """Return a value as text may show it: mappings in a list look as a user types them."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}: {_shown(inner)}' for key, inner in value.items())}}}"
    if isinstance(value, list | tuple) and any(isinstance(each, Mapping) for each in value):
        return f"[{', '.join(str(_shown(each)) for each in value)}]"
    return list(value) if isinstance(value, tuple) else value


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


def shortened(text: str, most: int = 200) -> str:
    """Cut a text that is longer than ``most`` characters, and say how long it is."""
    return text if len(text) <= most else f"{text[:most]}… ({len(text):,} characters)"


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


_MARKUP = re.compile(r"[\\`*\[\]<>&#~$]|(?<![^\W_])_|_(?![^\W_])")
"""What Markdown reads as more than text; an underscore between letters it does not."""


def as_markdown(text: str) -> str:
    """Return text that Markdown shows as it is: names and messages may hold tags."""
    return _MARKUP.sub(r"\\\g<0>", text)


def is_json(value: Any) -> bool:
    """Return whether JSON can hold a value: dates, sets, NaN and infinities it cannot."""
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True
