"""What the distributions beside flopbench provide, so that a name can say what to install."""

from __future__ import annotations

from collections.abc import Collection
from importlib import metadata

from flopbench.errors import nearest_names, unknown
from flopbench.wildcards import pattern_for

SHIPPED = {
    "model": {
        "deepseek_ocr": "flopbench-deepseek-ocr",
        "deepseek_ocr2": "flopbench-deepseek-ocr2",
        "hf/*": "flopbench-transformers-lm",
        "unlimited_ocr": "flopbench-unlimited-ocr",
        "vl/*": "flopbench-transformers-vlm",
    },
    "vendor counter": dict.fromkeys(
        ("calflops", "deepspeed", "fvcore", "ptflops", "ptflops_aten", "thop", "torchinfo"),
        "flopbench-peer-counters",
    ),
}
"""Distributions by the names that they provide, of each kind of strategy."""

EXTRAS = {
    "flopbench-deepseek-ocr": "ocr",
    "flopbench-deepseek-ocr2": "ocr",
    "flopbench-peer-counters": "peers",
    "flopbench-transformers-lm": "hf",
    "flopbench-transformers-vlm": "vl",
    "flopbench-unlimited-ocr": "ocr",
}
"""The extra of flopbench that brings each distribution, and what it needs to count."""


def unknown_name(what: str, given: str, known: Collection[str]) -> str:
    """Describe an unknown name: what to install for it, or the nearest name.

    Args:
        what: the kind of strategy, as its shelf calls it.
        known: the names that loaded plugins provide.
    """
    others = {n: d for n, d in SHIPPED.get(what, {}).items() if n not in known}
    if name := given if given in others else pattern_for(given, others):
        return f"unknown {what} {given!r}: it comes with {_how_to_get(others[name])}"
    nearest = nearest_names(given, {*known, *others}, 1)
    if nearest and nearest[0] in others:
        source = _how_to_get(others[nearest[0]])
        return f"unknown {what} {given!r}: did you mean {nearest[0]!r}, which comes with {source}"
    return unknown(what, given, known)


def _how_to_get(distribution: str) -> str:
    try:
        metadata.distribution(distribution)
    except metadata.PackageNotFoundError:
        return f"{distribution}: pip install 'flopbench[{EXTRAS[distribution]}]'"
    return f"{distribution}, whose plugin is blocked or failed to load"
