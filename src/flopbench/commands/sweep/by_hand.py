"""Sweeps by hand: parse the texts of ``--vary`` and ``--grid``."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from flopbench.errors import UsageError
from flopbench.inputs import integer, yaml12
from flopbench.inputs.numbers import quoted
from flopbench.text import is_json

_NUMBER = r"([-+]?[0-9]\w*)"
_RANGE = re.compile(rf"\s*{_NUMBER}:{_NUMBER}(?::(x?){_NUMBER})?\s*")
_COLONS = re.compile(r"^[\s\[]*[-+]?\d[\d_]*:\d")
MOST_POINTS = 10**9
"""More would take longer than anybody waits: it is a slip of the keyboard."""

WORKLOAD = "workload."
"""Left out where a varied key names a fact of a point, or an axis."""

Values = Sequence[Any]


def parse_vary(text: str) -> tuple[str, Values]:
    """Parse ``KEY=VALUES``: START:STOP:STEP, START:STOP:xFACTOR, or comma-separated values.

    A range is START, START + STEP, ... up to STOP, or START, START * FACTOR, ... up to STOP. It
    includes STOP if it lands on it, as in 1:5:2 (1, 3, 5) and 1k:4k:x2 (1024, 2048, 4096), and
    ends before it if not, as in 1:1024:64 (1, 65, ..., 961).

    Raises:
        UsageError: it is neither, or the key is not one that points can vary.
    """
    key, equals, values = text.partition("=")
    key = key.strip()
    if not equals or not values.strip():
        raise UsageError(
            f"--vary {quoted(text)} must be KEY=VALUES, such as workload.decode_steps=1:1024:64 or "
            "workload.mode=base,large"
        )
    section, dot, name = key.partition(".")
    if not section or not dot or not name:
        raise UsageError(
            f"--vary {quoted(text)} must name a key with its section, as workload.KEY or model.KEY"
        )
    if section == "run":
        raise UsageError(
            f"--vary {quoted(text)}: all points are run alike: use --attention, --stages, "
            "--counters or --analytic-only"
        )
    if section == "hardware":
        raise UsageError(
            f"--vary {quoted(text)} changes nothing: a sweep has no bounds on time, which "
            "`flopbench run` gives for one GPU"
        )
    match = _RANGE.fullmatch(values)
    return key, _range(text, match) if match else _list(text, values)


def _range(text: str, match: re.Match[str]) -> Values:
    try:
        start, stop, step = (integer(word or "1") for word in match.group(1, 2, 4))
    except ValueError as error:
        raise UsageError(
            f"--vary {quoted(text)} is neither one range, START:STOP:STEP in whole numbers, nor "
            f"a list: a number must be {error}"
        ) from error
    if match[3]:
        return list(_products(text, start, stop, step))
    if step < 1 or stop < start:
        raise UsageError(
            f"--vary {quoted(text)} must rise: START:STOP:STEP with START <= STOP, STEP >= 1"
        )
    if (stop - start) // step >= MOST_POINTS:
        raise UsageError(f"--vary {quoted(text)} has more than {MOST_POINTS:,} values")
    return range(start, stop + 1, step)


def _products(text: str, start: int, stop: int, factor: int) -> Iterator[int]:
    if factor <= 1 or not 1 <= start <= stop:
        raise UsageError(
            f"--vary {quoted(text)} must rise: START:STOP:xFACTOR with 1 <= START <= STOP, "
            "FACTOR >= 2"
        )
    while start <= stop:
        yield start
        start *= factor


def _list(text: str, values: str) -> list[Any]:
    if any(_COLONS.search(value) for value in values.split(",")):
        # YAML would read 1:30 as a number of base 60.
        raise UsageError(
            f"--vary {quoted(text)} is neither one range, START:STOP:STEP or START:STOP:xFACTOR in "
            "whole numbers, nor a list"
        )
    try:
        found = yaml12.parse(f"[{values}]")
    except ValueError as error:
        raise UsageError(
            f"--vary {quoted(text)} is not a comma-separated list of values: {error}"
        ) from error
    if not isinstance(found, list):
        raise UsageError(f"--vary {quoted(text)} is not a comma-separated list of values")
    for value in found:
        if not is_json(value):
            # YAML also has infinity and NaN.
            raise UsageError(
                f"--vary {quoted(text)}: {value} is not a number, text, boolean, list or mapping"
            )
    if len(found) > MOST_POINTS:
        raise UsageError(f"--vary {quoted(text)} has more than {MOST_POINTS:,} values")
    found = _counts(found)
    if len(found) != len(set(map(str, found))):
        raise UsageError(f"--vary {quoted(text)} has a value twice")
    return found


def _counts(values: list[Any]) -> list[Any]:
    """Return the numbers that values mean if all of them mean one, such as 8k; or the values."""
    try:
        return [value if type(value) is int else integer(value) for value in values]
    except (AttributeError, ValueError):
        return values


def axes_by_hand(vary: Iterable[str]) -> tuple[tuple[str, Values], ...]:
    """Return the keys and values of ``--vary`` texts, whose product is a sweep.

    Raises:
        UsageError: two set the same key, or there are too many points.
    """
    axes = tuple(parse_vary(text) for text in vary)
    keys = [key for key, _ in axes]
    for key in keys:
        if keys.count(key) > 1:
            raise UsageError(f"--vary {key} is given twice")
        if within := [k for k in keys if k.startswith(f"{key}.")]:
            raise UsageError(
                f"--vary {key} and --vary {within[0]} set the same key: give one of them"
            )
    count = math.prod(len(values) for _, values in axes)
    if count > MOST_POINTS:
        raise UsageError(f"--vary makes {count:,} points, more than {MOST_POINTS:,}")
    return axes


def axis_by_hand(axes: Iterable[tuple[str, Values]]) -> str:
    """Return the first varied key whose values are all numbers, or else the first one."""
    axes = [*axes]
    numeric = [key for key, values in axes if _are_numbers(values)]
    return (numeric or [key for key, _ in axes])[0].removeprefix(WORKLOAD)


def _are_numbers(values: Values) -> bool:
    return isinstance(values, range) or all(type(value) in (int, float) for value in values)


def grids(texts: Iterable[str]) -> tuple[tuple[int, int], ...]:
    """Parse ``ROWSxCOLUMNS`` texts as grids.

    Raises:
        UsageError: a text is not a grid.
    """
    found: dict[tuple[int, int], None] = {}
    for text in texts:
        match = re.fullmatch(r"([1-9][0-9]{0,8})x([1-9][0-9]{0,8})", text.strip())
        if not match:
            raise UsageError(f"--grid {quoted(text)} must be ROWSxCOLUMNS, such as 2x3")
        found[integer(match[1]), integer(match[2])] = None
    return tuple(found)
