"""What a training step keeps in memory, in words and tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from flopbench.analytic.step_memory import where
from flopbench.report import Series
from flopbench.text import si, table

_PARTS = {
    "parameter_bytes": "weights",
    "gradient_bytes": "their gradients",
    "state_bytes": "optimizer",
    "saved_bytes": "kept activations",
    "remade_bytes": "made again at once",
    "logits_bytes": "logits",
    "logits_gradient_bytes": "gradients of logits",
}


def lines(series: Iterable[Series]) -> Iterator[str]:
    """Yield the peak and its parts; what modes share is said once."""
    series = [s for s in series if s.memory]
    priced = [s for s in series if s.kind == "analytic"]
    if priced:
        yield f"memory: peak {_by_mode(priced, _peak)}"
        parts = (f"{word} {_by_mode(priced, _size(name))}" for name, word in _PARTS.items())
        yield f"over the step: {'; '.join(parts)}"
    for each in series:
        if each.kind == "vendor":
            yield _kept_by(each, priced)


def tables(series: Iterable[Series]) -> Iterator[str]:
    """Yield a table of the parts, a row per attention mode, and one of what is kept."""
    series = [s for s in series if s.memory]
    priced = [s for s in series if s.kind == "analytic"]
    if priced:
        rows = (
            [s.attention, si(_of(s)["peak_bytes"], "B"), _place(s)]
            + [_size(name)(s) for name in _PARTS]
            for s in priced
        )
        yield from table(["attention", "peak memory", "where", *_PARTS.values()], rows)
        yield ""
        yield from _components(series)
        yield ""
    for each in series:
        if _of(each).get("error"):
            yield from (f"{_kept_by(each, priced)}.", "")


def _components(series: list[Series]) -> Iterator[str]:
    """Yield the table of kept activations by component, a column per series."""
    shown = [s for s in series if not _of(s).get("error")]
    names = dict.fromkeys(name for s in shown for name in _of(s)["saved"])
    rows = ([name, *(f"{_of(s)['saved'].get(name, 0):,}" for s in shown)] for name in names)
    yield from table(["kept for the backward, in bytes", *(_column(s) for s in shown)], rows)


def _column(series: Series) -> str:
    return f"autograd ({series.counter})" if series.kind == "vendor" else series.attention


def _kept_by(series: Series, priced: Iterable[Series]) -> str:
    """Say what autograd keeps, beside what is needed in the attention mode that the vendor runs."""
    found = _of(series)
    if found["error"]:
        return f"what autograd keeps for the backward is not known: {found['error']}"
    needed = [s for s in priced if s.attention == series.attention]
    beside = (f"; the backward needs {si(_of(s)['saved_bytes'], 'B')}" for s in needed)
    return (
        f"kept activations ({series.attention}): autograd keeps {si(found['saved_bytes'], 'B')} in "
        f"the vendor's model{''.join(beside)}"
    )


def _of(series: Series) -> Mapping[str, Any]:
    return series.memory or {}


def _place(series: Series) -> str:
    return where(_of(series))


def _peak(series: Series) -> str:
    return f"{si(_of(series)['peak_bytes'], 'B')} {_place(series)}"


def _size(name: str) -> Callable[[Series], str]:
    return lambda series: si(_of(series)[name], "B")


def _by_mode(priced: list[Series], text: Callable[[Series], str]) -> str:
    texts = {s.attention: text(s) for s in priced}
    if len(set(texts.values())) == 1:
        return next(iter(texts.values()))
    return ", ".join(f"{mode} {shown}" for mode, shown in texts.items())
